"""The doctor finds damage, repairs what it can without a loss, and changes nothing else."""
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from bson.objectid import ObjectId

from plugin_tests import commands
from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

LONG_AGO = datetime.now(timezone.utc) - timedelta(days=3)
OLD = LONG_AGO.timestamp()


@pytest.fixture
def installation(api, app, make, db, tmp_path):
    """A healthy server: a release, a draft, a package and an extension with files, a link, counts."""
    api.post(f'/app/{app["_id"]}/release', params={'name': '5.8', 'app_revision': '33000'}).raise_for_status()
    for package_type in ('package', 'extension'):
        item = make(package_type)
        upload(api, item['_id'], f'content of the {package_type}'.encode())
        api.get(f'/item/{item["_id"]}/download').raise_for_status()
    make('package', revision='33001', url='https://github.com/Slicer/Slicer/releases/download/1/a.zip', size=5)
    return Installation(db, tmp_path / 'assetstore', api)


class Installation:
    """Stored data, which tests damage."""

    def __init__(self, db, root, api):
        self.db, self.root, self.api = db, root, api

    @property
    def package(self):
        return self.db['item'].find_one({'spm.kind': 'package', 'meta.revision': '33000'})

    @property
    def file(self):
        return self.db['file'].find_one({'itemId': self.package['_id']})

    @property
    def release(self):
        return self.db['folder'].find_one({'name': '5.8'})

    @property
    def blob(self):
        return self.root / self.file['path']

    def add_file(self, **values):
        self.db['file'].insert_one({**self.file, '_id': ObjectId(), **values})


def found(*, repair=False):
    from slicer_package_manager.doctor.checks import CHECKS
    from slicer_package_manager.doctor.findings import Options
    names = []
    for check in CHECKS:
        for finding in check.findings(Options()):
            assert finding.what
            assert finding.todo
            names.append(check.name)
            if repair and finding.repair:
                finding.repair()
    return names


def test_a_healthy_installation_is_clean(installation):
    assert found() == []


def test_a_promoted_draft_is_clean(installation, app, make):
    api = installation.api
    upload(api, make('package', revision='34000')['_id'], b'preview')
    path = f'/app/{app["_id"]}/release'
    api.post(path, params={'name': '5.9', 'app_revision': '34000'}).raise_for_status()
    api.post(f'{path}/5.9/promote', params={'revision': '34000'}).raise_for_status()
    assert found() == []


def change(collection, query, update):
    return lambda one: one.db[collection].update_one(query(one), update)


def the_package(one):
    return {'_id': one.package['_id']}


def the_file(one):
    return {'_id': one.file['_id']}


def the_release(one):
    return {'_id': one.release['_id']}


def write(name, content=b'content'):
    def damage(one):
        path = one.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (OLD, OLD))
    return damage


def half_an_upload(one):
    one.api.post('/file', params={'parentType': 'item', 'parentId': str(one.package['_id']), 'name': 'half.zip',
                                  'size': 10}).raise_for_status()
    one.db['upload'].update_one({}, {'$set': {'updated': LONG_AGO}})


def two_counts(one):
    one.db['slicer_package_download'].drop_index('spm_download')
    count = one.db['slicer_package_download'].find_one({'kind': 'package'})
    one.db['slicer_package_download'].insert_one({**count, '_id': ObjectId(), 'count': 5})


def wrong_sums(one):
    from slicer_package_manager.registry.downloads import rollup
    counts = one.db['slicer_package_download']
    counts.update_many({}, {'$set': {'day': '2026-01-01'}})
    rollup.keep_up()
    counts.update_one({'kind': 'package'}, {'$inc': {'count': 1}})


def stray(one):
    folder = one.db['folder'].insert_one({**one.release, '_id': ObjectId(), 'name': 'stray', 'lowerName': 'stray',
                                          'parentId': one.release['_id'], 'spm': None}).inserted_id
    one.db['folder'].update_one({'_id': folder}, {'$unset': {'spm': ''}})
    one.db['item'].update_one(the_package(one), {'$set': {'folderId': folder}})


def misplaced_release(one):
    drafts = one.db['folder'].find_one({'name': 'draft'})
    one.db['folder'].update_one({'_id': one.release['parentId']}, {'$unset': {'spm': ''}})
    one.db['folder'].update_one({'_id': drafts['_id']}, {'$set': {'spm.app': ObjectId()}})


REPAIRED = {
    'a package that states another checksum': ('files', change('item', the_package, {
        '$set': {'meta.sha512': 'f' * 128}})),
    'a package that seems to have no file': ('files', change('item', the_package, {'$set': {'spm.ready': False}})),
    'a package of another size': ('files', change('item', the_package, {'$set': {'size': 1}})),
    'a release of another size': ('sizes', change('folder', the_release, {'$inc': {'size': 5}})),
    'a collection of another size': ('sizes', change('collection', lambda _: {'spm': {'$exists': True}}, {
        '$inc': {'size': -5}})),
    'the same file twice': ('files', lambda one: one.add_file(created=datetime.now(timezone.utc))),
    'no index': ('indexes', lambda one: one.db['item'].drop_index('spm_item_identity')),
    'no index of counts': ('indexes', lambda one: one.db['slicer_package_download'].drop_index('spm_download')),
    'two counts for one package and day': ('counts', two_counts),
    'sums that are not those of the counts': ('sums', wrong_sums),
    'a package that is not registered': ('registrations', change('item', the_package, {'$unset': {'spm': ''}})),
    'a package of another release': ('registrations', change('item', the_package, {'$set': {'spm.release': '4.0'}})),
    'a release that is not registered': ('registrations', change('folder', the_release, {'$unset': {'spm': ''}})),
    'a release of another name': ('registrations', change('folder', the_release, {'$set': {'spm.release': '4.0'}})),
    'an application that is not registered': ('registrations', misplaced_release),
    'a replaced file that stays': ('replaced', lambda one: one.add_file(itemId=None, spm={'retired': LONG_AGO})),
    'an upload that stopped': ('uploads', half_an_upload),
    'bytes of no upload': ('uploads', write('temp/tmpabc')),
    'bytes of no file': ('unused', write(f'ab/cd/abcd{"0" * 124}')),
}


@pytest.mark.parametrize(('check', 'damage'), REPAIRED.values(), ids=REPAIRED)
def test_damage_that_is_repaired(installation, check, damage):
    from slicer_package_manager.registry import indexes
    try:
        damage(installation)
        assert set(found()) >= {check}
        found(repair=True)
        assert found() == []
    finally:
        installation.db['slicer_package_download'].delete_many({})
        indexes.ensure()
    assert installation.package['spm']['ready']
    assert installation.blob.read_bytes() == b'content of the package'


@pytest.mark.parametrize('change', ['upload', 'deletion', 'move'])
def test_sizes_that_a_kill_after_the_commit_leaves_are_repaired(installation, make, db, monkeypatch, change):
    from slicer_package_manager.registry.server import transactions
    api, item = installation.api, str(installation.package['_id'])
    other = api.post('/collection', params={'name': 'Other'}).raise_for_status().json()['_id']
    calls = {'upload': lambda: upload(api, make('package', baseName='New')['_id'], b'content'),
             'deletion': lambda: api.delete(f'/item/{item}'),
             'move': lambda: api.put(f'/folder/{installation.release["_id"]}', params={
                 'parentType': 'collection', 'parentId': other})}
    with monkeypatch.context() as killed:
        killed.setattr(transactions, 'after_commit', lambda *_, **__: None)
        calls[change]()
    # Where nothing of packages is left, nothing is checked.
    wrong = [name for name in found(repair=True) if name == 'sizes']
    assert len(wrong) == {'upload': 2, 'deletion': 2, 'move': 1}[change]
    assert 'sizes' not in found()


def test_an_upload_that_ends_while_sizes_are_compared_is_no_damage(installation, make, monkeypatch):
    from slicer_package_manager.registry.tree import sizes
    item, look = make('package', baseName='New')['_id'], sizes.sums
    pending = [lambda: upload(installation.api, item, b'content')]

    def late(*args):
        seen = look(*args)
        if pending:
            pending.pop()()
        return seen
    monkeypatch.setattr(sizes, 'sums', late)
    assert found() == []
    assert pending == []


def settings(key, value):
    return lambda one: one.db['setting'].replace_one({'key': key}, {'key': key, 'value': value}, upsert=True)


def two_of_one_identity(one):
    one.db['item'].drop_index('spm_item_identity')
    item = one.package
    one.db['item'].insert_one({**item, '_id': ObjectId(), 'name': 'second', 'lowerName': 'second'})


REPORTED = {
    'lost bytes': ('bytes', lambda one: one.blob.unlink()),
    'too few bytes': ('bytes', lambda one: os.truncate(one.blob, 3)),
    'other bytes': ('checksums', lambda one: one.blob.write_bytes(b'CONTENT OF THE PACKAGE')),
    'two different files': ('files', lambda one: one.add_file(sha512='f' * 128)),
    'an unfinished replacement': ('files', lambda one: one.add_file(name='new_file', created=LONG_AGO)),
    'no file for days': ('without-files', lambda one: (
        one.db['file'].delete_one(the_file(one)),
        one.db['item'].update_one(the_package(one), {'$set': {
            'spm.ready': False, 'meta.sha512': '', 'size': 0, 'updated': LONG_AGO}}))),
    'metadata that is not allowed': ('registrations', change('item', the_package, {'$set': {'meta.os': 'Linux'}})),
    'two packages of one identity': ('duplicates', two_of_one_identity),
    'a file of no item': ('orphans', change('file', the_file, {'$set': {'itemId': ObjectId()}})),
    'a package in no folder': ('orphans', change('item', the_package, {'$set': {'folderId': ObjectId()}})),
    'a folder in no folder': ('orphans', change('folder', the_release, {'$set': {'parentId': ObjectId()}})),
    'a file without a size': ('documents', change('file', the_file, {'$unset': {'size': ''}})),
    'a file with another path than any': ('documents', change('file', the_file, {'$set': {'path': None}})),
    'a package without metadata': ('documents', change('item', the_package, {'$unset': {'meta': ''}})),
    'a package of no size': ('documents', change('item', the_package, {'$set': {'size': 'large'}})),
    'a release that lies nowhere': ('documents', change('folder', the_release, {'$unset': {'parentId': ''}})),
    'a registration that is a number': ('documents', change('folder', the_release, {'$set': {'spm': 5}})),
    'an assetstore without a place': ('documents', lambda one: one.db['assetstore'].update_one(
        {}, {'$unset': {'root': ''}})),
    'a count that is no number': ('counts', lambda one: one.db['slicer_package_download'].update_one(
        {}, {'$set': {'count': 'many'}})),
    'a package from the future': ('clock', change('item', the_package, {'$set': {
        'created': datetime.now(timezone.utc) + timedelta(days=9)}})),
    'an unusable setting': ('settings', settings('slicer_package_manager.link_delivery', 'perhaps')),
    'links the server may not fetch': ('settings', settings('slicer_package_manager.link_hosts', ['*.example.org'])),
    'a default application that is gone': ('settings', settings('slicer_package_manager.default_app', 'a' * 24)),
    'a quota of no application': ('settings', settings('slicer_package_manager.upload_quotas', {'a' * 24: 5})),
    'a check of no application': ('settings', settings('slicer_package_manager.checked_applications', ['a' * 24])),
    'a cache in each process': ('settings', settings('core.cache.enabled', True)),
    'no administrator': ('settings', lambda one: one.db['user'].update_many({}, {'$set': {'admin': False}})),
    'no current assetstore': ('assetstores', lambda one: one.db['assetstore'].update_many(
        {}, {'$set': {'current': False}})),
    'no directory of the assetstore': ('assetstores', lambda one: one.root.rename(one.root.with_name('unmounted'))),
}


@pytest.mark.parametrize(('check', 'damage'), REPORTED.values(), ids=REPORTED)
def test_damage_that_is_only_reported(installation, check, damage):
    from slicer_package_manager.registry import indexes
    try:
        damage(installation)
        assert check in found()
        before = {name: installation.db[name].count_documents({}) for name in ('file', 'item', 'folder', 'upload')}
        files = sum(path.is_file() for path in Path(installation.root).rglob('*'))
        for one in ('clock', 'settings', 'assetstores', 'bytes', 'checksums', 'orphans', 'without-files'):
            require_no_repair(one)
        assert check in found()
        assert before == {name: installation.db[name].count_documents({}) for name in before}
        assert files == sum(path.is_file() for path in Path(installation.root).rglob('*'))
    finally:
        installation.db['item'].delete_many({})
        indexes.ensure()


def require_no_repair(name):
    from slicer_package_manager.doctor.checks import CHECKS
    from slicer_package_manager.doctor.findings import Options
    check = next(one for one in CHECKS if one.name == name)
    assert [one.repair for one in check.findings(Options()) if one.repair] == []


def test_a_package_in_an_ordinary_folder_becomes_an_ordinary_item(installation):
    item = installation.package
    stray(installation)
    assert found(repair=True) == ['registrations', 'sizes']
    assert found() == []
    stored = installation.db['item'].find_one({'_id': item['_id']})
    assert ('spm' in stored, stored['meta'], stored['size']) == (False, item['meta'], item['size'])


def test_the_content_of_a_folder_that_is_not_repaired_is_left_alone(installation):
    from slicer_package_manager.doctor import registrations
    from slicer_package_manager.doctor.findings import Options
    item = installation.package
    installation.db['folder'].update_one({'_id': installation.release['parentId']}, {'$unset': {'spm': ''}})
    (finding,) = registrations.wrong_registrations(Options())
    assert '"Slicer"' in finding.what
    assert installation.package == item


def test_a_link_without_a_size_is_no_damage(installation, make):
    item = make('extension', baseName='Linked')
    installation.api.post('/file', params={
        'parentType': 'item', 'parentId': item['_id'], 'name': 'a.zip',
        'linkUrl': 'https://github.com/a/b/c.zip'}).raise_for_status()
    assert found() == []


def test_of_several_files_none_is_removed_because_of_another_finding(installation):
    installation.add_file(sha512='f' * 128, created=datetime.now(timezone.utc))
    installation.db['item'].update_one(the_package(installation), {'$set': {'spm.ready': False}})
    found(repair=True)
    assert installation.db['file'].count_documents({'itemId': installation.package['_id']}) == 2


def test_little_space_is_reported(installation, monkeypatch):
    monkeypatch.setenv('GIRDER_FILESYSTEMASSETSTORE_RESERVED_MBYTES', str(10**9))
    assert found() == ['assetstores']


def test_bytes_that_are_put_aside_still_exist(installation):
    write(f'ab/cd/abcd{"0" * 124}', b'precious')(installation)
    found(repair=True)
    assert (installation.root / 'orphaned' / f'abcd{"0" * 124}').read_bytes() == b'precious'


def test_counts_that_are_added_up_lose_nothing(installation):
    from slicer_package_manager.registry import indexes
    try:
        two_counts(installation)
        found(repair=True)
        (one,) = installation.db['slicer_package_download'].find({'kind': 'package'})
        assert (one['count'], 'moved' in one) == (6, False)
    finally:
        installation.db['slicer_package_download'].delete_many({})
        indexes.ensure()


@pytest.mark.process
def test_the_command(installation, mongo_uri):
    def doctor(*args, database=mongo_uri):
        done = commands.run('doctor', '--database', database, *args)
        return done.returncode, done.stdout, done.stderr
    installation.db['item'].update_one(the_package(installation), {'$set': {'spm.ready': False}})
    code, output, _ = doctor('--full')
    assert code == 1
    assert 'error: files: "Slicer_linux_amd64_33000"' in output
    assert output.endswith('23 checks, 1 findings, 0 of them fixed.\n')
    version = list(installation.db['slicer_package_change'].find())
    code, output, _ = doctor('--fix', '--json')
    assert code == 0
    assert list(installation.db['slicer_package_change'].find()) != version  # servers invalidate their caches
    (finding,) = json.loads(output)['findings']
    assert (finding['check'], finding['fixable'], finding['fixed'], finding['problem']) == ('files', True, True, None)
    assert doctor() == (0, '23 checks, 0 findings, 0 of them fixed.\n', '')
    code, output, errors = doctor(database='mongodb://127.0.0.1:9/girder?serverSelectionTimeoutMS=500')
    assert (code, output) == (2, '')
    assert '127.0.0.1:9 does not answer' in errors


def test_aliases_of_midas_that_lead_to_nothing_are_found_and_repaired(installation):
    from slicer_package_manager.registry.midas import aliases
    from slicer_package_manager.registry.midas.aliases import Alias
    from slicer_package_manager.registry.midas.numbers import Kind
    aliases.record([Alias(Kind.ITEM, '77', (ObjectId(),)), Alias(Kind.ITEM, '78', (installation.package['_id'],)),
                    Alias(Kind.ITEM, '79')])
    assert found(repair=True) == ['aliases']
    assert found() == []
    assert [aliases.find(Kind.ITEM, number).is_gone for number in ('77', '78', '79')] == [True, False, True]


def test_publishers_that_cannot_upload_are_found(installation, app, admin, make_user, api):
    from slicer_package_manager.doctor import publishers as checks
    from slicer_package_manager.doctor.findings import Options
    from slicer_package_manager.registry.accounts import publishers

    def reasons():
        return [finding.what for finding in checks.unusable(Options())]
    setting = {'key': 'core.server_root', 'value': 'https://packages.example.org'}
    api.put('/system/setting', params=setting).raise_for_status()
    values = {'issuer': 'https://gitlab.com', 'repository': 'a/b', 'repository_id': '1', 'workflow': '.gitlab-ci.yml',
              'branch': 'main', 'extensions': '*', 'login': 'admin'}
    one, = [publishers.add(installation.db['folder'].find_one({'_id': ObjectId(app['_id'])}), values)]
    assert found() == []
    collection, identifier = installation.db['slicer_package_publisher'], {'_id': ObjectId(one['_id'])}
    stored = collection.find_one(identifier)
    for change, reason in (({'user': ObjectId()}, 'its account was deleted'), ({'app': ObjectId()}, 'its application'),
                           ({'user': make_user('stranger')['_id']}, 'may not write'),
                           ({'issuer': 'https://gitlab.example.org'}, 'slicer_package_manager.oidc_issuers')):
        collection.replace_one(identifier, {**stored, **change})
        what, = reasons()
        assert reason in what
        assert found() == ['publishers']
    collection.replace_one(identifier, stored)
    api.delete('/system/setting', params={'key': 'core.server_root'}).raise_for_status()
    what, = reasons()
    assert 'core.server_root is not set' in what


def test_readmes_that_no_extension_has_are_found(installation):
    from slicer_package_manager.registry.tree import readmes
    for text in ('Old', 'New'):
        readmes.put(installation.package['_id'], text)
    assert found() == []
    collection = installation.db['slicer_package_readme']
    collection.update_many({}, {'$set': {'used': datetime.now(timezone.utc) - timedelta(days=2)}})
    assert found(repair=True) == ['readmes']
    assert found() == []
    assert [one['text'] for one in collection.find()] == ['New']


def test_attestations_of_bytes_that_are_gone_are_found(installation):
    from slicer_package_manager.registry.schema.attestations import Attestation
    from slicer_package_manager.registry.tree import attestations
    item = installation.package
    attestations.put(item['_id'], item['meta']['sha512'], 'a' * 64, Attestation(b'{}', 'application/json'))
    assert found() == []
    attestations.put(item['_id'], 'b' * 128, 'a' * 64, Attestation(b'{}', 'application/json'))
    attestations.put(ObjectId(), item['meta']['sha512'], 'a' * 64, Attestation(b'{}', 'application/json'))
    assert found(repair=True) == ['attestations'] * 2
    assert found() == []
    one, = installation.db['slicer_package_attestation'].find()
    assert (one['item'], one['sha512']) == (item['_id'], item['meta']['sha512'])
