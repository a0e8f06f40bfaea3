"""Which packages and extensions the lists show, and in which order."""
import itertools
import json

import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

PACKAGE_TYPES = pytest.mark.parametrize('package_type', ['package', 'extension'])
UNKNOWN_ID = '5f4474d0e1d8c75dfc705482'
REVISION_KEY = {'package': 'revision', 'extension': 'app_revision'}
SORTS = ('_id', 'name', 'created', 'updated', 'size', 'description', 'meta.baseName', 'meta.revision', 'meta.os',
         'meta.sha512')
NOTHING = ('nothing', UNKNOWN_ID, 'a\x00b', '.*', '{"$ne": null}', '\n', 'é' * 300)
RELEASE_FILTER = {'package': 'release_id_or_name', 'extension': 'release_id'}


@pytest.fixture
def of_revision(make):
    """A maker of a package of ``package_type`` for a revision of the application."""
    def maker(package_type, revision, **values):
        return make(package_type, **{REVISION_KEY[package_type]: revision, **values})['_id']
    return maker


@pytest.fixture
def listed(found_ids, api):
    """The ids in a list as an administrator gets it, so that files need not be uploaded."""
    return lambda package_type, **filters: found_ids(package_type, api, **filters)


@PACKAGE_TYPES
def test_without_anything_the_list_is_empty(anonymous, app, package_type):
    answer = anonymous.get(f'/app/{app["_id"]}/{package_type}')
    assert (answer.json(), answer.headers['Girder-Total-Count']) == ([], '0')


@PACKAGE_TYPES
def test_newest_come_first(make, listed, package_type):
    made = [make(package_type, baseName=name)['_id'] for name in 'bca']
    assert listed(package_type) == made[::-1]
    assert listed(package_type, sort='created', sortdir=1) == made


@PACKAGE_TYPES
def test_only_packages_of_that_type_and_application_are_listed(api, app, make, listed, package_type):
    item = make(package_type)
    make({'package': 'extension', 'extension': 'package'}[package_type])
    other = api.post('/app', params={'name': 'Other'}).json()
    make(package_type, app_id=other['_id'])
    assert listed(package_type) == [item['_id']]


@PACKAGE_TYPES
@pytest.mark.parametrize(('key', 'value'), [('os', 'win'), ('arch', 'arm64'), ('baseName', 'Other')])
def test_a_filter_is_compared_exactly(make, listed, package_type, key, value):
    make(package_type)
    item = make(package_type, **{key: value})
    assert listed(package_type, **{key: value}) == [item['_id']]


@pytest.mark.parametrize(('package_type', 'key', 'value'), [
    ('package', 'revision', '1'), ('package', 'version', '1.0'), ('extension', 'app_revision', '1')])
def test_revisions_and_versions_are_compared_exactly(make, listed, package_type, key, value):
    make(package_type, baseName='Other')
    item = make(package_type, **{key: value})
    assert listed(package_type, **{key: value}) == [item['_id']]


@PACKAGE_TYPES
def test_filters_are_combined(make, listed, package_type):
    items = {(system, arch): make(package_type, os=system, arch=arch)['_id'] for system in ('linux', 'win')
             for arch in ('amd64', 'arm64')}
    for (system, arch), item in items.items():
        assert listed(package_type, os=system, arch=arch) == [item]


@PACKAGE_TYPES
def test_one_package_is_found_by_its_name_or_id(make, listed, package_type):
    make(package_type, os='win')
    item = make(package_type)
    assert listed(package_type, **{f'{package_type}_name': item['name']}) == [item['_id']]
    assert listed(package_type, **{f'{package_type}_id': item['_id']}) == [item['_id']]
    assert listed(package_type, **{f'{package_type}_id': item['_id'].upper()}) == [item['_id']]


def parameter(package_type, name):
    return {'id': f'{package_type}_id', 'name': f'{package_type}_name', 'release': RELEASE_FILTER[package_type],
            'revision': REVISION_KEY[package_type]}.get(name, name)


@PACKAGE_TYPES
@pytest.mark.parametrize('name', ['id', 'name', 'baseName', 'release', 'revision'])
def test_a_filter_that_matches_nothing_gives_nothing(make, listed, package_type, name):
    make(package_type)
    for value in NOTHING:
        assert listed(package_type, **{parameter(package_type, name): value}) == [], value


def test_a_version_that_matches_nothing_gives_nothing(make, listed):
    make('package')
    assert [listed('package', version=value) for value in NOTHING] == [[]] * len(NOTHING)


@PACKAGE_TYPES
@pytest.mark.parametrize('name', ['name', 'baseName', 'release', 'revision'])
@pytest.mark.parametrize('others', [{}, {'os': 'linux'}], ids=['alone', 'with another'])
def test_an_empty_filter_is_none(make, listed, package_type, name, others):
    items = [make(package_type, os=system)['_id'] for system in ('win', 'linux')][1 if others else 0:]
    wanted = {parameter(package_type, name): '', **others}
    assert sorted(listed(package_type, **wanted)) == sorted(items)


def test_an_empty_filter_is_none_beside_a_search(make, listed):
    made = [make('extension', baseName=name)['_id'] for name in ('SlicerIGT', 'Other')]
    assert listed('extension', q='igt', app_revision='', release_id='') == made[:1]


@pytest.mark.parametrize(('package_type', 'name'), [
    ('package', 'id'), ('extension', 'id'), ('package', 'version')])
def test_an_empty_id_or_version_gives_nothing(make, listed, package_type, name):
    make(package_type)
    assert listed(package_type, **{parameter(package_type, name): ''}) == []


@PACKAGE_TYPES
def test_an_id_of_something_else_gives_nothing(api, app, make, listed, package_type):
    other = api.post('/app', params={'name': 'Other'}).json()
    item = make(package_type)
    for wrong in (make({'package': 'extension', 'extension': 'package'}[package_type])['_id'],
                  make(package_type, app_id=other['_id'])['_id'], item['folderId'], app['_id']):
        assert listed(package_type, **{f'{package_type}_id': wrong}) == []


@PACKAGE_TYPES
@pytest.mark.parametrize('spell', [lambda release: release['_id'], lambda release: release['name'],
                                   lambda release: release['name'].upper()], ids=['id', 'name', 'capitals'])
def test_packages_of_a_release_are_found_by_its_id_or_name(of_revision, make_release, listed, package_type, spell):
    of_revision(package_type, '1')
    release = make_release('Stable', '2')
    item = of_revision(package_type, '2')
    assert listed(package_type, **{RELEASE_FILTER[package_type]: spell(release)}) == [item]


@PACKAGE_TYPES
@pytest.mark.parametrize('spelling', ['draft', 'Draft', 'id'])
def test_draft_means_all_drafts_as_one_list(anonymous, app, folders, api, of_revision, make_release, listed,
                                            package_type, spelling):
    made = [of_revision(package_type, revision) for revision in '312']
    make_release('5.8', '4')
    of_revision(package_type, '4')
    draft = folders(app)['draft']['_id'] if spelling == 'id' else spelling
    wanted = {RELEASE_FILTER[package_type]: draft}
    assert listed(package_type, **wanted) == made[::-1]
    assert listed(package_type, **wanted, limit=1, offset=1) == [made[1]]
    assert api.get(f'/app/{app["_id"]}/{package_type}', params=wanted).headers['Girder-Total-Count'] == '3'


@PACKAGE_TYPES
def test_draft_with_a_revision_means_that_draft(of_revision, listed, package_type):
    of_revision(package_type, '1')
    item = of_revision(package_type, '2')
    assert listed(package_type, **{RELEASE_FILTER[package_type]: 'draft', REVISION_KEY[package_type]: '2'}) == [item]


@PACKAGE_TYPES
def test_a_draft_is_found_by_id_and_revision_too(make, listed, package_type, folders, app):
    make(package_type)
    item = make(package_type, **{REVISION_KEY[package_type]: '2'})
    draft = folders(folders(app)['draft'])['2']
    assert listed(package_type, **{RELEASE_FILTER[package_type]: draft['_id']}) == [item['_id']]
    assert listed(package_type, **{RELEASE_FILTER[package_type]: '2'}) == [item['_id']]


def test_draft_with_a_released_revision_means_its_extensions_wherever_they_are(make, make_release, listed):
    make_release('5.8', '33000')
    item = make('extension')
    make('extension', app_revision='32000')
    assert listed('extension', release_id='draft', app_revision='33000') == [item['_id']]


def test_draft_with_a_released_revision_means_no_package(make, make_release, listed):
    make_release('5.8', '33000')
    make('package')
    assert listed('package', release_id_or_name='draft', revision='33000') == []


def test_draft_with_a_revision_that_has_both_means_the_draft(make, make_release, listed):
    draft = make('extension', baseName='InDraft')
    make_release('5.8', '33000')
    make('extension', baseName='InRelease')
    assert listed('extension', release_id='draft', app_revision='33000') == [draft['_id']]


@PACKAGE_TYPES
def test_a_release_of_another_application_gives_nothing(api, make, of_revision, listed, package_type):
    other = api.post('/app', params={'name': 'Other'}).json()
    release = api.post(f'/app/{other["_id"]}/release', params={'name': '1', 'app_revision': '33000'}).json()
    make(package_type, app_id=other['_id'])
    make(package_type)
    assert listed(package_type, **{RELEASE_FILTER[package_type]: release['_id']}) == []


@pytest.fixture
def searchable(make):
    return {name: make('extension', baseName=name, description=description, keywords=keywords,
                       contributors=contributors, category='Hidden', homepage='https://hidden.example.org')['_id']
            for name, description, keywords, contributors in (
                ('SlicerIGT', 'Image-guided <b>therapy</b>', 'needle, tracking', 'A. Lasso (PerkLab)'),
                ('SegmentEditor', 'C++ .* [a-z]+ 100% $5', 'ÄRZTE straße ΟΔΟΣ', 'Zoë'),
                ('Empty', '', '', ''))}


@pytest.mark.parametrize(('q', 'names'), [
    pytest.param('slicerigt', ['SlicerIGT'], id='name'), pytest.param('GUIDED', ['SlicerIGT'], id='description'),
    pytest.param('needle', ['SlicerIGT'], id='keywords'), pytest.param('perklab', ['SlicerIGT'], id='contributors'),
    pytest.param('tracking lasso IGT', ['SlicerIGT'], id='every word, any order, any key'),
    pytest.param('needle zoë', [], id='no one has every word'), pytest.param('hidden', [], id='other keys'),
    pytest.param('.*', ['SegmentEditor'], id='pattern'), pytest.param('[a-z]+', ['SegmentEditor'], id='class'),
    pytest.param('^', [], id='anchor'), pytest.param('(', ['SlicerIGT'], id='bracket'),
    pytest.param('c++', ['SegmentEditor'], id='plus'), pytest.param('100%', ['SegmentEditor'], id='percent'),
    pytest.param('$5', ['SegmentEditor'], id='dollar'), pytest.param('a|b', [], id='alternative'),
    pytest.param('\\d', [], id='backslash'), pytest.param('\\', [], id='lone backslash'),
    pytest.param('ärzte', ['SegmentEditor'], id='umlaut'),
    pytest.param('arzte', ['SegmentEditor'], id='without umlaut'),
    pytest.param('a\u0308rzte', ['SegmentEditor'], id='umlaut of two characters'),
    pytest.param('ńéëdlè', ['SlicerIGT'], id='more accents than stored'),
    pytest.param('zoe', ['SegmentEditor'], id='e'),
    pytest.param('STRASSE', ['SegmentEditor'], id='sharp s'),
    pytest.param('οδος', ['SegmentEditor'], id='final sigma'), pytest.param('ΟΔΟΣ', ['SegmentEditor'], id='sigma'),
    pytest.param('needle\x00', [], id='NUL'), pytest.param('needle\nlasso', [], id='line break'),
    pytest.param('', ['Empty', 'SegmentEditor', 'SlicerIGT'], id='nothing wanted'),
    pytest.param('   ', ['Empty', 'SegmentEditor', 'SlicerIGT'], id='blank'),
    pytest.param('therapyneedle', [], id='keys are apart')])
def test_q_finds_every_word_in_any_case_and_order(searchable, found, api, q, names):
    assert sorted(one['meta']['baseName'] for one in found('extension', api, q=q)) == names


@pytest.mark.parametrize('stored', ['Zoë Müller', 'Zoe\u0308 Mu\u0308ller'])
@pytest.mark.parametrize('q', ['zoe', 'zoë muller', 'MU\u0308LLER'])
@pytest.mark.parametrize('filters', [{}, {'os': 'linux', 'arch': 'amd64', 'app_revision': '33000'}],
                         ids=['wide', 'narrow'])
def test_q_ignores_accents_however_they_are_stored(make, listed, stored, q, filters):
    item = make('extension', contributors=stored)
    assert listed('extension', q=q, **filters) == [item['_id']]


@PACKAGE_TYPES
def test_names_are_compared_in_any_case(make, listed, package_type):
    item = make(package_type, baseName='SlicerIGT')
    key = f'{package_type}_name'
    assert listed(package_type, **{key: item['name'].upper()}) == [item['_id']]
    assert listed(package_type, **{key: item['name'].lower()}) == [item['_id']]
    assert listed(package_type, **{key: item['name'][:-1]}) == []


def test_q_follows_an_update(make, listed):
    item = make('extension', keywords='old')
    make('extension', keywords='new')
    assert listed('extension', q='new') == [item['_id']]
    assert listed('extension', q='old') == []


def test_q_follows_an_edit_of_the_metadata(api, make, listed):
    item = make('extension', keywords='old')
    api.put(f'/item/{item["_id"]}/metadata', json={'keywords': 'new'}).raise_for_status()
    assert listed('extension', q='new') == [item['_id']]
    assert listed('extension', q='old') == []


def test_q_is_combined_with_filters(make, listed):
    make('extension', os='win', keywords='x')
    item = make('extension', keywords='x')
    assert listed('extension', q='x', os='linux') == [item['_id']]


NARROW = {'app_revision': '33000', 'os': 'linux', 'arch': 'amd64'}


def test_a_search_in_a_revision_follows_each_change(api, app, make, found_ids, anonymous):
    def search(q):
        return found_ids('extension', anonymous, q=q, **NARROW)
    item, other = (make('extension', baseName=name, keywords='old')['_id'] for name in 'AB')
    assert search('old') == []  # without a file
    for one in (item, other):
        upload(api, one, b'content')
    assert search('old') == [other, item]
    make('extension', baseName='A', keywords='new')
    assert (search('old'), search('new'), search('NÉW')) == ([other], [item], [item])
    api.delete(f'/app/{app["_id"]}/extension/{other}').raise_for_status()
    assert search('old') == []
    draft = api.get(f'/app/{app["_id"]}/draft').json()[0]['_id']
    api.put(f'/folder/{draft}/access', params={'access': '{}', 'public': False}).raise_for_status()
    assert (search('new'), found_ids('extension', api, q='new', **NARROW)) == ([], [item])


def test_pages_of_a_search_in_a_revision_are_parts_of_it(api, app, make, anonymous):
    items = [make('extension', baseName=f'Page{number}', keywords='x')['_id'] for number in range(5)]
    make('extension', baseName='Other')
    for item in items:
        upload(api, item, b'content')
    for limit, offset, ids in ((0, 0, items[::-1]), (2, 0, items[:2:-1]), (2, 4, items[:1]), (2, 9, [])):
        page = anonymous.get(f'/app/{app["_id"]}/extension', params={
            **NARROW, 'q': 'x', 'limit': limit, 'offset': offset})
        assert [one['_id'] for one in page.json()] == ids
        assert page.headers['Girder-Total-Count'] == '5'
        assert all('spm' not in one for one in page.json())


RANKED = {**NARROW, 'sort': 'relevance'}


@pytest.fixture
def ranked(api, make, found):
    """The names that a search finds, in its order, among extensions that were made in another one."""
    for name, values in (('SlicerIGT', {'description': 'Guided by needles'}), ('Other', {'category': 'Needles'}),
                         ('NeedleFinder', {}), ('Rendering', {})):
        make('extension', baseName=name, **{'description': 'text', **values}, content=b'x')
    make('extension', baseName='Needle', os='win', content=b'x')

    def search(q, client=None, **filters):
        given = {key: value for key, value in {**RANKED, **filters}.items() if value is not None}
        items = found('extension', client or api, q=q, **given)
        return [one['meta']['baseName'] for one in items]
    return search


@pytest.mark.parametrize(('q', 'names'), [
    ('needle', ['NeedleFinder', 'Other', 'SlicerIGT']), ('NEEDEL', ['NeedleFinder', 'Other', 'SlicerIGT']),
    ('igt', ['SlicerIGT']), ('slicer-igt', ['SlicerIGT']), ('needle finder', ['NeedleFinder']),
    ('nothing', []), ('\x00needle', []), ('', ['Rendering', 'NeedleFinder', 'Other', 'SlicerIGT'])])
def test_the_most_relevant_come_first(ranked, anonymous, q, names):
    for client in (None, anonymous, anonymous):
        assert ranked(q, client) == names
        assert ranked(q, client, sortdir=-1) == names
        assert ranked(q, client, limit=1, offset=1) == names[1:2]


def test_a_ranked_search_suggests_what_was_meant(ranked, api, anonymous, app):
    def suggested(client, q, **params):
        answer = client.get(f'/app/{app["_id"]}/extension', params={**RANKED, 'q': q, **params})
        return answer.raise_for_status().headers.get('Slicer-Search-Suggestion')
    for client in (api, anonymous, anonymous):
        assert suggested(client, 'nedle fynder') == 'needle%20finder'
        assert suggested(client, 'guided nedle') == 'guided%20needle'
        assert suggested(client, 'needle') is None
        assert suggested(client, 'nedle', sort='created') is None


def test_relevance_is_that_of_the_latest_texts(ranked, make, anonymous):
    assert ranked('needle', anonymous)[0] == 'NeedleFinder'
    make('extension', baseName='SlicerNeedle', content=b'x')
    assert ranked('needle', anonymous)[0] == 'SlicerNeedle'


def test_one_release_can_be_searched_by_relevance(ranked, make, make_release, anonymous):
    make_release('5.8', '34000')
    make('extension', baseName='Needle', app_revision='34000', content=b'x')
    release = {'app_revision': None, 'release_id': '5.8'}
    assert ranked('needel', anonymous, **release) == ranked('needle', **release) == ['Needle']


def test_what_is_private_is_not_found_by_relevance(ranked, make, make_release, anonymous):
    make_release('5.8', '34000', public=False)
    make('extension', baseName='Needle', app_revision='34000', content=b'x')
    assert ranked('needle', app_revision='34000') == ['Needle']
    assert ranked('needle', anonymous, app_revision='34000') == []


@pytest.mark.parametrize(('package_type', 'params', 'message'), [
    ('extension', {'q': 'a'}, 'only with app_revision or one release'),
    ('extension', {'q': 'a', 'release_id': 'draft'}, 'only with app_revision or one release'),
    ('package', {}, 'sort: must be one of'), ('extension', {'sort': 'relevances'}, 'meta.tier, name, relevance, size')])
def test_other_lists_have_no_relevance(anonymous, app, package_type, params, message):
    answer = anonymous.get(f'/app/{app["_id"]}/{package_type}', params={'sort': 'relevance', **params})
    assert (answer.status_code, message in answer.json()['message']) == (400, True), answer.text


def test_a_search_in_a_revision_tells_downloads(api, make, found, anonymous):
    item = make('extension', keywords='x')['_id']
    upload(api, item, b'content')
    for number in (1, 2):
        anonymous.get(f'/item/{item}/download').raise_for_status()
        (one,) = found('extension', anonymous, q='x', with_downloads='true', **NARROW)
        assert (one['downloads'], 'spm' in one) == (number, False)


@pytest.mark.parametrize(('filters', 'tiers'), [
    ({'tier': 3}, ['1', '3']), ({'tier': 3, 'tier_compare': 'lte'}, ['1', '3']),
    ({'tier': 3, 'tier_compare': 'gte'}, ['3', '5']), ({'tier': 3, 'tier_compare': 'exact'}, ['3']),
    ({'tier': 0}, []), ({'tier': -1, 'tier_compare': 'gte'}, ['1', '3', '5']), ({}, ['', '1', '3', '5']),
    ({'tier_compare': 'exact'}, ['', '1', '3', '5'])])
def test_tier_is_compared_and_leaves_out_those_without(make, found, api, filters, tiers):
    for tier in ('', '1', '3', '5'):
        make('extension', baseName=f'T{tier}', tier=tier)
    assert sorted(one['meta']['baseName'] for one in found('extension', api, **filters)) == [f'T{x}' for x in tiers]


@PACKAGE_TYPES
def test_paging_neither_repeats_nor_skips_in_any_order(api, app, make, db, package_type):
    wanted = {make(package_type, baseName=f'Name{number}')['_id'] for number in range(7)}
    db['item'].update_many({}, {'$set': {'created': db['item'].find_one()['created']}})
    for sort, direction in itertools.product(SORTS, (1, -1)):
        ids = []
        for offset in range(0, 9, 2):
            answer = api.get(f'/app/{app["_id"]}/{package_type}', params={
                'limit': 2, 'offset': offset, 'sort': sort, 'sortdir': direction}).raise_for_status()
            assert answer.headers['Girder-Total-Count'] == '7'
            ids += [one['_id'] for one in answer.json()]
        assert len(ids) == 7, sort
        assert set(ids) == wanted, sort


def test_the_catalog_sorts_by_base_name(make, found, api):
    for name in 'bca':
        make('extension', baseName=name)
    assert [one['meta']['baseName'] for one in found('extension', api, sort='meta.baseName', sortdir=1)] == list('abc')


def test_sorting_by_revision_is_descending_by_default(make, found, api):
    for revision in ('2', '3', '1'):
        make('package', revision=revision)
    assert [one['meta']['revision'] for one in found('package', api, sort='meta.revision')] == list('321')


@PACKAGE_TYPES
def test_fifty_are_listed_by_default(make, listed, db, package_type):
    make(package_type)
    one = db['item'].find_one()
    del one['_id']
    db['item'].insert_many([{**one, 'name': str(number), 'spm': {**one['spm'], 'identity': str(number)}}
                            for number in range(59)])
    assert len(listed(package_type)) == 50
    assert len(listed(package_type, limit=0)) == 60
    assert len(listed(package_type, limit=0, offset=55)) == 5
    assert listed(package_type, offset=60) == []


@PACKAGE_TYPES
def test_an_item_elsewhere_with_the_same_metadata_is_nobodys(api, app, make, listed, found, package_type):
    item = make(package_type)
    mine = api.post('/collection', params={'name': 'Mine', 'public': True}).json()
    folder = api.post('/folder', params={'parentType': 'collection', 'parentId': mine['_id'], 'name': 'draft'}).json()
    stranger = api.post('/item', params={'folderId': folder['_id'], 'name': item['name'],
                                         'metadata': json.dumps(item['meta'])}).raise_for_status().json()
    upload(api, stranger['_id'], b'strange')
    api.get(f'/item/{stranger["_id"]}/download').raise_for_status()
    assert listed(package_type) == [item['_id']]
    assert api.get(f'/app/{app["_id"]}/downloadstats').json() == {}
    assert api.get(f'/item/{stranger["_id"]}').json()['meta'] == item['meta']


@PACKAGE_TYPES
def test_items_without_a_file_are_listed_only_to_writers(api, make, found_ids, login, make_user, grant, package_type):
    item = make(package_type)
    reader, writer = login(make_user('reader')), make_user('writer')
    grant({'_id': item['folderId']}, writer, level=1, public=True)
    assert found_ids(package_type) == found_ids(package_type, reader) == []
    assert found_ids(package_type, api) == found_ids(package_type, login(writer)) == [item['_id']]
    upload(api, item['_id'], b'x')
    assert found_ids(package_type) == found_ids(package_type, reader) == [item['_id']]


@PACKAGE_TYPES
def test_the_last_completed_write_is_listed(api, app, make, found, package_type):
    item = make(package_type, content=b'x')
    assert len(found(package_type)) == 1
    api.put(f'/item/{item["_id"]}/metadata', json={'repository_type': 'hg'})
    assert found(package_type)[0]['meta']['repository_type'] == 'hg'
    api.delete(f'/item/{item["_id"]}')
    assert found(package_type) == []


def test_the_application_in_the_path_cannot_be_overridden_by_a_parameter(api, app, make):
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    make('package', content=b'x', app_id=other['_id'])
    assert api.get(f'/app/{app["_id"]}/package', params={'app_id': other['_id']}).json() == []
