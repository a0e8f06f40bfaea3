"""The table of permissions: each operation is allowed at the level that it names, and refused one level below."""
from collections.abc import Callable
from typing import NamedTuple

import pytest
from bson.objectid import ObjectId

from plugin_tests.attested import BUNDLE, attestation
from plugin_tests.conftest import FORMS
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.access import Caller

pytestmark = pytest.mark.database

REFUSED = {401, 403, 404}
NO_ACCESS = access.READ - 1


class Trial(NamedTuple):
    """How an operation is tried.

    :param call: makes the call as a client in a world; whether the operation was carried out, and showed what is asked.
    :param targets: names of the documents in the world on which the operation needs its level, each by itself.
    """

    call: Callable
    targets: tuple[str, ...] = ()


def done(answer):
    """Whether the operation was allowed."""
    assert answer.is_success or answer.is_redirect or answer.status_code in REFUSED, answer.text
    return not answer.is_error


def lists(path, name, **params):
    """A trial of a list: whether it has the document ``name`` of the world."""
    def call(client, world):
        answer = client.get(path.format(**world.ids), params=params)
        return done(answer) and world.ids[name] in answer.text
    return call


def sends(method, path, **params):
    """A trial of any other call; names in braces are the ids of documents of the world."""
    def call(client, world):
        given = {key: value.format(**world.ids) if isinstance(value, str) else value for key, value in params.items()}
        return done(client.request(method, path.format(**world.ids), params=given))
    return call


def sees_statistics(client, world):
    answer = client.get('/app/{app}/downloadstats'.format(**world.ids))
    return done(answer) and {'33000', '34000'} <= answer.json().keys()


def sees_expected(client, world):
    answer = client.get('/app/{app}/expected'.format(**world.ids))
    return done(answer) and '34000' in {one['revision'] for one in answer.json()['builds']}


def sees_replacement(client, world):
    answer = client.get('/item/{waiting}/files'.format(**world.ids))
    return done(answer) and len(answer.json()) > 1


def attests(client, world):
    return done(client.put('/app/{app}/package/{package}/attestation'.format(**world.ids), headers={
        'Content-Type': BUNDLE}, content=attestation(b'content of ' + world.ids['package'].encode())))


def exchanges(client, _world):
    """Whether the call is carried out: the reason why it fails is a setting, and not the caller."""
    return 'core.server_root' in client.post('/slicer_package_manager/oidc/token', data={'id_token': 'x'}).text


def finds_affected(client, world):
    """Whether the call gets to the checksum, which is none."""
    return 'is no checksum' in client.get('/app/{app}/downloadstats/x'.format(**world.ids)).text


def chooses_id(client, _world):
    return done(client.post('/app', params={'name': 'Chosen', 'app_id': str(ObjectId())}))


TRIALS = {
    access.LIST_APPLICATIONS: Trial(lists('/app', 'app')),
    access.LIST_EDITABLE: Trial(lists('/slicer_package_manager/editable', 'app'), ('release',)),
    access.GET_NAME_TEMPLATE_EXAMPLE: Trial(sends(
        'GET', '/slicer_package_manager/name_template_example', package_type='package', template='x')),
    access.GET_APPLICATION: Trial(sends('GET', '/app/{app}')),
    access.CREATE_APPLICATION: Trial(sends('POST', '/app', name='New'), ('collection',)),
    access.CHOOSE_APPLICATION_ID: Trial(chooses_id),
    access.DELETE_APPLICATION: Trial(sends('DELETE', '/app/{app}')),
    access.SEARCH: Trial(lists('/slicer_package_manager/search', 'release', q='5.8'), ('release',)),
    access.GET_SUMMARY: Trial(lists('/app/{app}/summary', 'release'), ('release',)),
    access.GET_EXPECTED: Trial(sees_expected, ('release',)),
    access.GET_STATISTICS: Trial(sees_statistics, ('release', 'draft')),
    access.MANAGE_WEBHOOKS: Trial(sends('GET', '/app/{app}/webhook')),
    access.MANAGE_ALL_WEBHOOKS: Trial(lists('/app/{app}/webhook', 'webhook')),
    access.FIND_AFFECTED: Trial(finds_affected),
    access.LIST_RELEASES: Trial(lists('/app/{app}/release', 'release'), ('release',)),
    access.CREATE_RELEASE: Trial(sends('POST', '/app/{app}/release', name='6.0', app_revision='35000')),
    access.DELETE_RELEASE: Trial(sends('DELETE', '/app/{app}/release/{release}'), ('release',)),
    access.PROMOTE_DRAFT: Trial(sends('POST', '/app/{app}/release/{target}/promote', revision='33000'),
                                ('target', 'draft')),
    access.SET_READINESS: Trial(sends('PUT', '/app/{app}/release/{release}/ready', ready='true'), ('release',)),
    access.LIST_DRAFTS: Trial(lists('/app/{app}/draft', 'draft'), ('draft',)),
    access.PRUNE_DRAFTS: Trial(sends('DELETE', '/app/{app}/draft', keep=0), ('draft',)),
    access.LIST_PACKAGES: Trial(lists('/app/{app}/package', 'package', limit=0), ('draft',)),
    access.LIST_INCOMPLETE: Trial(lists('/app/{app}/package', 'incomplete', limit=0), ('draft',)),
    access.FIND_PACKAGES: Trial(sends('GET', '/app/{app}/package/find', os='linux', revision='33000'), ('draft',)),
    access.SAVE_PACKAGE: Trial(sends('POST', '/app/{app}/package', **{**FORMS['package'], 'baseName': 'New'}),
                               ('target',)),
    access.DELETE_PACKAGE: Trial(sends('DELETE', '/app/{app}/package/{package}'), ('draft',)),
    access.GET_PROVENANCE: Trial(sends('GET', '/app/{app}/package/{package}/provenance'), ('draft',)),
    access.ATTEST_FILE: Trial(attests, ('draft',)),
    access.DOWNLOAD_FILE: Trial(sends('GET', '/item/{package}/download'), ('draft',)),
    access.LIST_FILES: Trial(sends('GET', '/item/{package}/files'), ('draft',)),
    access.LIST_REPLACEMENTS: Trial(sees_replacement, ('draft',)),
    access.UPLOAD_FILE: Trial(sends('POST', '/file', parentType='item', parentId='{incomplete}', name='a.zip', size=3),
                              ('draft',)),
    access.RENAME_FILE: Trial(sends('PUT', '/file/{file}', name='b.zip'), ('draft',)),
    access.DELETE_FILE: Trial(sends('DELETE', '/file/{file}'), ('draft',)),
    access.MANAGE_KEYS: Trial(sends('GET', '/slicer_package_manager/key')),
    access.MANAGE_PUBLISHERS: Trial(sends('GET', '/app/{app}/publisher')),
    access.EXCHANGE_ID_TOKEN: Trial(exchanges),
    access.LIST_CHANGES: Trial(sends('GET', '/slicer_package_manager/audit')),
    access.GET_USAGE: Trial(sends('GET', '/slicer_package_manager/usage')),
    access.CHANGE_SETTINGS: Trial(sends('PUT', '/system/setting', key='core.brand_name', value='Packages')),
    access.CHECK_HEALTH: Trial(sends('GET', '/slicer_package_manager/health')),
}


class World:
    """An application with a release (revision 34000), one without packages (33000), and the draft of that revision.

    :param ids: of the application, the folders, the packages and a file.
    """

    def __init__(self, app, grant):
        self.ids = {'app': app['_id'], 'collection': app['baseParentId']}
        self._grant = grant

    def limit(self, name, user, level):
        """Give ``user`` the access ``level`` to a document, and no one else any that is private by it."""
        users = [user] if user and level > NO_ACCESS else []
        self._grant({'_id': self.ids[name]}, *users, level=max(level, 0), public=level > access.READ,
                    kind='collection' if name == 'collection' else 'folder')


@pytest.fixture
def world(app, api, grant, make, ready, make_release, anonymous, folders):
    from girder.models.setting import Setting

    from slicer_package_manager.registry.expected import store
    from slicer_package_manager.registry.server import settings
    from slicer_package_manager.registry.webhooks import hooks
    Setting().set(settings.WEBHOOK_HOSTS, ['hooks.example.org'])
    store.replace({'_id': ObjectId(app['_id'])}, '5.8', [
        {'name': 'Expected', 'category': '', 'tier': 1, 'repository_url': ''}])
    found = World(app, grant)
    ids = found.ids
    ids['webhook'] = str(hooks.add({'_id': ObjectId(app['_id'])}, 'Expected', 'https://hooks.example.org/x')['_id'])
    ready('package', revision='33000')
    ids['package'] = item = ready('package', baseName='Listed')['_id']
    ids['file'] = api.get(f'/item/{item}/files').json()[0]['_id']
    ids['incomplete'] = make('package', baseName='Incomplete')['_id']
    ids['waiting'] = waiting = ready('package', baseName='Waiting')['_id']
    api.post('/file', params={'parentType': 'item', 'parentId': waiting, 'name': 'new_file', 'size': 3},
             content=b'new').raise_for_status()
    ids['draft'] = folders(folders(app)['draft'])['33000']['_id']
    ids['release'] = make_release('5.8', '34000')['_id']
    ids['target'] = make_release('5.6', '33000')['_id']
    released = ready('package', revision='34000')['_id']
    for one in (item, released):
        anonymous.get(f'/item/{one}/download').raise_for_status()
    return found


@pytest.fixture
def user(make_user):
    return make_user('user')


def prepared(world, operation, user):
    """Give ``user`` the levels that ``operation`` needs, and no more."""
    if operation.application is not None:
        world.limit('app', user, operation.application)
    for target in TRIALS[operation].targets:
        world.limit(target, user, operation.target)


def levels(operation):
    """The documents on which ``operation`` needs a level, with that."""
    application = [] if operation.application is None else [('app', operation.application)]
    return application + [(target, operation.target) for target in TRIALS[operation].targets]


def with_scopes(client, *scopes):
    from girder.models.token import Token
    client.headers['Girder-Token'] = str(Token().createToken(client.user, days=1, scope=list(scopes))['_id'])
    return client


EVERY_OPERATION = pytest.mark.parametrize('operation', access.OPERATIONS, ids=lambda one: one.title)


@EVERY_OPERATION
def test_an_operation_is_refused_one_level_below_and_allowed_at_it(world, anonymous, login, user, admin, operation):
    tried = TRIALS[operation].call
    assert tried(anonymous, world) is (operation.caller is Caller.ANYONE)
    caller = login(admin if operation.caller is Caller.ADMINISTRATOR else user)
    prepared(world, operation, user)
    for name, level in levels(operation):
        world.limit(name, user, level - 1)
        assert not tried(caller, world), name
        world.limit(name, user, level)
    assert tried(caller, world)


@EVERY_OPERATION
def test_an_operation_needs_its_scope_and_its_caller(world, login, user, api, operation):
    tried = TRIALS[operation].call
    if operation.caller is Caller.ADMINISTRATOR:
        world.limit('app', user, access.ADMIN)
        assert not tried(login(user), world)
    if operation.scope and operation.caller is not Caller.ANYONE:
        others = {access.DATA_READ, access.DATA_WRITE, access.DATA_OWN} - {operation.scope}
        # Without the scope to read, what only users see is hidden; without another one, the call is refused.
        assert not tried(with_scopes(api, *others), world)
        assert tried(with_scopes(api, operation.scope), world)


def test_every_operation_is_tried():
    assert [one.title for one in access.OPERATIONS] == [one.title for one in TRIALS]
    assert [one.title for one in access.OPERATIONS if bool(TRIALS[one].targets) != (one.target is not None)] == []
    assert [one.title for one in access.OPERATIONS if bool(one.what) != (one.target is not None)] == []


def test_every_call_states_its_operation():
    from slicer_package_manager import rest
    levels = {Caller.ANYONE: 'public', Caller.USER: 'user', Caller.ADMINISTRATOR: 'admin'}
    rows = {(levels[one.caller], one.scope) for one in access.OPERATIONS}
    for *_, handler in (*rest.ROUTES, *rest.BESIDE_API):
        assert (handler.accessLevel, handler.requiredScopes) in rows, handler
