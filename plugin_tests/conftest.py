"""Fixtures: a real MongoDB for the session, a server in this process, and factories of users and items."""
import os
import re
import signal
from functools import partial

import bcrypt
import httpx
import pymongo
import pytest

from plugin_tests import mongodb, periodic_work, processes, waiting
from plugin_tests.recorded import Recorder

waiting.be_patient()
waiting.share_certificates()
# A shell lets the commands in its background ignore interruptions, and what these start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)

#: Skips that continuous integration accepts: Debian's packages may not be installable there.
ACCEPTED_SKIPS = ('cloud-init is not installed', 'the web engine of Slicer cannot run here')

#: The line that gives markers to all tests of a module, and those that decide where the tests run.
_ALL_TESTS = re.compile(r'^pytestmark = .*', re.MULTILINE)
_MARKER = re.compile(r'mark\.(database|process)\b')


def pytest_addoption(parser):
    parser.addoption('--mongomock', action='store_true',
                     help='run only what needs no truth about the database, without a mongod')
    parser.addoption('--race-rounds', type=int, default=20, metavar='N',
                     help='rounds of the races between uploads; 20 by default, 200 before a release')
    parser.addoption('--kill-rounds', type=int, default=5, metavar='N',
                     help='rounds in which a process or a database is killed at a write; 5 by default')
    parser.addoption('--simulation-steps', type=int, default=20_000, metavar='N',
                     help='steps of the simulation; 20,000 by default')
    parser.addoption('--simulation-seed', type=int, default=0, metavar='N',
                     help='what the choices of the simulation depend on; 0 by default')
    parser.addoption('--simulation-shrink', action='store_true',
                     help='when the simulation fails, search for fewer steps that fail too; takes minutes')
    parser.addoption('--screenshots', default='screenshots', metavar='DIR',
                     help='where to keep the screenshots of pages; "screenshots" by default')


def may_start_processes(module):
    """Whether the module can have tests with the marker ``process``: it names the marker, or ``pages/`` adds it."""
    return 'pages' in module.parts or 'mark.process' in module.read_text(encoding='utf-8')


def markers_of(module):
    """The markers that all tests of the module have, among those that decide where they run."""
    line = _ALL_TESTS.search(module.read_text(encoding='utf-8'))
    return set(_MARKER.findall(line[0])) if line else set()


def pytest_ignore_collect(collection_path, config):
    """Import only modules that can have tests of the run: every worker imports what is collected."""
    if not collection_path.match('test_*.py'):
        return None
    if config.option.markexpr == 'process':
        return not may_start_processes(collection_path) or None
    left_out = {'process'} if config.option.markexpr == 'not process' else set()
    if config.getoption('--mongomock'):
        left_out = {'database', 'process'}
    return bool(left_out and left_out & markers_of(collection_path)) or None


def pytest_xdist_make_scheduler(config, log):
    """With ``--dist loadfile``, have one worker run all tests of pages."""
    from plugin_tests.scheduling import Scheduling
    return Scheduling(config, log) if config.option.dist == 'loadfile' else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    starting = {item.path for item in items if any(item.iter_markers('process'))}
    unmarked = [item.nodeid for item in items if 'two_servers' in getattr(item, 'fixturenames', ())
                and not any(item.iter_markers('process'))]
    assert unmarked == [], 'Tests of several server processes have the marker "process"'
    # What needs a real database is not run in memory. The fixture "any_db" asks for one of the two when it is set up.
    hidden = [item.nodeid for item in items if 'mongo_uri' in getattr(item, 'fixturenames', ())
              and not any(item.iter_markers('database')) and not any(item.iter_markers('process'))]
    assert hidden == [], 'Tests of a real database have the marker "database"'
    assert all(map(may_start_processes, starting)), 'A module whose tests start processes has to name the marker'
    if config.getoption('--mongomock'):
        left_out = [item for item in items if any(item.iter_markers('database')) or any(item.iter_markers('process'))]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    # Idle workers take over the last tests of busy ones. Each of them would measure all calls again, or one would run
    # the simulation, which takes minutes, while the others have nothing left.
    items.sort(key=lambda item: item.path.parent.name != 'simulation' and 'measured' not in getattr(
        item, 'fixturenames', ()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With ``CI=true`` a skipped test fails, since nothing may be skipped unseen."""
    report = yield
    expected = hasattr(report, 'wasxfail') or str(report.longrepr).rstrip('"\')').endswith(ACCEPTED_SKIPS)
    if report.skipped and os.environ.get('CI') and not expected:
        report.outcome, report.longrepr = 'failed', f'Skipped in continuous integration: {report.longrepr}'
    return report


@pytest.fixture(scope='session')
def mongo_uri():
    with mongodb.running() as uri:
        yield uri


@pytest.fixture(scope='session')
def wsgi_app(mongo_uri, tmp_path_factory):
    """The server, as its WSGI application, on a database of its own."""
    os.environ.update({
        'GIRDER_MONGO_URI': mongo_uri, 'GIRDER_SERVER_MODE': 'production', 'LOGLEVEL': 'ERROR',
        'GIRDER_WORKER_TASK_ALWAYS_EAGER': 'true', 'GIRDER_FILESYSTEMASSETSTORE_RESERVED_MBYTES': '64'})
    from girder.utility.config import getConfig
    getConfig()['database']['uri'] = mongo_uri
    # As few rounds as possible: with the usual number, each check of a password takes a quarter of a second.
    bcrypt.gensalt = partial(bcrypt.gensalt, 4)
    periodic_work.postpone()
    from girder.wsgi import app
    periodic_work.wait_for_preparation()
    return app


@pytest.fixture(scope='session')
def two_servers(wsgi_app, mongo_uri):
    """The URLs of two server processes on the database of the tests, which also later tests use."""
    with processes.web_server(mongo_uri, quiet=True) as one, processes.web_server(mongo_uri, quiet=True) as other:
        yield one, other


@pytest.fixture
def any_db(request):
    """Girder's models on an empty database, a real one or, with ``--mongomock``, one in memory."""
    if not request.config.getoption('--mongomock'):
        return request.getfixturevalue('db')
    from girder.models import model_base

    from plugin_tests import in_memory
    return in_memory.database(model_base)


@pytest.fixture(scope='session')
def recorder(wsgi_app, tmp_path_factory):
    """What most tests begin with: the assetstore and settings, an administrator, and the application ``Slicer``."""
    root = tmp_path_factory.mktemp('recorded')
    found = Recorder(empty_database(), root)
    found.record('server', lambda: set_up(root))
    admin = found.record('admin', lambda: create_user('admin', admin=True))
    with Client(wsgi_app, admin) as client:
        found.record('app', lambda: client.post('/app', params={'name': 'Slicer'}).raise_for_status().json())
    return found


@pytest.fixture
def db(recorder, tmp_path):
    """An empty database with a filesystem assetstore."""
    database = empty_database()
    recorder.begin(tmp_path / 'assetstore')
    recorder.repeat('server')
    return database


def empty_database():
    """The database without documents; emptying is much quicker than dropping, which includes the indexes."""
    from girder.models import getDbConnection
    database = getDbConnection().get_database()
    for name in filled_collections(database):
        database[name].delete_many({})
    return database


def filled_collections(database):
    """The names of the collections that have documents: one query instead of one deletion for each."""
    names = database.list_collection_names()
    pipeline = [{'$unionWith': {'coll': name, 'pipeline': [{'$limit': 1}, {'$project': {'_id': {'$literal': name}}}]}}
                for name in names]
    return [found['_id'] for found in database['no_such_collection'].aggregate(pipeline)]


def set_up(assetstore):
    """Create a filesystem assetstore and the settings of all tests."""
    from girder.models.assetstore import Assetstore
    from girder.models.setting import Setting
    from girder.settings import SettingKey
    Assetstore().createFilesystemAssetstore(name='files', root=str(assetstore))
    Setting().set(SettingKey.CORS_ALLOW_ORIGIN, '*')
    # The folders of users take half of the time that it takes to make a user, and nothing here is about them.
    Setting().set(SettingKey.USER_DEFAULT_FOLDERS, 'none')


@pytest.fixture
def allow(monkeypatch):
    """Allow links to origins on the loopback interface."""
    from plugin_tests.loopback import Loopback
    from slicer_package_manager.registry.links import policy
    return lambda *origins: monkeypatch.setattr(policy, 'current', lambda: Loopback(*origins))


@pytest.fixture(scope='session')
def object_storage():
    from plugin_tests import buckets  # moto takes a second
    with buckets.running() as storage:
        yield storage


@pytest.fixture
def s3(object_storage, db, monkeypatch):
    """Object storage with an empty bucket, to which all new files go; what fails there is tried again at once."""
    from botocore.retries import standard

    from plugin_tests import buckets
    monkeypatch.setattr(standard.ExponentialBackoff, 'delay_amount', lambda *_: 0)
    object_storage.clear()
    buckets.use(object_storage)
    yield object_storage
    object_storage.fail = lambda _: None


@pytest.fixture
def restored(mongo_uri, tmp_path):
    """An empty database of another name, and an empty data directory; gives the URI and the directory."""
    uri = mongo_uri.rpartition('/')[0] + '/restored'
    with pymongo.MongoClient(uri) as client:
        client.drop_database('restored')
        yield uri, tmp_path / 'elsewhere'
        client.drop_database('restored')


@pytest.fixture
def make_user(db):
    """A maker of users, who need no password: :func:`login` gives them a token."""
    return create_user


def create_user(login, *, admin=False):
    from girder.models.user import User
    return User().createUser(login=login, password=None, firstName=login, lastName=login,
                             email=f'{login}@example.org', admin=admin, public=False)


@pytest.fixture
def admin(recorder, db):
    return recorder.repeat('admin')


class Client(httpx.Client):
    """A client of the server in this process, for one user or anonymous."""

    def __init__(self, app, user=None):
        super().__init__(transport=httpx.WSGITransport(app), base_url='http://testserver/api/v1')
        self.user = user
        if user:
            from girder.models.token import Token
            self.headers['Girder-Token'] = str(Token().createToken(user, days=1)['_id'])


@pytest.fixture
def login(wsgi_app, db):
    """Return a client of the server for a user, or an anonymous one."""
    clients = []

    def start(user=None):
        clients.append(Client(wsgi_app, user))
        return clients[-1]
    yield start
    for client in clients:
        client.close()


@pytest.fixture
def api(login, admin):
    """A client of the site administrator."""
    return login(admin)


@pytest.fixture
def anonymous(login):
    return login()


@pytest.fixture
def app(recorder, api):
    """The application ``Slicer``."""
    return recorder.repeat('app')


PACKAGE_FORM = {'os': 'linux', 'arch': 'amd64', 'baseName': 'Slicer', 'repository_type': 'git',
                'repository_url': 'https://github.com/Slicer/Slicer', 'revision': '33000', 'version': '5.8.0'}
EXTENSION_FORM = {'os': 'linux', 'arch': 'amd64', 'baseName': 'SlicerIGT', 'repository_type': 'git',
                  'repository_url': 'https://github.com/SlicerIGT/SlicerIGT', 'revision': 'ab12cd3',
                  'app_revision': '33000', 'description': 'Image-guided therapy'}
FORMS = {'package': PACKAGE_FORM, 'extension': EXTENSION_FORM}


@pytest.fixture
def make(api, app):
    """A maker of packages and extensions through REST, with a file where ``content`` is given."""
    def maker(package_type, *, content=b'', client=api, app_id=app['_id'], **values):
        form = {**FORMS[package_type], **values}
        item = client.post(f'/app/{app_id}/{package_type}', params=form).raise_for_status().json()
        if content:
            upload(client, item['_id'], content)
        return item
    return maker


def upload(client, item_id, content, name='file.tar.gz'):
    """Upload ``content`` to an item as girder-client does with small files; gives the file document."""
    return client.post('/file', params={'parentType': 'item', 'parentId': item_id, 'name': name,
                                        'size': len(content)}, content=content,
                       headers={'Content-Type': 'application/octet-stream'}).raise_for_status().json()
