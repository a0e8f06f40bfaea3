"""Lists that are made again without Girder: which requests are for the same list, and what they find."""
from urllib.parse import urlencode

import orjson
import pytest
from cherrypy.lib import httputil
from girder.exceptions import AccessException
from girder.models.folder import Folder
from girder.models.setting import Setting
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.registry.schema.pagination import Listing
from slicer_package_manager.registry.server import anonymous_access
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.middleware import prepared_lists
from slicer_package_manager.rest.middleware.prepared_lists import ANY_VERSION, PREPARED, PreparedList, prepared_key

PATH = '/v1/app/1/extension'


@pytest.mark.parametrize(('query', 'rest', 'words'), [
    ('', '', ''),
    ('os=linux&limit=0', 'os=linux&limit=0', ''),
    ('q=brain', '', 'brain'),
    ('os=linux&q=brain&limit=0', 'os=linux&limit=0', 'brain'),
    ('q=guided+therapy%21&os=linux', 'os=linux', 'guided therapy!'),
    ('q=caf%C3%A9', '', 'café'),
    ('q=', '', ''),
    ('seq=1', 'seq=1', ''),
])
def test_requests_that_differ_in_their_words_are_for_the_same_list(query, rest, words):
    assert prepared_key((PATH, query)) == ((PATH, rest), words)


@pytest.mark.parametrize('query', [
    'q=a&q=b', 'q=a;os=linux', 'os=linux;q=a', 'q=%FF', f'q={"x" * 256}', f'q={"+".join(map(str, range(17)))}',
    '%71=a', 'q=a&%71=b', 'q', 'q&os=linux', f'name={"x" * 4096}'])
def test_what_only_girder_understands_is_left_to_it(query):
    assert prepared_key((PATH, query)) is None


@given(st.lists(st.tuples(st.sampled_from(['q', 'os', 'limit', 'Q', 'q ']), st.text(max_size=20)), max_size=4))
def test_the_words_are_those_that_girder_would_search_for(given):
    found = prepared_key((PATH, urlencode(given)))
    if found:
        assert found[1] == httputil.parse_query_string(urlencode(given)).get('q', '')
    else:
        assert [name for name, _ in given].count('q') > 1 or len(urlencode(given)) > 4000


class Found:
    """What a search goes through: the numbers below ``most``, as texts."""

    memory = 1

    def __init__(self, most):
        self._most = most

    def matching(self, words):
        found = [str(number).encode() for number in range(self._most) if words in str(number)]
        return Listing(found, len(found))


@pytest.fixture
def state(monkeypatch):
    """What the database states; its version is ``state['version']``."""
    state = {'version': 1, 'closed': False}
    monkeypatch.setattr(anonymous_access, 'read', lambda: anonymous_access.State(
        state['version'], state['closed'], {}))
    monkeypatch.setattr(prepared_lists, '_SEARCHED', VersionedCache())

    def require_open():
        if state['closed']:
            raise AccessException('A login is required.')
    monkeypatch.setattr(prepared_lists.anonymous_access, 'require_open', require_open)
    return state


@pytest.fixture
def prepared(state):
    """A list whose content is the version; :ivar reads: how often it was read."""
    def read(what):
        prepared.reads += 1
        return what

    prepared = PreparedList((PATH, 'prepared'), lambda: read(Listing([b'%d' % state['version']], 1)),
                            lambda: read(Found(10 * state['version'])))
    prepared.reads = 0
    return prepared


def test_a_list_is_that_of_the_version_that_the_database_has(prepared, state):
    for state['version'] in (101, 101, 102):
        response = prepared.response()
        assert (response.body, response.total) == (b'[%d]' % state['version'], 1)
        assert response.cache_control == 'public, no-cache'
    assert prepared.reads == 2


def test_searches_of_one_version_share_what_they_go_through(prepared, state):
    assert orjson.loads(prepared.response('1').body) == [1]
    assert orjson.loads(prepared.response('2', 1).body) == [2]
    state['version'] = 2
    assert orjson.loads(prepared.response('1').body) == [1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
    assert prepared.reads == 2


def test_an_older_version_is_not_searched(prepared, state):
    prepared.response('1')
    state['version'] = 2
    assert len(orjson.loads(prepared.response('1', 2).body)) == 11


def test_where_a_login_is_required_nothing_is_made(prepared, state):
    prepared.response()
    state.update(version=2, closed=True)
    for words in ('', '1'):
        with pytest.raises(AccessException, match='login is required'):
            prepared.response(words)


@pytest.mark.database
class TestCalls:
    """Lists of extensions, prepared by a call."""

    @pytest.fixture
    def made(self, anonymous, app, make):
        """The prepared list of the extensions of the application, which has one."""
        PREPARED.clear()
        make('extension', content=b'x', baseName='Brain')
        anonymous.get(f'/app/{app["_id"]}/extension?app_revision=33000').raise_for_status()
        return PREPARED.get((f'/v1/app/{app["_id"]}/extension', 'app_revision=33000'), ANY_VERSION)

    def names(self, response):
        return [one['meta']['baseName'] for one in orjson.loads(response.body)]

    def test_it_is_the_list_of_the_call(self, made, anonymous, app):
        for words in ('', 'brain', 'liver'):
            answer = anonymous.get(f'/app/{app["_id"]}/extension?app_revision=33000&q={words}').raise_for_status()
            response = made.response(words)
            assert response.body == answer.content
            assert str(response.total) == answer.headers['Girder-Total-Count']
            assert response.cache_control == answer.headers['Cache-Control']
            assert f'"{response.tag}"' == answer.headers['ETag']

    def test_writes_are_in_it(self, made, make, api):
        other = make('extension', content=b'x', baseName='Brainer')
        assert sorted(self.names(made.response())) == self.names(made.response('brain'))[::-1] == ['Brain', 'Brainer']
        api.delete(f'/item/{other["_id"]}')
        assert self.names(made.response()) == self.names(made.response('brain')) == ['Brain']

    @pytest.mark.parametrize('words', ['', 'brain'])
    def test_an_application_that_is_private_now_is_not_shown(self, made, app, words):
        made.response(words)
        folder = Folder().load(app['_id'], force=True)
        Folder().setPublic(folder, False, save=True)
        with pytest.raises(AccessException):
            made.response(words)

    @pytest.mark.parametrize('words', ['', 'brain'])
    def test_a_setting_that_requires_a_login_applies(self, made, words):
        made.response(words)
        Setting().set(anonymous_access.KEY, True)
        with pytest.raises(AccessException):
            made.response(words)

    @pytest.mark.parametrize('method', ['get', 'head'])
    def test_a_search_does_not_become_the_list(self, anonymous, app, make, method):
        PREPARED.clear()
        for name in ('Brain', 'Liver'):
            make('extension', content=b'x', baseName=name)
        path = f'/app/{app["_id"]}/extension?app_revision=33000'
        getattr(anonymous, method)(f'{path}&q=brain').raise_for_status()
        made = PREPARED.get((f'/v1/app/{app["_id"]}/extension', 'app_revision=33000'), ANY_VERSION)
        assert self.names(made.response()) == ['Liver', 'Brain']
        assert self.names(made.response('brain')) == ['Brain']
        assert len(anonymous.get(path).json()) == 2

    def test_packages_are_not_searched(self, anonymous, app, make):
        PREPARED.clear()
        make('package', content=b'x')
        path = f'/app/{app["_id"]}/package?revision=33000'
        anonymous.get(path).raise_for_status()
        made = PREPARED.get((f'/v1/app/{app["_id"]}/package', 'revision=33000'), ANY_VERSION)
        assert not made.can_search
        assert anonymous.get(f'{path}&q=zzzz').content == anonymous.get(path).content == made.response().body
        assert made.response().total == 1

    @pytest.mark.parametrize('query', ['app_revision=33000&%71=brain&q=liver', 'q&app_revision=33000&q=liver'])
    def test_a_second_spelling_of_the_words_is_refused(self, anonymous, app, query):
        assert anonymous.get(f'/app/{app["_id"]}/extension?{query}').status_code == 400
        assert prepared_key((f'/v1/app/{app["_id"]}/extension', query)) is None

    def test_what_fails_is_not_prepared(self, anonymous):
        PREPARED.clear()
        path = '/app/5f4474d0e1d8c75dfc705482/extension'
        assert anonymous.get(path).status_code == 404
        assert PREPARED.get((f'/v1{path}', ''), ANY_VERSION) is None

    def test_the_environment_decides_on_anonymous_access(self, made, monkeypatch):
        Setting().set(anonymous_access.KEY, True)
        monkeypatch.setenv('GIRDER_SETTING_CORE_DISABLE_ANONYMOUS_ACCESS', 'false')
        assert self.names(made.response()) == ['Brain']

    def test_searches_in_all_revisions_are_left_to_the_database(self, made, anonymous, app):
        anonymous.get(f'/app/{app["_id"]}/extension').raise_for_status()
        everything = PREPARED.get((f'/v1/app/{app["_id"]}/extension', ''), ANY_VERSION)
        assert (made.can_search, everything.can_search) == (True, False)

    @pytest.mark.parametrize('query', ['with_downloads=true', f'extension_name={"x" * 1100}'])
    def test_what_changes_without_a_new_version_or_is_long_is_not_prepared(self, anonymous, app, query):
        PREPARED.clear()
        anonymous.get(f'/app/{app["_id"]}/extension?{query}').raise_for_status()
        assert PREPARED.get((f'/v1/app/{app["_id"]}/extension', query), ANY_VERSION) is None

    def test_lists_of_users_are_not_prepared(self, api, app):
        PREPARED.clear()
        api.get(f'/app/{app["_id"]}/extension').raise_for_status()
        assert PREPARED.get((f'/v1/app/{app["_id"]}/extension', ''), ANY_VERSION) is None
