"""Two real servers behind nginx, as ``deploy`` has them."""
from urllib.parse import urlsplit

import pytest

from plugin_tests import mongodb
from plugin_tests.conftest import EXTENSION_FORM
from plugin_tests.deploy import compose, proxy
from plugin_tests.servers import starter

PASSWORD = 'of-the-site-admin'
BYTES = {'Content-Type': 'application/octet-stream'}


@pytest.fixture(scope='module')
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp('servers')
    with mongodb.standalone('--replSet', compose.SET) as uri, starter(folder) as start:
        member = urlsplit(uri).netloc
        compose.make_replica_set(member)
        env = {'SLICER_PACKAGE_MANAGER_TRUSTED_PROXIES': '127.0.0.1',
               'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD,
               'SLICER_PACKAGE_MANAGER_DATABASE': compose.database().replace('mongo1:27017', member)}
        logs = [folder / 'log1', folder / 'log2']
        both = [start('--no-embedded', '--workers', '1', '--access-log', str(log), env=env) for log in logs]
        for server, log in zip(both, logs, strict=True):
            server.ready().log = log
            server.database = env['SLICER_PACKAGE_MANAGER_DATABASE']
        yield both


@pytest.fixture(scope='module')
def site(servers, tmp_path_factory):
    with proxy.Proxy(tmp_path_factory.mktemp('nginx'), [server.url for server in servers]).running() as running:
        yield running


@pytest.fixture(scope='module')
def token(site):
    with site.client() as client:
        answer = client.get('/api/v1/user/authentication', auth=('admin', PASSWORD)).raise_for_status()
        return answer.json()['authToken']['token']


@pytest.fixture(scope='module')
def admin(site, token):
    with site.client(**{'Girder-Token': token}) as client:
        client.put('/api/v1/system/setting', params={'key': 'core.server_root', 'value': site.url}).raise_for_status()
        yield client


@pytest.fixture(scope='module')
def anonymous(site):
    with site.client() as client:
        yield client


@pytest.fixture(scope='module')
def app(admin):
    return '/api/v1/app/' + admin.post('/api/v1/app', params={'name': 'Slicer'}).raise_for_status().json()['_id']


@pytest.fixture
def extension(admin, app):
    """A maker of extensions, with a file where ``content`` is given."""
    def make(name, content=b'', **values):
        item = admin.post(f'{app}/extension', params={**EXTENSION_FORM, 'baseName': name, **values})
        item = item.raise_for_status().json()
        if content:
            admin.post('/api/v1/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': f'{name}.tar.gz',
                                               'size': len(content)}, content=content, headers=BYTES).raise_for_status()
        return item
    return make
