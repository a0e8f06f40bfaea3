import pytest

pytestmark = pytest.mark.database

MAC = ('macosx', 'arm64')
LINUX = ('linux', 'amd64')
SHARE = 'slicer_package_manager.ready_share'


@pytest.fixture
def share(api):
    def put(value):
        return api.put('/system/setting', params={'key': SHARE, 'value': value})
    return put


@pytest.fixture
def say(api, app):
    def put(place, identifier, ready, client=api):
        return client.put(f'/app/{app["_id"]}/{place}/{identifier}/ready', params={'ready': ready})
    return put


@pytest.fixture
def build(make):
    """Extensions with the given names, by default for Linux, of a revision that gets a package too."""
    def maker(revision, *names, system=LINUX):
        where = {'os': system[0], 'arch': system[1]}
        make('package', revision=revision, content=b'x', **where)
        return [make('extension', app_revision=revision, baseName=name, content=b'x', **where) for name in names]
    return maker


@pytest.fixture
def held(app, db):
    """The names of releases and drafts that a client, by default an anonymous one, does not get, with os and arch."""
    def get(user=None):
        from slicer_package_manager.registry.catalog import applications, readiness
        folders = {one['_id']: one['name'] for one in db['folder'].find()}
        return {(folders[channel], os, arch)
                for channel, os, arch in readiness.not_ready(applications.load(app['_id'], user), user)}
    return get


@pytest.fixture
def row(anonymous, app):
    def get(name):
        found = anonymous.get(f'/app/{app["_id"]}/summary').json()
        return next(one for one in (*found['releases'], *found['drafts']) if one['name'] == name)
    return get


def test_by_default_nothing_is_held_back(build, held, row):
    build('1', 'A', 'B')
    build('2')
    assert held() == set()
    assert (row('2')['ready'], row('2')['held']) == (True, None)


def test_a_revision_is_ready_when_the_share_of_its_predecessors_extensions_is_there(build, held, share, row):
    share(50).raise_for_status()
    build('9', 'A', 'B', 'C')
    build('10', 'A', 'X', 'Y')
    assert held() == {('10', *LINUX)}
    assert (row('10')['ready'], row('10')['ready_for']) == (False, {'linux': {'amd64': False}})
    build('10', 'B')
    assert held() == set()
    assert row('10')['ready_for'] == {'linux': {'amd64': True}}


def test_each_system_is_judged_by_itself(build, held, share):
    share(100)
    build('1', 'A')
    build('1', 'A', system=MAC)
    build('2', 'A')
    assert held() == {('2', *MAC)}


def test_extensions_without_a_file_do_not_count(build, make, held, share):
    share(100)
    build('1', 'A')
    build('2')
    make('extension', app_revision='2', baseName='A')
    assert held() == {('2', *LINUX)}


def test_the_predecessor_is_the_newest_ready_one(build, held, share, say):
    share(100)
    build('1', 'A')
    build('2', 'B')
    build('3', 'A')
    assert held() == {('2', *LINUX)}
    say('draft', '2', 'true').raise_for_status()
    assert held() == {('3', *LINUX)}


def test_releases_and_drafts_are_not_compared_with_each_other(build, make_release, held, share):
    share(100)
    make_release('5.8', '1')
    build('1', 'A')
    build('2')
    assert held() == set()


@pytest.mark.parametrize('place', ['draft', 'release'])
@pytest.mark.parametrize('by', ['id', 'name'])
def test_a_word_goes_before_the_setting_until_it_is_taken_back(build, make_release, held, share, say, row, found, place,
                                                               by):
    if place == 'release':
        make_release('Five', '1')
    build('1', 'A')
    folder, = found(place)
    identifier = folder['_id' if by == 'id' else 'name']
    assert say(place, identifier, 'false').json()['meta'] == {'revision': '1', 'ready': False}
    assert {(name, os, arch) for name, os, arch in held() if (os, arch) in (LINUX, MAC)} == {
        (folder['name'], *LINUX), (folder['name'], *MAC)}
    assert (row(folder['name'])['ready'], row(folder['name'])['held']) == (False, True)
    assert row(folder['name'])['ready_for'] == {'linux': {'amd64': False}}
    assert say(place, identifier, 'TRUE').json()['meta']['ready'] is True
    assert held() == set()
    assert row(folder['name'])['held'] is False
    assert say(place, identifier, 'auto').json()['meta'] == {'revision': '1'}
    assert row(folder['name'])['held'] is None


def test_lists_show_what_is_held_back_as_before(build, say, found):
    build('1', 'A')
    before = found('package'), found('extension')
    say('draft', '1', 'false').raise_for_status()
    assert (found('package'), found('extension')) == before
    assert [one['name'] for one in found('draft')] == ['1']


def test_uploads_leave_the_word_as_it_is(build, say, row):
    build('1', 'A')
    say('draft', '1', 'false').raise_for_status()
    build('1', 'B')
    assert row('1')['held'] is True


@pytest.mark.parametrize('word', ['', 'perhaps', 'null', '2', '\x00'])
def test_other_words_are_refused(build, say, word, stored):
    build('1')
    before = stored()
    assert say('draft', '1', word).status_code == 400
    assert stored() == before


@pytest.mark.parametrize(('place', 'name'), [('draft', '9'), ('release', '1'), ('draft', '5f4474d0e1d8c75dfc705482'),
                                             ('release', 'draft'), ('draft', 'draft'), ('release', '%00')])
def test_what_is_no_such_place_is_404(build, say, place, name):
    build('1')
    assert say(place, name, 'true').status_code == 404


@pytest.mark.parametrize(('level', 'status'), [(0, 403), (1, 200)], ids=['READ', 'WRITE'])
def test_a_word_needs_write(build, say, found, grant, make_user, login, level, status):
    build('1')
    user = make_user('member')
    grant(found('draft')[0], user, level=level, public=True)
    assert say('draft', '1', 'false', login(user)).status_code == status


def test_strangers_have_no_word(build, say, found, grant, make_user, login, anonymous):
    build('1')
    assert say('draft', '1', 'false', anonymous).status_code == 401
    grant(found('draft')[0])
    assert say('draft', '1', 'false', login(make_user('member'))).status_code == 404


def test_what_is_hidden_plays_no_part(build, held, share, found, grant, admin):
    share(100)
    build('1', 'A')
    hidden, = found('draft')
    build('2')
    grant(hidden)
    assert (held(), held(admin)) == (set(), {('2', *LINUX)})


def test_editing_the_metadata_is_a_word_too(build, api, found, held):
    build('1')
    folder, = found('draft')
    path = f'/folder/{folder["_id"]}/metadata'
    assert api.put(path, json={'ready': 'no'}).json()['meta']['ready'] is False
    assert ('1', *LINUX) in held()
    answer = api.put(path, json={'ready': ['x']})
    assert (answer.status_code, answer.json()['field']) == (400, 'ready')
    assert api.put(path, json={'ready': None}).json()['meta'] == {'revision': '1'}
    assert held() == set()


@pytest.mark.parametrize('value', ['-1', '101', '1.5', 'true', '"half"', '[]'])
def test_an_unusable_share_is_refused(share, value):
    assert share(value).status_code == 400


def test_revisions_that_are_no_numbers_are_ordered_by_their_creation(build, held, share):
    share(100)
    build('b', 'A')
    build('a')
    assert held() == {('a', *LINUX)}
