"""Every call that clients make costs a fixed number of round trips to the database, however much is stored."""
import itertools
import re
from pathlib import Path

import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import EXTENSION_FORM, PACKAGE_FORM, Client, empty_database, set_up, upload
from plugin_tests.logs import loaded
from plugin_tests.roundtrips import counting
from plugin_tests.roundtrips_table import CALLS, WHOLE_FOLDERS, as_markdown
from plugin_tests.site import SLICER
from slicer_package_manager.logs.rules.vocabulary import countries

pytestmark = pytest.mark.database

PAGE = Path(__file__).parent.parent / 'docs' / 'explanation' / 'performance.md'
#: More than what the database sends in its first answer to a query, 101 documents.
MANY = 105
NOT_OF_CLIENTS = set()
#: Addresses of pages and of programs that are older than the API.
BESIDE_API = re.compile('/(midas3/.*|catalog.*|extension/.*|sitemap.xml|download|statistics|)$')


class World:
    """A server with an application, some packages in it, and users: one who may write to it, and an administrator."""

    def __init__(self, app, assetstore):
        from girder.constants import AccessType
        from girder.models.api_key import ApiKey
        from girder.models.collection import Collection
        from girder.models.folder import Folder
        from girder.models.setting import Setting
        from girder.models.user import User
        self.db = empty_database()
        set_up(assetstore)
        self.depth = 1
        self._numbers = itertools.count(1)
        admin, editor = (User().createUser(login=login, password=None, firstName='A', lastName='B',
                                           admin=login == 'admin', email=f'{login}@example.org')
                         for login in ('admin', 'editor'))
        self.clients = (Client(app), Client(app, editor), Client(app, admin))
        self.caller = self.clients[-1]
        self.key = ApiKey().createApiKey(editor, 'build machine')['key']
        self.app_id = self.application('Slicer', app_id=SLICER)
        app_folder = Folder().load(self.app_id, force=True)
        for folder in (app_folder, *Folder().find({'parentId': app_folder['_id']})):
            Folder().setUserAccess(folder, editor, AccessType.ADMIN, save=True)
        Collection().setUserAccess(Collection().findOne(), editor, AccessType.ADMIN, save=True)
        packages = Folder().load(app_folder['parentId'], force=True)
        Folder().setUserAccess(packages, editor, AccessType.ADMIN, save=True)
        self.release('34000', '5.8')
        self.db.slicer_package_expected.insert_one({
            'app': ObjectId(self.app_id), 'branch': 'main', 'synced': app_folder['created'],
            'entries': [{'name': 'Expected', 'category': '', 'tier': 1, 'repository_url': ''}]})
        Setting().set('slicer_package_manager.webhook_hosts', ['hooks.example.org'])
        for revision in ('34000', '33000'):
            self.item = self.package(revision=revision)
            self.file = self.upload(self.item)
            self.upload(self.extension(app_revision=revision))
        self.link = self.extension(baseName='Linked', url='https://github.com/a/b/c.zip')
        self._log('2026-01-01', 1)

    def fresh(self):
        """A text that was never used before."""
        return f'fresh-{next(self._numbers)}'

    def send(self, method, path, **params):
        return self.caller.request(method, path, params=params).raise_for_status().json()

    def post(self, path, **params):
        return self.send('POST', path, **params)['_id']

    def put(self, path, **params):
        return self.send('PUT', path, **params)['_id']

    def application(self, name, **values):
        return self.post('/app', name=name, **values)

    def release(self, revision, name=None):
        return self.send('POST', f'/app/{self.app_id}/release', name=name or revision, app_revision=revision)['name']

    def package(self, app_id=None, **values):
        return self.post(f'/app/{app_id or self.app_id}/package', **{**PACKAGE_FORM, **values})

    def extension(self, **values):
        return self.post(f'/app/{self.app_id}/extension', **{**EXTENSION_FORM, **values})

    def upload(self, item, name='file.tar.gz'):
        return upload(self.caller, item, self.fresh().encode(), name)['_id']

    def grow(self, number):
        """Store much more of everything."""
        self.caller = self.clients[-1]
        from girder.models.folder import Folder
        template = Folder().load(self.app_id, force=True)
        for _ in range(number):
            release, draft = self.release(self.fresh()), self.fresh()
            self.extension(baseName=self.fresh(), app_revision=release)
            self.extension(baseName=self.fresh(), app_revision='34000')
            for revision in (draft, '34000'):
                self.package(baseName=self.fresh(), revision=revision)
            identifier, name = ObjectId(), self.fresh()
            self.db.folder.insert_one({**template, '_id': identifier, 'name': name, 'lowerName': name,
                                       'spm': {**template['spm'], 'app': identifier}})
        self._grow_files()
        self._grow_counts(number)
        self._grow_logs(number)
        self.extension(baseName=self.fresh())  # waits for its file, as some do in the small world

    def _grow_files(self):
        file = self.db.file.find_one({'_id': ObjectId(self.file)})
        items = [item['_id'] for item in self.db.item.find({'spm.ready': False}, ['_id'])]
        self.db.file.insert_many([{**file, '_id': ObjectId(), 'itemId': item, 'sha512': str(item)} for item in items])
        self.db.item.update_many({'_id': {'$in': items}}, {'$set': {'spm.ready': True}})

    def _log(self, day, number):
        """Load as many rows of ``day`` about the file, and about files that are unknown here."""
        loaded.load(*(loaded.row(day=day, item=item, file=file, content=content, country=country)
                      for item, file, content in ((self.item, self.file, self.checksum[:16]), (self.item, 'x', 'x'))
                      for country in list(countries())[:number]))

    def _grow_logs(self, number):
        for day in range(1, 29):
            self._log(f'2026-02-{day:02}', number)

    def _grow_counts(self, number):
        count = self.db.slicer_package_download.find_one({'baseName': 'Slicer'})
        self.db.slicer_package_download.insert_many([
            {**count, '_id': ObjectId(), 'baseName': f'Slicer{n}', 'day': day}
            for n in range(number) for day in ('2026-01-01', '2026-01-02')])

    def trips(self, call):
        """What ``call`` costs each of the clients; ``None`` for those who may not make it."""
        if call.again:
            self.commands(call, self.clients[0])
        return tuple(None if allowed is None else len(self.commands(call, client))
                     for client, allowed in zip(self.clients, call.trips, strict=True))

    def commands(self, call, client):
        """The commands that the database gets when ``client`` makes ``call``."""
        self.caller = client
        from slicer_package_manager.registry.downloads import logged_statistics
        from slicer_package_manager.registry.server import data_version
        method, path = call.route.split(' ')
        item = path.startswith('/item')
        names = {'app_id': self.app_id, 'id': self.item if item else self.file, 'fresh': self.fresh(),
                 'hash': self.checksum, **(call.before(self) if call.before else {})}
        path = re.sub(r':(\w+)', lambda found: names[found[1]], path)
        params = {key: value.format(**names) if isinstance(value, str) else value
                  for key, value in call.params.items()}
        if not call.again:
            data_version.announce()  # or the answer may be a cached list
            logged_statistics._BY_COUNTRY.clear()
        with counting() as found:
            url = f'http://testserver{path}' if BESIDE_API.match(path) else path
            answer = client.request(method, url, params=params, content=call.content, headers=call.headers)
        assert answer.status_code == call.status, answer.text
        return found

    @property
    def checksum(self):
        return self.db.file.find_one({'_id': ObjectId(self.file)})['sha512']


@pytest.fixture(scope='module')
def measured(wsgi_app, tmp_path_factory):
    """What each call cost with little and with much stored, by its title."""
    world = World(wsgi_app, tmp_path_factory.mktemp('assetstore'))
    for call in (*CALLS, *WHOLE_FOLDERS):
        world.commands(call, world.clients[-1])  # the first time, Girder creates the indexes of its collections
    little = {call.title: world.trips(call) for call in CALLS}
    deletions = {call.title: [] for call in WHOLE_FOLDERS}
    for world.depth in (1, 2, 4):
        for call in WHOLE_FOLDERS:
            deletions[call.title].append(world.trips(call))
    world.grow(MANY)
    much = {call.title: world.trips(call) for call in CALLS}
    yield little, much, deletions
    for client in world.clients:
        client.close()


@pytest.mark.parametrize('call', CALLS, ids=lambda call: call.title)
def test_a_call_costs_what_the_table_says_however_much_is_stored(measured, call):
    little, much, _ = measured
    assert (little[call.title], much[call.title]) == (call.trips, call.trips)


@pytest.mark.parametrize('call', WHOLE_FOLDERS, ids=lambda call: call.title)
def test_a_change_of_a_whole_folder_costs_the_same_however_much_is_in_it(measured, call):
    *_, deletions = measured
    assert [row[1:] for row in deletions[call.title]] == [call.trips[1:]] * 3


def test_every_route_is_in_the_table():
    from slicer_package_manager import rest
    routes = {f'{method} {"/".join(("/app", *path))}' for method, path, _ in rest.ROUTES}
    assert routes - {call.route for call in (*CALLS, *WHOLE_FOLDERS)} == NOT_OF_CLIENTS


def test_titles_are_unique():
    titles = [call.title for call in CALLS]
    assert len(titles) == len(set(titles))


def test_the_documentation_has_the_table():
    text = PAGE.read_text(encoding='utf-8')
    assert as_markdown() in text, 'Put in what python -m plugin_tests.roundtrips_table prints'
