"""Statistics from logs that were loaded into the server: rows by country and client, of what the caller may see."""
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import partial

import pytest
from bson.objectid import ObjectId
from pymongo import _csot
from pymongo.errors import ExecutionTimeout

from plugin_tests.logs.loaded import add_up, load, of_item, row
from plugin_tests.roundtrips import counting
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry.downloads import logged_statistics

pytestmark = pytest.mark.database

COLUMNS = ['period', 'kind', 'baseName', 'os', 'arch', 'revision', 'release']


@pytest.fixture
def package(make):
    return make('package', content=b'package')


@pytest.fixture
def ask(anonymous, app):
    def asked(caller=anonymous, **params):
        return caller.get(f'/app/{app["_id"]}/downloadstats', params=params)
    return asked


@pytest.fixture
def total(ask):
    return lambda **params: sum(one['count'] for one in ask(limit=0, **params).raise_for_status().json())


@pytest.fixture
def loaded(package, make):
    """Downloads of a package and an extension on two days of two months."""
    extension = make('extension', content=b'extension')
    load(of_item(package, requests='5'), of_item(package, country='FR', client='slicer', requests='7'),
         of_item(package, country='FR', client='robot', requests='100'),
         of_item(package, day='2026-12-01', country='other', client='other', client_os='other', requests='11'),
         of_item(extension, country='unknown', client='command line', requests='13'),
         of_item(extension, requests='0'))


@pytest.mark.usefixtures('loaded')
@pytest.mark.parametrize(('params', 'number'), [
    ({'columns': 'country'}, 36), ({'country': 'DE'}, 5), ({'country': 'fr'}, 7),
    ({'country': 'FR', 'client': 'robot'}, 100), ({'country': 'unknown'}, 13), ({'country': 'other'}, 11),
    ({'country': 'JP'}, 0), ({'client': 'slicer'}, 7),
    ({'client': 'other'}, 11), ({'columns': 'client'}, 136), ({'columns': 'country', 'kind': 'package'}, 23),
    ({'columns': 'country', 'name': 'SlicerIGT'}, 13), ({'columns': 'country', 'date_to': '2026-11-30'}, 25),
    ({'columns': 'country', 'revision': '1'}, 0), ({'columns': 'country', 'release': 'draft'}, 36),
    ({'columns': 'country', 'os': 'win'}, 0)])
def test_filters(ask, params, number):
    assert sum(one['count'] for one in ask(**params).raise_for_status().json()) == number


@pytest.mark.usefixtures('loaded')
@pytest.mark.parametrize(('params', 'more'), [
    ({'columns': 'country'}, ['country']), ({'columns': 'client,country'}, ['country', 'client']),
    ({'country': 'FR'}, ['country']), ({'client': 'slicer'}, ['client']),
    ({'columns': 'country', 'client': 'slicer'}, ['country', 'client'])])
def test_rows_have_the_columns_that_are_asked_for(ask, params, more):
    rows = ask(**params).raise_for_status().json()
    assert rows
    for one in rows:
        assert set(one) == {*COLUMNS, *more, 'count'}
    lines = ask(format='csv', **params).raise_for_status().text.splitlines()
    assert lines[0].split(',') == [*COLUMNS, *more, 'count']
    assert len(lines) == len(rows) + 1


@pytest.mark.usefixtures('loaded')
@pytest.mark.parametrize(('granularity', 'periods'), [
    ('day', ['2026-11-01', '2026-12-01']), ('month', ['2026-11', '2026-12']), ('year', ['2026'])])
def test_pages_of_periods_are_in_order_and_neither_repeat_nor_skip(ask, granularity, periods):
    everything = ask(columns='country', granularity=granularity, limit=0).json()
    assert sorted({one['period'] for one in everything}) == periods
    assert everything == sorted(everything, key=lambda one: [one[key] for key in (*COLUMNS, 'country')])
    pages = [ask(columns='country', granularity=granularity, limit=1, offset=offset) for offset in range(5)]
    assert [one for page in pages for one in page.json()] == everything
    assert {page.headers['Girder-Total-Count'] for page in pages} == {str(len(everything))}


@pytest.mark.usefixtures('loaded')
@pytest.mark.parametrize(('params', 'hint'), [
    ({'country': 'XX'}, 'ISO 3166'), ({'country': ''}, 'ISO 3166'), ({'country': 'D'}, 'ISO 3166'),
    ({'country': '$ne'}, 'ISO 3166'), ({'client': 'Slicer'}, 'slicer, browser, command line'),
    ({'client': '\x00'}, 'slicer, browser'), ({'columns': 'os'}, 'country, client'),
    ({'columns': ''}, 'country, client'), ({'columns': 'country,'}, 'country, client'),
    ({'columns': 'country', 'date_from': 'x'}, '2026-11-01'),
    ({'columns': 'country', 'limit': '-1'}, 'limit')])
def test_unusable_parameters_are_400_and_say_what_would_do(ask, params, hint):
    answer = ask(**params)
    assert answer.status_code == 400, answer.text
    assert hint in answer.json()['message']


@pytest.mark.usefixtures('loaded')
@pytest.mark.parametrize(('answers', 'status', 'words'), [
    (True, 400, 'whole months, a shorter period, or the name of an extension'), (False, 503, 'unreachable or busy')])
def test_what_takes_too_long_to_add_up_is_ended_and_refused_unless_the_database_is_away(
        ask, monkeypatch, answers, status, words):
    class Busy:
        def aggregate(self, _pipeline, **_options):
            assert 0 < _csot.remaining() <= 20
            raise ExecutionTimeout('operation exceeded time limit')
    monkeypatch.setattr(logged_statistics.transactions, 'at_one_moment', lambda _: Busy())
    monkeypatch.setattr(logged_statistics.database_outage, 'answers', lambda: answers)
    answer = ask(columns='country')
    assert answer.status_code == status
    assert words in answer.json()['message']


@pytest.mark.usefixtures('loaded')
@pytest.mark.parametrize(('most', 'params', 'status'), [
    (2, {}, 400), (3, {}, 200), (2, {'granularity': 'year'}, 400), (2, {'date_to': '2026-11-30'}, 200),
    (2, {'name': 'SlicerIGT'}, 200), (0, {'granularity': 'month'}, 200)])
def test_more_documents_than_can_be_added_up_in_time_are_refused_at_once(ask, monkeypatch, most, params, status):
    add_up()
    monkeypatch.setattr(logged_statistics, '_MOST_DOCUMENTS', most)
    with counting() as commands:
        answer = ask(columns='country', **params)
    assert answer.status_code == status, answer.text
    if status == 400:
        assert 'give the granularity "month"' in answer.json()['message']
        assert sum(one in (SUMS, DAYS) for one in commands) == 1


@pytest.mark.usefixtures('package')
def test_a_server_without_logs_says_so(ask):
    answer = ask(country='DE')
    assert answer.status_code == 404
    assert 'logs load' in answer.json()['message']
    load(row(requests='0'))
    assert ask(country='DE').json() == []


@pytest.mark.usefixtures('loaded')
def test_what_the_server_counts_itself_stays_as_it_is(ask, app, anonymous, package):
    before = ask().content, ask(limit=0).content, ask(format='csv').content
    assert before[:2] == (b'{}', b'[]')
    anonymous.get(f'/item/{package["_id"]}/download').raise_for_status()
    assert ask().json() == {'33000': {'applications': {'linux': {'amd64': 1}}}}
    assert [set(one) for one in ask(limit=0).json()] == [{*COLUMNS, 'count'}]


@pytest.mark.usefixtures('loaded')
def test_another_application_sees_nothing_of_it(api, anonymous):
    other = api.post('/app', params={'name': 'Other'}).raise_for_status().json()
    assert anonymous.get(f'/app/{other["_id"]}/downloadstats', params={'columns': 'country'}).json() == []


@pytest.mark.usefixtures('loaded')
def test_a_day_is_replaced_as_a_whole(total, package):
    load(of_item(package, requests='2'))
    assert total(columns='country') == 13
    load(of_item(package, day='2026-12-01', requests='0'))
    assert total(columns='country') == 2


def test_readers_see_the_old_day_or_the_new_one_while_processes_replace_it(package, total):
    """Each version has the same number of downloads, in other documents."""
    versions = [[of_item(package, file={'_id': f'{version}-{number}'}, requests='1') for number in range(100)]
                for version in range(2)]
    load(*versions[0])
    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(load, *versions[number % 2]) for number in range(8)]
        found = set()
        while not all(one.done() for one in writers):
            found.add(total(columns='country'))
        for one in writers:
            one.result(PATIENCE)
    assert found | {total(columns='country')} == {100}


def test_a_private_application_is_hidden(api, anonymous, app, ask, package):
    load(of_item(package))
    api.put(f'/folder/{app["_id"]}/access', params={
        'access': json.dumps({'users': [], 'groups': []}), 'public': 'false'}).raise_for_status()
    assert ask(columns='country').status_code == 401
    assert sum(one['count'] for one in ask(api, columns='country').json()) == 1


def hide(api, folder):
    api.put(f'/folder/{folder["_id"]}/access', params={
        'access': json.dumps({'users': [], 'groups': []}), 'public': 'false', 'recurse': 'true'}).raise_for_status()


@pytest.mark.parametrize('place', ['release', 'draft'])
def test_what_became_private_is_hidden_and_stays_so_when_it_is_deleted(
        api, anonymous, app, ask, folders, make, make_release, place):
    """Its rows were loaded while it was public."""
    release = make_release('5.8', '33000') if place == 'release' else None
    item = make('package', content=b'package')
    other = make('package', content=b'other', revision='34000')
    load(of_item(item, requests='3'), of_item(other, requests='5'))

    def seen(caller):
        return sum(one['count'] for one in ask(caller, columns='country').raise_for_status().json())
    assert (seen(anonymous), seen(api)) == (8, 8)
    hide(api, release or folders(folders(app)['draft'])['33000'])
    assert (seen(anonymous), seen(api)) == (5, 8)
    api.delete(f'/app/{app["_id"]}/release/{"5.8" if release else "33000"}').raise_for_status()
    assert (seen(anonymous), seen(api)) == (5, 8)
    new = make('package', content=b'new')
    load(of_item(new, day='2999-01-01', requests='7'))
    assert (seen(anonymous), seen(api)) == (12, 15)


def test_what_was_deleted_while_it_was_public_stays(api, app, make, total):
    load(of_item(item := make('package', content=b'package'), requests='3'))
    api.delete(f'/app/{app["_id"]}/package/{item["_id"]}').raise_for_status()
    assert total(columns='country') == 3
    load(of_item(item, requests='4'))
    assert total(columns='country') == 4


SUMS, DAYS = ('aggregate slicer_package_logged_sum', 'aggregate slicer_package_logged_download')


def read_by(ask, **params):
    """The rows, and from which of sums and days they were read."""
    with counting() as commands:
        found = ask(limit=0, **params).raise_for_status().json()
    return found, {SUMS: 'sums', DAYS: 'days'}[next(one for one in commands if one in (SUMS, DAYS))]


@pytest.mark.usefixtures('loaded')
@pytest.mark.parametrize('granularity', ['month', 'year'])
@pytest.mark.parametrize('params', [
    {'columns': 'country'}, {'columns': 'client'}, {'columns': 'country,client'}, {'country': 'FR'},
    {'client': 'robot'}, {'country': 'FR', 'client': 'robot'}, {'country': 'JP'}, {'client': 'slicer'},
    {'columns': 'country', 'kind': 'package'}, {'columns': 'country', 'name': 'SlicerIGT'},
    {'columns': 'country', 'revision': '33000'}, {'columns': 'country', 'release': 'draft'},
    {'columns': 'country', 'os': 'win'}, {'columns': 'country', 'date_from': '2026-11-01'},
    {'columns': 'country', 'date_to': '2026-11-30'}, {'columns': 'client', 'date_from': '2026-12-01'}])
def test_months_and_years_are_read_from_sums_with_the_same_result(ask, package, granularity, params):
    load(of_item(package, day='2026-11-30', client='slicer', client_os='win', requests='3'),
         of_item(package, day='2026-11-30', file={'_id': 'other'}, client='slicer', requests='4'))
    of_days = read_by(ask, granularity=granularity, **params)
    assert add_up() == ['2026-11', '2026-12']
    assert read_by(ask, granularity=granularity, **params) == (of_days[0], 'sums')
    assert of_days[1] == 'days'
    assert ask(limit=1, granularity=granularity, **params).headers['Girder-Total-Count'] == str(len(of_days[0]))
    assert ask(limit=2, offset=1, granularity=granularity, **params).json() == of_days[0][1:3]


@pytest.mark.usefixtures('loaded')
@pytest.mark.parametrize(('params', 'place'), [
    ({}, 'sums'), ({'date_from': '2026-11-01'}, 'sums'), ({'date_from': '2026-11-02'}, 'sums'),
    ({'date_from': '2026-11-03'}, 'days'), ({'date_to': '2026-11-20'}, 'sums'), ({'date_to': '2026-11-19'}, 'days'),
    ({'date_to': '2026-12-01'}, 'sums'), ({'date_from': '2026-11-21', 'date_to': '2026-12-31'}, 'sums'),
    ({'date_from': '2026-10-15', 'date_to': '2026-11-25'}, 'sums'), ({'granularity': 'day'}, 'days')])
def test_sums_are_read_if_the_period_has_all_days_of_its_months(ask, package, params, place):
    load(row(day='2026-11-01', requests='0'))
    load(of_item(package, day='2026-11-02'), of_item(package, day='2026-11-20', requests='2'))
    from slicer_package_manager.registry.downloads import logged
    logged.remove('2026-11-01')
    params = {'granularity': 'month', 'columns': 'country', **params}
    before = read_by(ask, **params)[0]
    add_up()
    assert read_by(ask, **params) == (before, place)


@pytest.mark.usefixtures('loaded')
def test_sums_follow_days_that_are_loaded_again_or_removed(ask, package, db):
    from slicer_package_manager.registry.downloads import logged

    def number():
        rows, place = read_by(ask, columns='country', granularity='year')
        return sum(one['count'] for one in rows), place
    assert (add_up(), add_up(), number()) == (['2026-11', '2026-12'], [], (36, 'sums'))
    load(of_item(package, requests='2'))
    assert number() == (13, 'days')
    assert (add_up(), number()) == (['2026-11'], (13, 'sums'))
    logged.remove('2026-12-01')
    logged.remove('2026-12-01')
    assert number() == (2, 'sums')
    assert (add_up(), number()) == (['2026-12'], (2, 'sums'))
    logged.remove('2026-11-01')
    assert add_up() == ['2026-11']
    assert ask(columns='country').status_code == 404
    assert not any(db[f'slicer_package_logged_{name}'].count_documents({})
                   for name in ('day', 'download', 'month', 'sum'))


@pytest.mark.usefixtures('loaded')
@pytest.mark.parametrize(('year', 'left'), [(2020, 0), (2100, 1)], ids=['long ago', 'now'])
def test_sums_that_no_month_names_are_in_no_result_and_deleted_if_they_are_old(ask, package, db, year, left):
    """New ones may be those that another process is about to name."""
    add_up()
    before = read_by(ask, columns='country', granularity='month')
    sums, abandoned = db['slicer_package_logged_sum'], ObjectId.from_datetime(datetime(year, 1, 1, tzinfo=timezone.utc))
    sums.insert_one({**sums.find_one(), '_id': ObjectId(), 'version': abandoned})
    assert read_by(ask, columns='country', granularity='month') == before
    load(of_item(package, requests='2'))
    add_up()
    assert sums.count_documents({'version': abandoned}) == left


def test_readers_see_whole_sums_while_they_are_made_again(package, ask):
    """Each version has the same number of downloads, in another country."""
    def version(number):
        load(*(of_item(package, file={'_id': str(one)}, country=('DE', 'FR')[number % 2], requests='1')
               for one in range(100)))
        add_up()

    def write():
        for number in range(8):
            version(number)
    version(1)
    with ThreadPoolExecutor(1) as pool:
        writer, found = pool.submit(write), set()
        while not writer.done():
            found.add(tuple(one['count'] for one in ask(columns='country', granularity='month').json()))
        writer.result(PATIENCE)
    assert found == {(100,)}


def test_a_month_in_which_something_private_was_deleted_shows_the_rest(api, app, ask, folders, make, db):
    """What was loaded of its revision after the deletion is public."""
    item = make('package', content=b'package')
    load(of_item(item, requests='3'), of_item(item, day='2026-12-01', requests='5'))
    hide(api, folders(folders(app)['draft'])['33000'])
    api.delete(f'/app/{app["_id"]}/release/33000').raise_for_status()
    (seal,) = db['slicer_package_seal'].find()
    db['slicer_package_seal'].delete_one(seal)
    day = datetime(2026, 11, 10, tzinfo=timezone.utc)
    db['slicer_package_seal'].insert_one({**seal, '_id': ObjectId.from_datetime(day)})

    def seen(*caller):
        rows, place = read_by(partial(ask, *caller), columns='country', granularity='year')
        return sum(one['count'] for one in rows), place
    add_up()
    assert (seen(), seen(api)) == ((5, 'sums'), (8, 'sums'))
    load(of_item(item, day='2026-11-11', requests='7'))
    add_up()
    assert (seen(), seen(api)) == ((12, 'days'), (15, 'sums'))


@pytest.fixture
def overview(anonymous, app):
    def asked(caller=anonymous, **params):
        return caller.get(f'/app/{app["_id"]}/downloads', params=params).raise_for_status().json()
    return asked


def count(db, item, day, number):
    """Let the server have counted downloads of ``item``."""
    from bson.objectid import ObjectId
    one = of_item(item)
    db['slicer_package_download'].insert_one({
        'app': ObjectId(item['meta']['app_id']), 'kind': one['kind'], 'revision': one['app_revision'], 'day': day,
        'count': number, **{key: one[key] for key in ('baseName', 'os', 'arch', 'release')}})


def test_an_overview_has_the_counts_of_the_server_and_the_countries_of_logs(db, make, overview, package):
    assert overview() == {'months': [], 'systems': [], 'countries': [], 'logs': None, 'notice': ''}
    other = make('extension', content=b'extension', os='win')
    for item, day, number in ((package, '2026-10-31', 1), (package, '2026-11-01', 2), (other, '2026-11-30', 4)):
        count(db, item, day, number)
    load(of_item(package, requests='5'), of_item(package, client='robot', requests='100'),
         of_item(other, day='2026-11-03', country='FR', requests='7'))
    assert overview() == {
        'months': [{'period': '2026-10', 'count': 1}, {'period': '2026-11', 'count': 6}],
        'systems': [{'os': 'win', 'arch': 'amd64', 'count': 4}, {'os': 'linux', 'arch': 'amd64', 'count': 3}],
        'countries': [{'country': 'FR', 'name': 'France', 'count': 7},
                      {'country': 'DE', 'name': 'Germany', 'count': 5}],
        'logs': {'first': '2026-11-01', 'last': '2026-11-03', 'number': 2}, 'notice': ''}
    one = overview(kind='extension', name='SlicerIGT', date_from='2026-11-01')
    assert [sum(row['count'] for row in one[key]) for key in ('months', 'systems', 'countries')] == [4, 4, 7]
    assert overview(os='linux')['countries'] == [{'country': 'DE', 'name': 'Germany', 'count': 5}]


def test_an_overview_shows_nothing_private(db, api, app, folders, overview, package):
    count(db, package, '2026-11-01', 2)
    load(of_item(package, requests='5'))
    hide(api, folders(folders(app)['draft'])['33000'])
    assert [overview()[key] for key in ('months', 'systems', 'countries')] == [[], [], []]
    assert [sum(row['count'] for row in overview(api)[key]) for key in ('months', 'systems', 'countries')] == [2, 2, 5]


@pytest.mark.parametrize('value', ['x' * 501, 'a\nb', '5', '[]'])
def test_the_notice_is_shown_with_countries_only(api, overview, package, value):
    def put(text):
        return api.put('/system/setting', params={'key': 'slicer_package_manager.countries_notice', 'value': text})
    notice = 'IP Geolocation by <b>DB-IP</b>'
    put(f'"{notice}"').raise_for_status()
    assert overview()['notice'] == ''
    load(of_item(package))
    assert overview()['notice'] == notice
    assert put(value if value in ('5', '[]') else json.dumps(value)).status_code == 400


def test_countries_are_added_up_once_until_other_logs_are_loaded(overview, package):
    load(of_item(package, requests='5'))
    with counting() as first:
        assert overview()['countries'] == [{'country': 'DE', 'name': 'Germany', 'count': 5}]
    with counting() as again:
        assert overview()['countries'] == [{'country': 'DE', 'name': 'Germany', 'count': 5}]
    assert [commands.count('aggregate slicer_package_logged_download') for commands in (first, again)] == [1, 0]
    load(of_item(package, requests='7'))
    assert overview()['countries'] == [{'country': 'DE', 'name': 'Germany', 'count': 7}]
    load(of_item(package, day='2026-11-02', country='FR', requests='1'))
    assert overview()['countries'] == [{'country': 'DE', 'name': 'Germany', 'count': 7},
                                       {'country': 'FR', 'name': 'France', 'count': 1}]
