"""Migrations of documents that older versions, scripts and people have damaged: all else comes along, with a line."""
import errno
import io
from datetime import datetime, timezone

import bson
import pytest
from bson.codec_options import CodecOptions
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from plugin_tests.migration.test_girder import filled, findings, here, listed, migrate  # noqa: F401 - a fixture
from slicer_package_manager.migration import source_stores
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.notes import Outcome
from slicer_package_manager.migration.rules import shapes
from slicer_package_manager.migration.rules.items import Choices

pytestmark = pytest.mark.database
INF, NAN = float('inf'), float('nan')
#: A day in the year 11970.
FAR = DatetimeMS(10_000 * 365 * 24 * 3600 * 1000)


def change(older, kind, of, /, **fields):
    """Set ``fields`` of the document ``of``; ``...`` removes one."""
    removed = {key: '' for key, value in fields.items() if value is ...}
    update = {'$set': {key: value for key, value in fields.items() if value is not ...}}
    document = getattr(older, of)
    older.db[kind].update_one({'_id': document['_id']}, {**(update if update['$set'] else {}),
                                                         **({'$unset': removed} if removed else {})})
    return str(document['_id'])


def reasons(report, identifier):
    return '; '.join(f'{one.outcome.value}: {one.reason}' for one in report.notes if one.id == identifier)


def names(client):
    return {item['_id'] for kind in ('extension', 'package') for item in listed(client, kind).values()}


@pytest.mark.parametrize('name', ['in_draft', 'draft_extensions', 'in_release', 'drafts'])
@pytest.mark.parametrize(('fields', 'said'), [
    ({'meta': None}, ''), ({'meta': [1]}, 'meta'), ({'meta': ...}, ''), ({'created': ...}, 'created: was missing'),
    ({'created': 'yesterday'}, 'created: "yesterday"'), ({'created': FAR}, 'created'), ({'updated': None}, 'updated'),
    ({'updated': 5.5}, 'updated'), ({'description': 7}, 'description'), ({'description': None}, ''),
    ({'baseParentType': ..., 'baseParentId': ...}, ''), ({'baseParentType': None}, ''), ({'access': None}, ''),
    ({'access': 'all'}, 'access'), ({'access.users': [{'level': 2}]}, 'access'), ({'creatorId': {'a': 1}}, 'creatorId'),
    ({'lowerName': 3}, '')])
def test_an_odd_folder_comes_along(filled, anonymous, name, fields, said):  # noqa: F811
    identifier = change(filled, 'folder', name, **fields)
    report = migrate(filled, verify=True)
    assert said in reasons(report, identifier)
    assert names(anonymous) == {str(one['_id']) for one in (filled.one, filled.two, filled.slicer)}
    assert not [one for one in report.notes if one.outcome is Outcome.DIFFERENT]
    assert [name for name in migrate(filled).totals if 'new or changed' in name] == []


@pytest.mark.parametrize(('fields', 'said'), [
    ({'name': 5}, 'now "5"'), ({'name': None}, 'name: was missing'), ({'name': ...}, 'name: was missing')])
def test_a_folder_without_a_name_gets_one(filled, anonymous, fields, said):  # noqa: F811
    identifier = change(filled, 'folder', 'in_draft', **fields)
    assert said in reasons(migrate(filled), identifier)
    assert len(names(anonymous)) == len((filled.one, filled.two, filled.slicer))


def test_a_folder_in_nothing_is_left_out_with_what_is_in_it(filled, anonymous):  # noqa: F811
    identifier = change(filled, 'folder', 'in_draft', parentCollection=...)
    assert 'left out' in reasons(migrate(filled), identifier)
    assert names(anonymous) == {str(filled.two['_id'])}
    assert findings() == []


def test_documents_with_ids_of_other_kinds_are_left_out(filled, anonymous):  # noqa: F811
    for kind, name in ('item', 'one'), ('folder', 'in_draft'), ('user', 'admin'), ('folder', 'packages'):
        document = filled.db[kind].find_one({'_id': getattr(filled, name)['_id']})
        filled.db[kind].insert_one({**document, '_id': f'text {name}', 'name': 'x', 'login': 'x', 'email': 'x'})
    report = migrate(filled)
    assert {one.id for one in report.notes if one.outcome is Outcome.LEFT_OUT} >= {
        'text one', 'text in_draft', 'text admin', 'text packages'}
    assert len(names(anonymous)) == len((filled.one, filled.two, filled.slicer))


@pytest.mark.parametrize(('fields', 'said'), [
    ({'created': ...}, 'created'), ({'created': 'yesterday'}, 'created'), ({'updated': ...}, 'updated'),
    ({'name': None}, 'name'), ({'name': ...}, 'name'), ({'name': 3}, 'name'), ({'description': ['x']}, 'description'),
    ({'meta.keywords': INF}, 'keywords'), ({'meta.category': NAN}, 'category'), ({'meta.tier': 1e300}, 'tier'),
    ({'meta.junk': {'deep': [INF, FAR]}}, 'junk'), ({'updated': FAR}, 'updated'), ({'meta.build_date': FAR}, '')])
def test_an_odd_item_is_listed(filled, anonymous, fields, said):  # noqa: F811
    filled.extension(filled.draft_extensions, b'twin')
    identifier = change(filled, 'item', 'one', **fields)
    report = migrate(filled, choices=Choices('first'), verify=True)
    assert said in reasons(report, identifier)
    assert len(names(anonymous)) == len((filled.one, filled.two, filled.slicer))
    assert not [one for one in report.notes if one.outcome is Outcome.DIFFERENT]
    assert [name for name in migrate(filled, choices=Choices('first')).totals if 'new or changed' in name] == []
    assert anonymous.get(f'/item/{identifier}').status_code == 200


@pytest.mark.parametrize('meta', [None, [1], 'text', 5])
def test_an_item_without_metadata_comes_along_as_an_ordinary_one(filled, anonymous, meta):  # noqa: F811
    identifier = change(filled, 'item', 'one', meta=meta)
    report = migrate(filled)
    assert meta is None or 'meta' in reasons(report, identifier)
    assert anonymous.get(f'/item/{identifier}').json()['meta'] == {}


@pytest.mark.parametrize('fields', [
    {'name': None}, {'name': ...}, {'size': None}, {'size': ...}, {'size': 3.0}, {'size': '3'}, {'sha512': 5},
    {'sha512': 'A'}, {'created': ...}, {'created': 'x', 'mimeType': FAR}])
def test_an_odd_file_comes_along_with_its_bytes(filled, anonymous, fields):  # noqa: F811
    filled.file = filled.db['file'].find_one({'itemId': filled.one['_id']})
    if fields.get('sha512') == 'A':
        fields = {'sha512': filled.file['sha512'].upper()}
    identifier = change(filled, 'file', 'file', **fields)
    report = migrate(filled, verify=True)
    assert anonymous.get(f'/file/{identifier}/download').content == b'one'
    assert here()['file'].find_one({'_id': filled.file['_id']})['sha512'] == filled.file['sha512']
    assert not [one for one in report.notes if one.outcome in (Outcome.DIFFERENT, Outcome.LOST)]
    assert [name for name in migrate(filled).totals if 'new or changed' in name] == []


@pytest.mark.parametrize('path', [None, ..., '', 5, 'a\0b', {}])
def test_a_file_without_a_path_is_lost(filled, anonymous, path):  # noqa: F811
    filled.file = filled.db['file'].find_one({'itemId': filled.one['_id']})
    identifier = change(filled, 'file', 'file', path=path)
    assert 'lost: its bytes are missing' in reasons(migrate(filled), identifier)
    assert names(anonymous) == {str(filled.two['_id']), str(filled.slicer['_id'])}


@pytest.mark.parametrize('url', [5, 'http://[bad/x', 'https://[bad/x', {'a': 1}])
def test_a_link_that_is_no_url_is_named(filled, anonymous, url):  # noqa: F811
    link = filled.link(filled.extension(filled.draft_extensions, baseName='Link'), 'https://example.org/a.gz')
    filled.db['file'].update_one({'_id': link['_id']}, {'$set': {'linkUrl': url}})
    report = migrate(filled)
    assert [one.kind for one in report.undecided] == ['link']
    assert len(names(anonymous)) > len((filled.one, filled.two, filled.slicer))


def test_two_files_without_a_date_of_creation(filled, anonymous):  # noqa: F811
    filled.file(filled.one, b'other', name='other.tar.gz', stated=False)
    filled.db['file'].update_many({'itemId': filled.one['_id']}, {'$unset': {'created': ''}})
    migrate(filled)
    assert anonymous.get(f'/item/{filled.one["_id"]}/download').content == b'one'


@pytest.mark.parametrize('fields', [
    {'login': ...}, {'login': None}, {'email': ...}, {'email': 5}, {'firstName': None}, {'admin': 'no'},
    {'groups': None}, {'groups': ['x', {}]}, {'created': ...}, {'created': FAR}, {'access': 5}, {'name': 5}])
def test_odd_accounts_come_along(filled, anonymous, fields):  # noqa: F811
    filled.bob = filled.user('bobby')
    change(filled, 'user', 'bob', **fields)
    for _ in range(2):
        migrate(filled, verify=True)
        assert here()['user'].find_one({'_id': filled.bob['_id']})['admin'] is False
    assert findings() == []


@pytest.mark.parametrize('fields', [{'email': None}, {'login': 'bob'}])
def test_users_that_share_what_is_unique_do_not_stop_the_next_run(filled, fields):  # noqa: F811
    for login in ('a1', 'a2'):
        filled.db['user'].update_one({'_id': filled.user(login)['_id']}, {'$set': fields})
    for _ in range(2):
        report = migrate(filled)
        assert len([one for one in report.notes if one.kind == 'user' and 'same login' in one.reason]) == (
            'login' in fields)


def test_groups_and_settings_without_names(filled):  # noqa: F811
    group = filled.insert('group', public=True, access=filled.access())
    filled.db['setting'].insert_many([{'key': 'core.brand_name'}, {'value': 5}, {'key': 5, 'value': 5}])
    report = migrate(filled)
    assert reasons(report, str(group['_id'])).startswith('mended: name: was missing')
    assert len([one for one in report.notes if 'no key or no value' in one.reason]) == len(('name', 'key', 'number'))


def test_download_counts_that_are_no_numbers_are_named(filled):  # noqa: F811
    change(filled, 'folder', 'in_release', **{'meta.downloadStats': {'extensions': {
        name: {'linux': {'amd64': number}} for name, number in
        {'A': INF, 'B': 1e30, 'C': '7', 'D': 'many', 'E': 2**60, 'F': 4}.items()}}})
    report = migrate(filled)
    named = reasons(report, str(filled.in_release['_id']))
    assert [name for name in 'ABCDEF' if f'extensions.{name}.linux' in named] == ['A', 'B', 'D', 'E']
    assert {row['baseName']: row['count'] for row in here()['slicer_package_download'].find(
        {'kind': 'extension', 'day': ''})} == {'C': 7, 'F': 4}


def test_a_date_that_can_be_read_is_that_date(filled):  # noqa: F811
    change(filled, 'item', 'one', created='2020-02-03T04:05:06Z')
    migrate(filled)
    assert here()['item'].find_one({'_id': filled.one['_id']})['created'] == datetime(
        2020, 2, 3, 4, 5, 6, tzinfo=timezone.utc)


def test_bytes_that_are_no_utf_8_are_replaced(filled, anonymous):  # noqa: F811
    document = filled.db['item'].find_one({'_id': filled.one['_id']})
    raw = bson.encode({**document, 'description': 'QQ'}).replace(b'QQ', b'\xff\xfe')
    filled.db['item'].replace_one({'_id': filled.one['_id']}, RawBSONDocument(raw, CodecOptions(
        document_class=RawBSONDocument, unicode_decode_error_handler='ignore')))
    assert 'description' in reasons(migrate(filled), str(filled.one['_id']))
    assert len(names(anonymous)) == len((filled.one, filled.two, filled.slicer))


def test_metadata_near_the_limit_of_mongodb_is_set_aside_as_it_is(filled, anonymous):  # noqa: F811
    identifier = change(filled, 'item', 'one', **{'meta.junk': 'x' * (16 * 1024 * 1024 - 20_000)})
    assert 'not listed: its metadata is so large' in reasons(migrate(filled), identifier)
    assert names(anonymous) == {str(filled.two['_id']), str(filled.slicer['_id'])}


def test_credentials_of_urls_are_neither_in_the_report_nor_kept_aside(filled):  # noqa: F811
    url = f'https://bob:hunter2@example.org/{"long/" * 30}'
    identifier = change(filled, 'item', 'one', **{'meta.homepage': url, 'meta.junk': {'deep': [url]}, 'meta.tier': url,
                                                  'meta.app_id': url, 'meta.build_date': [url]})
    change(filled, 'folder', 'app', **{'meta.extensionPackageNameTemplate': url})
    report = migrate(filled)
    assert 'hunter2' not in str(report.as_json())
    assert reasons(report, identifier)
    for kind, document in ('item', filled.one), ('folder', filled.app):
        assert 'hunter2' not in str(here()[kind].find_one({'_id': document['_id']}))


@pytest.mark.parametrize('where', ['folder in a draft', 'folder in extensions'])
def test_a_package_in_no_folder_of_packages_has_a_line(filled, where):  # noqa: F811
    parent = filled.draft_extensions if where == 'folder in extensions' else filled.in_draft
    item = filled.extension(filled.folder('more', parent), b'x')
    assert reasons(migrate(filled), str(item['_id'])).startswith('not listed: it is in no folder of a release or draft')


def test_a_release_without_a_revision_stays_one(filled, anonymous):  # noqa: F811
    release = filled.folder('5.0', filled.app)
    item = filled.extension(filled.folder('extensions', release), b'x', baseName='Inside')
    package = filled.package(release, b'p', baseName='Inside')
    report = migrate(filled, verify=True)
    assert report.undecided == []
    assert reasons(report, str(release['_id'])) == 'mended: meta.revision: was missing, now "5.0"'
    found = {one['_id']: one['meta']['revision'] for one in anonymous.get(
        '/app/5f4474d0e1d8c75dfc705482/release').json()}
    assert found[str(release['_id'])] == '5.0'
    assert {str(item['_id']), str(package['_id'])} <= names(anonymous)
    assert findings() == []
    assert [name for name in migrate(filled).totals if 'new or changed' in name] == []


def test_a_package_of_the_other_type_stays_listed_and_is_named(filled, anonymous):  # noqa: F811
    extension = filled.extension(filled.in_draft, b'e', baseName='Beside')
    package = filled.package(filled.draft_extensions, b'p', baseName='Inside')
    report = migrate(filled)
    for item in extension, package:
        assert 'undecided: it has the metadata of the type' in reasons(report, str(item['_id']))
        assert str(item['_id']) in names(anonymous)


def test_folders_like_applications_and_attached_files_have_a_line(filled):  # noqa: F811
    like = filled.folder('Almost', filled.packages)
    attached = filled.file(filled.one, b'logo', stated=False, itemId=None, attachedToType='folder',
                           attachedToId=filled.app['_id'])
    report = migrate(filled)
    assert reasons(report, str(like['_id'])).startswith('not listed: ')
    assert reasons(report, str(attached['_id'])).startswith('left out: it is attached to the folder')


def test_a_draft_whose_revision_is_null_has_its_name_as_revision(filled):  # noqa: F811
    change(filled, 'folder', 'in_draft', **{'meta.revision': None})
    migrate(filled)
    assert here()['folder'].find_one({'_id': filled.in_draft['_id']})['meta']['revision'] == '29738'


def test_a_long_name_of_a_release_is_cut_without_a_space_at_its_end(filled):  # noqa: F811
    release, _ = filled.release('a' * 254 + ' ' + 'b' * 10, '30000')
    assert 'mended: its name is now' in reasons(migrate(filled), str(release['_id']))


def test_unknown_applications_are_refused(filled):  # noqa: F811
    with pytest.raises(MigrationError, match='no application Typo'):
        migrate(filled, apps=('Slicer', 'Typo'))


def test_an_assetstore_without_a_directory_is_refused_until_one_is_named(filled, anonymous):  # noqa: F811
    for removed in 'root', 'type':
        filled.db['assetstore'].update_one({'_id': filled.store['_id']}, {'$unset': {removed: ''}})
        with pytest.raises(MigrationError, match='--source-assetstore'):
            migrate(filled)
    filled.db['assetstore'].insert_one({'name': 'no file is in it'})
    migrate(filled, roots={str(filled.store['_id']): filled.root})
    assert len(names(anonymous)) == len((filled.one, filled.two, filled.slicer))


@pytest.mark.parametrize('error', [errno.EACCES, errno.EPERM, errno.EXDEV, errno.EROFS])
def test_a_file_that_cannot_be_linked_is_copied(filled, anonymous, monkeypatch, error):  # noqa: F811
    def refuse(*_):
        raise OSError(error, 'refused')
    monkeypatch.setattr('pathlib.Path.hardlink_to', refuse)
    migrate(filled)
    assert len(names(anonymous)) == len((filled.one, filled.two, filled.slicer))


def test_one_file_that_the_disk_cannot_read_is_lost(filled, anonymous, monkeypatch):  # noqa: F811
    class Broken(io.BytesIO):
        def read(self, _):
            raise OSError(errno.EIO, 'Input/output error')

    opened = source_stores.Directory.opened
    file = filled.db['file'].find_one({'itemId': filled.one['_id']})
    monkeypatch.setattr(source_stores.Directory, 'opened', lambda store, one: (
        Broken() if one['_id'] == file['_id'] else opened(store, one)))
    assert 'lost: its bytes cannot be read' in reasons(migrate(filled), str(file['_id']))
    assert names(anonymous) == {str(filled.two['_id']), str(filled.slicer['_id'])}


def test_a_migration_in_place_mends_too_and_writes_nothing_that_is_fine(in_place, anonymous):
    draft, extensions = in_place.draft('29738')
    item, other = in_place.extension(extensions, b'one'), in_place.extension(extensions, b'two', baseName='Other')
    in_place.db['item'].update_one({'_id': item['_id']}, {'$unset': {'created': '', 'name': ''}})
    in_place.db['folder'].update_one({'_id': draft['_id']}, {'$unset': {'updated': '', 'baseParentId': ''}})
    migrate(in_place, in_place=True)
    assert names(anonymous) == {str(item['_id']), str(other['_id'])}
    assert findings() == []
    assert [name for name in migrate(in_place, in_place=True).totals if 'new or changed' in name] == []


@pytest.mark.parametrize(('fields', 'said'), [
    ({'login': ...}, 'login'), ({'email': 5}, 'email'), ({'firstName': 5}, 'firstName'), ({'admin': 'no'}, 'admin'),
    ({'groups': ['x', {}]}, 'groups'), ({'created': FAR}, 'created'), ({'access': 5}, 'access')])
def test_in_place_odd_accounts_become_what_they_become_by_copying(in_place, login, fields, said):
    in_place.draft('29738')
    in_place.bob = in_place.user('bobby')
    bob = change(in_place, 'user', 'bob', **fields)
    before = here()['user'].find_one({'_id': in_place.bob['_id']})
    expected = shapes.shaped('user', before).document
    dry = migrate(in_place, in_place=True, dry_run=True)
    assert here()['user'].find_one({'_id': in_place.bob['_id']}) == before
    report = migrate(in_place, in_place=True)
    assert reasons(report, bob) == reasons(dry, bob)
    assert reasons(report, bob).startswith(f'mended: {said}: ')
    assert here()['user'].find_one({'_id': in_place.bob['_id']}) == expected != before
    assert [name for name in migrate(in_place, in_place=True).totals if 'new or changed' in name] == []
    admin = login(here()['user'].find_one({'_id': in_place.admin['_id']}))
    assert bob in {one['_id'] for one in admin.get('/user', params={'limit': 0}).raise_for_status().json()}


def test_in_place_groups_are_mended_and_accounts_that_need_a_person_are_named(in_place):
    in_place.draft('29738')
    group = in_place.insert('group', public=True, access=in_place.access())
    twins = [in_place.user(login) for login in ('a1', 'a2')]
    in_place.db['user'].update_many({'_id': {'$in': [one['_id'] for one in twins]}}, {'$set': {'login': 'same'}})
    in_place.db['user'].update_one({'_id': twins[0]['_id']}, {'$set': {'salt': 'x', 'hashAlg': 'sha512'}})
    report = migrate(in_place, in_place=True)
    assert here()['group'].find_one({'_id': group['_id']})['name'] == str(group['_id'])
    assert reasons(report, str(group['_id'])).startswith('mended: name: was missing')
    assert 'undecided: the user' in reasons(report, str(twins[1]['_id']))
    assert 'a form that this server cannot check' in reasons(report, str(twins[0]['_id']))
