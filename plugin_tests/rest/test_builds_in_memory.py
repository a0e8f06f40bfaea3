"""What is known in memory of builds is what the database has, after any change and for all users."""
import random

import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

REVISIONS = ('33000', '33001', '33002', '33003')
SYSTEMS = (('linux', 'amd64'), ('win', 'amd64'), ('macosx', 'arm64'))


@pytest.fixture
def users(admin, make_user):
    """Who asks: the anonymous, a user who may read what is private and write to one draft, and the administrator."""
    return [None, make_user('reader'), admin]


@pytest.fixture
def plain(app):
    """What a user may see, from all documents: by build, type and system, the names with revisions and the sizes."""
    from girder.models.item import Item

    from slicer_package_manager.registry.tree import access

    def read(user):
        found = {}
        clause = access.item_clause({'_id': ObjectId(app['_id'])}, user)
        for one in Item().collection.find({'spm.app': ObjectId(app['_id']), '$and': [clause]}):
            spm, meta = one['spm'], one['meta']
            row = found.setdefault((spm['channel'], spm['kind'], meta['os'], meta['arch']), [])
            row.append((meta['baseName'], meta['revision'], one['size']))
        return {key: sorted(rows) for key, rows in found.items()}
    return read


@pytest.fixture
def known(app):
    """The same facts as they are known in memory."""
    from slicer_package_manager.registry.expected import present
    from slicer_package_manager.registry.server import transactions
    from slicer_package_manager.registry.tree import access

    def read(user):
        of = {'_id': ObjectId(app['_id'])}
        found = transactions.run(lambda: present.visible(of, access.item_access(of, user)))
        return {(build, kind, *system): one for build, by_type in found.items() for kind, by_system in by_type.items()
                for system, one in by_system.items()}, present.revisions(of, user)
    return read


def assert_same(plain, known, users):
    for user in users:
        rows, (found, revisions) = plain(user), known(user)
        assert {key: (one.names, one.revisions, one.number, one.size) for key, one in found.items()} == {
            key: ({name for name, _, _ in row}, {one[:2] for one in row}, len(row), sum(size for _, _, size in row))
            for key, row in rows.items()}
        assert revisions == {one[:2] for key, row in rows.items() if key[1] == 'extension' for one in row}


class Changes:
    """Random changes of what an application has; ``api`` is the administrator's."""

    def __init__(self, api, app, make, reader, chance):
        self.api, self.app, self.make, self.reader, self.chance = api, app, make, reader, chance

    def any(self):
        change = self.chance.choice([
            self.create, self.create, self.create, self.create, self.without_file, self.complete, self.new_metadata,
            self.delete, self.move, self.promote, self.visibility, self.edited_by_girder, self.many_at_once,
            self.delete_build, self.write_access])
        change()
        return change.__name__

    def _items(self, **query):
        from girder.models.item import Item
        found = list(Item().find({'spm.kind': 'extension', **query}))
        return [self.chance.choice(found)] if found else []

    def _folders(self, *roles):
        from girder.models.folder import Folder
        found = list(Folder().find({'spm.role': {'$in': roles}}))
        return [self.chance.choice(found)] if found else []

    def create(self, **more):
        os, arch = self.chance.choice(SYSTEMS)
        revision = self.chance.choice(REVISIONS)
        more = {'content': b'x' * self.chance.randrange(1, 9), **more}
        if self.chance.random() < 0.2:
            return self.make('package', os=os, arch=arch, revision=revision, **more)
        return self.make('extension', os=os, arch=arch, app_revision=revision, revision=self.chance.choice('abc'),
                         baseName=self.chance.choice('PQRS'), **more)

    def without_file(self):
        self.create(content=b'')

    def complete(self):
        for item in self._items():
            upload(self.api, item['_id'], b'y' * self.chance.randrange(1, 9))

    def new_metadata(self):
        for item in self._items():
            meta = item['meta']
            self.make('extension', **{key: meta[key] for key in ('os', 'arch', 'app_revision', 'baseName')},
                      revision=self.chance.choice('def'))

    def delete(self):
        for item in self._items():
            self.api.delete(f'/item/{item["_id"]}').raise_for_status()

    def delete_build(self):
        for folder in self._folders('release', 'revision') if self.chance.random() < 0.3 else ():
            self.api.delete(f'/folder/{folder["_id"]}').raise_for_status()

    def move(self):
        for item in self._items():
            for folder in self._folders('extensions'):
                self.api.put(f'/item/{item["_id"]}', params={'folderId': str(folder['_id'])})  # it may be there already

    def promote(self):
        for draft in self._folders('revision'):
            revision, url = draft['spm']['revision'], f'/app/{self.app["_id"]}/release'
            self.api.post(url, params={'name': f'5.{revision}', 'app_revision': revision})
            self.api.post(f'{url}/5.{revision}/promote', params={'revision': revision})  # both may have the same

    def visibility(self):
        for folder in self._folders('release', 'revision', 'extensions', 'draft'):
            access = {'users': [{'id': str(self.reader['_id']), 'level': 0}], 'groups': []}
            self.api.put(f'/folder/{folder["_id"]}/access', params={
                'access': str(access).replace("'", '"'), 'public': self.chance.random() < 0.6,
                'recurse': self.chance.random() < 0.3}).raise_for_status()

    def write_access(self):
        from girder.models.folder import Folder
        for folder in self._folders('extensions'):
            Folder().setUserAccess(folder, self.reader, self.chance.choice([0, 1, -1]), save=True)

    def edited_by_girder(self):
        from girder.models.item import Item
        for item in self._items():
            loaded = Item().load(item['_id'], force=True)
            Item().setMetadata(loaded, {'os': self.chance.choice(['linux', 'win']), 'arch': 'amd64'})

    def many_at_once(self):
        from slicer_package_manager.registry.server import transactions
        for item in self._items():
            self.chance.choice([transactions.run, lambda write: write()])(self._write(item))

    def _write(self, item):
        """A write past the registry, as other plugins may do it."""
        from girder.models.item import Item
        items, this = Item().collection, {'_id': item['_id']}
        return self.chance.choice([
            lambda: Item().update({'folderId': item['folderId']}, {'$inc': {'size': 1}}),
            lambda: items.update_one(this, {'$set': {'spm.ready': False}}),
            lambda: items.find_one_and_update(this, {'$set': {'size': 77}}),
            lambda: items.find_one_and_update(this, {'$set': {'size': 78}}, projection={'_id': 1}),
            lambda: items.update_many(filter={}, update=[{'$set': {'size': 5}}]),
            lambda: items.replace_one(this, {**item, 'size': 99}),
            lambda: items.delete_many({'meta.baseName': item['meta']['baseName']})])


@pytest.mark.parametrize('seed', range(4))
def test_what_is_known_is_what_a_plain_count_finds_after_random_changes(api, app, make, users, plain, known, seed):
    from girder.exceptions import GirderBaseException
    changes, done = Changes(api, app, make, users[1], random.Random(seed)), []
    for _ in range(10):
        changes.create()
    for _ in range(40):
        try:
            done.append(changes.any())
        except GirderBaseException:
            done.append('a refused change')
        assert_same(plain, known, users)


def test_only_builds_that_have_changed_are_read_again(make, api, app, known, reads):
    made = [make('extension', app_revision=revision, content=b'x') for revision in REVISIONS]
    known(None)
    reads.clear()
    # The draft of an upload, of a change and of a deletion; those that share a section with it are read too.
    other = make('extension', app_revision=REVISIONS[0], baseName='Other', content=b'x')
    known(None)
    make('extension', app_revision=REVISIONS[1], revision='fe98', content=b'x')
    known(None)
    api.delete(f'/app/{app["_id"]}/extension/{other["_id"]}').raise_for_status()
    known(None)
    api.put(f'/app/{app["_id"]}/extension/{made[2]["_id"]}/readme', content=b'# Text').raise_for_status()
    known(None)
    assert len(reads) == 4
    assert all(number in (1, 2) for number in reads), reads


def test_a_request_in_an_older_snapshot_does_not_get_what_a_later_one_has_read(make, known):
    from concurrent.futures import ThreadPoolExecutor

    from plugin_tests.waiting import PATIENCE
    from slicer_package_manager.registry.server import transactions
    make('extension', content=b'x')

    def later():
        make('extension', baseName='Other', content=b'x')
        return known(None)

    def older():
        before = known(None)
        with ThreadPoolExecutor(1) as pool:
            after = pool.submit(later).result(PATIENCE)
        return before, after, known(None)
    before, after, again = transactions.run(older)
    assert before == again
    assert known(None) == after != before
