"""Makers of what the REST tests need, and a view of all that is stored."""
import json

import httpx
import pytest

from plugin_tests import issuer as issuers
from plugin_tests.conftest import upload


@pytest.fixture
def reads(monkeypatch):
    """How many builds were read from the database, for each time that some were read."""
    from slicer_package_manager.registry.expected import present
    read, made = present._read, []

    def reading(*args):
        found = read(*args)
        made.append(len(found))
        return found
    monkeypatch.setattr(present, '_read', reading)
    return made


@pytest.fixture
def make_release(api, app):
    """A maker of releases of the application ``Slicer``."""
    def maker(name='5.8', revision='33000', *, client=api, **values):
        return client.post(f'/app/{app["_id"]}/release', params={
            'name': name, 'app_revision': revision, **values}).raise_for_status().json()
    return maker


@pytest.fixture
def elsewhere(admin):
    """A folder in a collection of its own, which is no place of packages."""
    from girder.models.collection import Collection
    from girder.models.folder import Folder
    mine = Collection().createCollection('Mine', admin)
    return Folder().createFolder(mine, 'stuff', parentType='collection', creator=admin)


@pytest.fixture
def found(anonymous, app):
    """A list of ``package``, ``extension``, ``release`` or ``draft``, by default as an anonymous client gets it."""
    def lister(kind, client=anonymous, **filters):
        return client.get(f'/app/{app["_id"]}/{kind}', params=filters).raise_for_status().json()
    return lister


@pytest.fixture
def found_ids(found):
    """Like ``found``, but only the ids."""
    def lister(kind, *args, **filters):
        return [one['_id'] for one in found(kind, *args, **filters)]
    return lister


@pytest.fixture
def folders(api):
    """The folders in a folder by their names."""
    def lister(parent, parent_type='folder'):
        return {one['name']: one for one in api.get('/folder', params={
            'parentType': parent_type, 'parentId': parent['_id'], 'limit': 0}).raise_for_status().json()}
    return lister


@pytest.fixture
def items(api):
    """The items in a folder by their names."""
    def lister(folder):
        return {one['name']: one for one in api.get('/item', params={
            'folderId': folder['_id'], 'limit': 0}).raise_for_status().json()}
    return lister


@pytest.fixture
def item_of(api):
    """An item as it is now, through Girder's own call."""
    def get(item):
        return api.get(f'/item/{item["_id"]}').raise_for_status().json()
    return get


@pytest.fixture
def files_of(api):
    """The files of an item as an administrator sees them."""
    def lister(item, client=api):
        return client.get(f'/item/{item["_id"]}/files').raise_for_status().json()
    return lister


@pytest.fixture
def grant(api):
    """Give users access to a folder or collection, and remove public access by default."""
    def set_access(document, *users, level=0, public=False, recurse=False, kind='folder'):
        access = {'users': [{'id': str(user['_id']), 'level': level} for user in users], 'groups': []}
        return api.put(f'/{kind}/{document["_id"]}/access', params={
            'access': json.dumps(access), 'public': public, 'recurse': recurse}).raise_for_status().json()
    return set_access


@pytest.fixture
def stored(db):
    """All documents that users can see, to check that a call left nothing behind."""
    def snapshot():
        return {name: sorted(db[name].find({}, {'spmLock': 0}), key=lambda one: str(one['_id']))
                for name in ('collection', 'folder', 'item', 'file', 'upload', 'slicer_package_download')}
    return snapshot


@pytest.fixture
def ready(make, api):
    """A maker of packages and extensions with a file."""
    def maker(kind, **values):
        item = make(kind, **values)
        upload(api, item['_id'], b'content of ' + item['_id'].encode())
        return item
    return maker


@pytest.fixture(scope='session')
def issuer_server():
    with issuers.server() as found:
        yield found


@pytest.fixture(scope='session')
def issuer_keys():
    return {'rs': issuers.rs256(), 'ec': issuers.es256()}


@pytest.fixture
def issuer(issuer_server, issuer_keys, api, monkeypatch, tmp_path):
    """An issuer of ID tokens that the server allows, with nothing of it in the server's cache."""
    from slicer_package_manager.registry.accounts import issuer_keys as of_server
    server, authority = issuer_server
    authority.cert_pem.write_to_path(str(tmp_path / 'authority.pem'))
    monkeypatch.setenv('SSL_CERT_FILE', str(tmp_path / 'authority.pem'))
    monkeypatch.setitem(httpx.Client.__init__.__kwdefaults__, 'verify', True)
    of_server.of.cache_clear()
    found = issuers.Issuer(server, issuer_keys)
    api.put('/system/setting', params={'list': json.dumps([
        {'key': 'slicer_package_manager.oidc_issuers', 'value': {found.url: 'github'}},
        {'key': 'core.server_root', 'value': issuers.AUDIENCE}])}).raise_for_status()
    return found


@pytest.fixture
def buildbot(make_user, admin):
    return make_user('buildbot')


@pytest.fixture
def register(api, app, issuer, buildbot, grant):
    """Register a publisher of the application, by default the repository of the issuer's tokens."""
    grant(app, buildbot, level=1, public=True, recurse=True)

    def add(client=api, app_id=app['_id'], **values):
        return client.post(f'/app/{app_id}/publisher', data={'issuer': issuer.url, **issuers.PUBLISHER, **values})
    return add


@pytest.fixture
def exchange(anonymous):
    def post(id_token, client=anonymous, **values):
        return client.post('/slicer_package_manager/oidc/token', data={'id_token': id_token, **values})
    return post


@pytest.fixture
def machine_of(register, exchange, login, issuer):
    """A client with the token of a publisher, which is registered first."""
    def get(claims=None, **values):
        register(**values).raise_for_status()
        answer = exchange(issuer.token(claims)).raise_for_status().json()
        client = login()
        client.headers['Girder-Token'] = answer['authToken']['token']
        return client
    return get


@pytest.fixture
def tokens(db):
    """The tokens of publishers in the database."""
    return lambda: list(db['token'].find({'publisher': {'$exists': True}}))


@pytest.fixture
def registered(register):
    register().raise_for_status()


@pytest.fixture
def refused(exchange, tokens):
    """Exchange a token that is refused; gives the message. What is ``malformed`` may be no token to the library."""
    def post(id_token, status=403, *, malformed=False, **values):
        answer = exchange(id_token, **values)
        assert answer.status_code in (status, *([400] if malformed else [])), answer.text
        assert tokens() == []
        return answer.json()['message']
    return post
