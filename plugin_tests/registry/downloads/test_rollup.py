import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from plugin_tests.rest.test_promotion import aside, at_each_write, killed_at_each_write
from plugin_tests.roundtrips import counting
from slicer_package_manager.registry.downloads import counter, counts, rollup, sums
from slicer_package_manager.registry.downloads.counts import Download
from slicer_package_manager.registry.server import clock

pytestmark = pytest.mark.database

APP = {'_id': 'app'}
KEY = {'app': 'app', 'kind': 'extension', 'revision': '33000', 'baseName': 'A', 'os': 'linux', 'arch': 'amd64',
       'release': ''}


def key(day, **values):
    return {**KEY, 'day': day, **values}


def today():
    return f'{datetime.now(timezone.utc):%Y-%m-%d}'


def answer(*hidden):
    return json.loads(rollup.Totals(APP, hidden).as_json())


def of_details(app='app'):
    """The same response, added up from all counts."""
    return sums.by_revision(sums.read({'app': app}, {'kind': counts.COUNTS}, '$count'))[1]


def document(**values):
    (found,) = Download().collection.find(values)
    return found


@pytest.fixture(params=['no rollup', 'rollup'])
def finished(request, db):
    """Without a rollup, or with one that is brought up to date wherever the test calls this."""
    return rollup.keep_up if request.param == 'rollup' else bool


def test_past_and_present_add_up(finished):
    for day in ('2026-01-01', '2026-01-02', today(), today(), '2999-01-01'):
        counter.store(key(day))
        finished()
    assert answer() == {'33000': {'extensions': {'A': {'linux': {'amd64': 5}}}}}


def test_a_download_shows_in_the_next_answer(finished):
    counter.store(key('2026-01-01'))
    counter.store(key('2026-01-01', revision='33001', kind='package'))
    finished()
    assert answer()['33001'] == {'applications': {'linux': {'amd64': 1}}}
    counter.store(key(today(), revision='33001', kind='package'))
    counter.store(key(today(), revision='33001', kind='package', os='win'))
    counter.store(key(today(), revision='33002'))
    assert answer() == {
        '33000': {'extensions': {'A': {'linux': {'amd64': 1}}}},
        '33001': {'applications': {'linux': {'amd64': 2}, 'win': {'amd64': 1}}},
        '33002': {'extensions': {'A': {'linux': {'amd64': 1}}}}}


def test_a_response_is_one_command(finished):
    counter.store(key('2026-01-01'))
    for _ in range(3):
        finished()
        counter.store(key(today()))
        with counting() as commands:
            answer()
        assert commands == ['find slicer_package_download']


def test_a_late_count_for_a_day_that_is_over_shows_in_the_next_answer(finished):
    counter.store(key('2026-01-01'))
    for number in (2, 3):
        finished()
        counter.store(key('2026-01-01'))
        assert answer()['33000']['extensions']['A']['linux']['amd64'] == number


def test_hidden_revisions_are_left_out_of_past_and_present(finished):
    for day in ('2026-01-01', today()):
        for revision in ('33000', '33001'):
            counter.store(key(day, revision=revision))
        finished()
    assert set(answer('33000')) == {'33001'}
    assert set(answer()) == {'33000', '33001'}


def test_sealed_counts_are_added_up(finished):
    for app, day in (('app', '2026-01-01'), ('seal', '2026-01-01'), ('seal', today())):
        counter.store(key(day, app=app))
    finished()
    both = json.loads(rollup.Totals(APP, (), ['seal']).as_json())
    assert both == {'33000': {'extensions': {'A': {'linux': {'amd64': 3}}}}}
    assert answer() == {'33000': {'extensions': {'A': {'linux': {'amd64': 1}}}}}


def test_the_same_counts_make_the_same_text(db):
    for name in 'BAC':
        counter.store(key('2026-01-01', baseName=name, revision=name))
    text = rollup.Totals(APP).as_json()
    rollup.keep_up()
    assert rollup.Totals(APP).as_json() == text


def test_an_application_that_nobody_downloaded_has_no_sums(finished):
    finished()
    assert rollup.Totals(APP).as_json() == b'{}'


@pytest.mark.parametrize('revision', ['$where', 'a.b', 'é🎉', '"', '', 'x' * 180])
def test_names_and_revisions_are_kept_as_they_are(db, revision):
    counter.store(key('2026-01-01', revision=revision, baseName=revision))
    rollup.keep_up()
    assert answer() == {revision: {'extensions': {revision: {'linux': {'amd64': 1}}}}}


def test_counts_of_past_days_are_settled_and_those_of_today_are_not(db):
    counter.store(key('2026-01-01'))
    counter.store(key(today()))
    rollup.keep_up()
    assert document(day='2026-01-01')['settled'] is True
    assert 'settled' not in document(day=today())
    assert document(kind='total')['counts'] == '{"extensions":{"A":{"linux":{"amd64":1}}}}'


def test_a_late_count_is_added_to_the_sums_too(db):
    for number in (1, 2, 3):
        counter.store(key('2026-01-01'))
        rollup.keep_up()
        assert document(kind='total')['counts'] == f'{{"extensions":{{"A":{{"linux":{{"amd64":{number}}}}}}}}}'
        assert not rollup.wrong('app')


def test_counts_of_today_join_the_sums_when_they_are_not_incremented_any_more(db):
    quiet = rollup.Quiet()
    for name in 'AB':
        counter.store(key(today(), baseName=name))
    quiet.settle()
    assert Download().collection.count_documents({'settled': True}) == 0
    counter.store(key(today()))
    quiet.settle()
    assert (document(baseName='B')['settled'], document(baseName='A').get('settled')) == (True, None)
    quiet.settle()
    assert document(baseName='A')['settled'] is True
    assert answer() == of_details() == {'33000': {'extensions': {
        'A': {'linux': {'amd64': 2}}, 'B': {'linux': {'amd64': 1}}}}}
    assert rollup.wrong('app') == []


def test_a_count_that_is_incremented_before_it_is_settled_stays_out_of_the_sums(db):
    counter.store(key(today()))
    (seen,) = Download().collection.find()
    counter.store(key(today()))
    rollup._settle_if_same('app', {seen['_id']: seen['count']})
    assert 'settled' not in document(baseName='A')
    assert answer() == of_details()


def test_a_download_while_quiet_counts_are_settled_is_counted_once(db):
    counter.store(key(today()))
    quiet, left = rollup.Quiet(), [1]
    quiet.settle()

    def hook():
        if left:
            left.pop()
            aside(lambda: counter.store(key(today())))
    with at_each_write(hook):
        quiet.settle()
    assert not left
    assert answer() == of_details() == {'33000': {'extensions': {'A': {'linux': {'amd64': 2}}}}}
    assert rollup.wrong('app') == []


def test_as_long_as_nothing_is_counted_the_text_is_the_same_object(finished):
    totals = rollup.Totals(APP)
    for day in ('2026-01-01', today()):
        counter.store(key(day))
        finished()
        text = totals.as_json()
        assert totals.as_json() is text
        counter.store(key(day))
        assert json.loads(totals.as_json()) == of_details()
        assert totals.as_json() is not text


def test_an_error_leaves_no_wrong_counts(finished, monkeypatch):
    totals = rollup.Totals(APP)
    for number in range(3):
        counter.store(key(today(), baseName=f'{number}'))
        with monkeypatch.context() as patch:
            patch.setattr(sums, 'joined', lambda _: (_ for _ in ()).throw(MemoryError))
            with pytest.raises(MemoryError):
                totals.as_json()
        finished()
        assert json.loads(totals.as_json()) == of_details()


def test_days_that_end_join_the_sums(db, monkeypatch):
    now = datetime.now(timezone.utc)
    for ago in range(6, -1, -1):
        monkeypatch.setattr(clock, 'now', lambda ago=ago: now - timedelta(days=ago))
        counter.store(key(f'{clock.now():%Y-%m-%d}'))
        counter.store(key(f'{clock.now():%Y-%m-%d}', revision=f'r{ago}'))
        rollup.keep_up()
        assert answer() == of_details()
    assert Download().collection.count_documents({'kind': counts.COUNTS, 'settled': None}) == 4
    assert answer()['33000'] == {'extensions': {'A': {'linux': {'amd64': 7}}}}


def test_only_some_counts_are_settled_by_one_transaction(db, monkeypatch):
    monkeypatch.setattr(rollup, 'COUNTS_AT_ONCE', 3)
    for number in range(8):
        counter.store(key('2026-01-01', baseName=f'{number}', revision=f'r{number % 3}'))
    rollup.settle('app')
    assert Download().collection.count_documents({'settled': True, 'kind': counts.COUNTS}) == 3
    assert answer() == of_details()
    rollup.keep_up()
    assert Download().collection.count_documents({'settled': True, 'kind': counts.COUNTS}) == 8
    assert answer() == of_details()


def test_applications_and_seals_have_sums_of_their_own(db):
    for app in ('app', 'other', 'seal'):
        for _ in range(len(app)):
            counter.store(key('2026-01-01', app=app))
    rollup.keep_up()
    assert Download().collection.count_documents({'kind': 'total'}) == 3
    for app in ('app', 'other', 'seal'):
        assert json.loads(rollup.Totals({'_id': app}).as_json()) == of_details(app) != {}
    both = json.loads(rollup.Totals(APP, (), ['seal']).as_json())
    assert both == {'33000': {'extensions': {'A': {'linux': {'amd64': 7}}}}}


def test_whatever_write_a_process_is_killed_at_the_sums_are_right(db):
    counter.store(key('2026-01-01', baseName='before'))
    rollup.keep_up()
    for revision in ('33000', '33001'):
        counter.store(key('2026-01-02', revision=revision))
    expected = answer()

    def is_right():
        return answer() == expected == of_details() and not rollup.wrong('app')
    killed_at_each_write(lambda: rollup.settle('app'), is_right, at_least=4)
    assert is_right()
    assert Download().collection.count_documents({'kind': counts.COUNTS, 'settled': None}) == 0


def test_downloads_while_their_counts_are_settled_are_in_the_sums_once(db):
    """Others count between any two writes of the transaction; if it has read their count, it begins again."""
    for name in 'AB':
        counter.store(key('2026-01-01', baseName=name))
    left = ['A', 'B', 'C', 'A']

    def hook():
        if left:
            aside(lambda: counter.store(key('2026-01-01', baseName=left.pop())))
            assert aside(answer) == aside(of_details)
    with at_each_write(hook):
        rollup.settle('app')
    assert not left
    assert answer() == of_details()
    assert sum(one['linux']['amd64'] for one in answer()['33000']['extensions'].values()) == 6
    assert not rollup.wrong('app')


def test_of_many_threads_that_settle_the_same_counts_each_count_is_added_once(db):
    for number in range(50):
        counter.store(key('2026-01-01', baseName=f'{number}'))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: rollup.keep_up(), range(8)))
    assert answer() == of_details()
    assert not rollup.wrong('app')


def test_counts_that_are_taken_out_leave_the_sums(db):
    for name in 'AB':
        counter.store(key('2026-01-01', baseName=name))
    rollup.keep_up()
    counter.store(key('2026-01-01'))
    taken = document(baseName='A')
    update = rollup.take_out('app', '33000', [taken])
    Download().collection.update_one({'_id': taken['_id']}, {'$set': {'app': 'seal'}, **update})
    assert answer() == of_details() == {'33000': {'extensions': {'B': {'linux': {'amd64': 1}}}}}
    assert of_details('seal') == json.loads(rollup.Totals({'_id': 'seal'}).as_json())
    assert document(kind='total')['counts'] == '{"extensions":{"B":{"linux":{"amd64":1}}}}'
    rollup.keep_up()
    assert not rollup.wrong('app')
    assert not rollup.wrong('seal')


def test_wrong_sums_are_found_and_repaired(db):
    assert rollup.wrong('app') == []
    revisions = ('33000', '33001', '33002', '33003')
    for revision in revisions:
        counter.store(key('2026-01-01', revision=revision))
        counter.store(key('2026-01-01', revision=revision, app='other'))
    rollup.keep_up()
    counter.store(key('2026-01-01', revision='33003', baseName='not settled'))
    assert rollup.wrong('app') == []
    collection = Download().collection
    collection.update_one({'app': 'app', 'kind': 'extension', 'revision': '33000'}, {'$inc': {'count': 1}})
    collection.delete_one({'app': 'app', 'kind': 'total', 'revision': '33001'})
    collection.delete_one({'app': 'app', 'kind': 'extension', 'revision': '33002'})
    collection.update_one({'app': 'app', 'kind': 'extension', 'revision': '33003'}, {'$inc': {'summed': 1}})
    assert rollup.wrong('app') == list(revisions)
    for revision in revisions:
        rollup.repair('app', revision)
    for _ in range(2):
        assert rollup.wrong('app') == rollup.wrong('other') == []
        assert answer() == of_details()
        rollup.keep_up()


def test_counts_without_any_field_of_the_sums_are_counted(db):
    """So those of earlier versions are."""
    Download().collection.insert_many([{**key('2026-01-01', baseName=name), 'count': 3} for name in 'AB'])
    assert answer() == of_details()
    rollup.keep_up()
    assert answer() == of_details() == {'33000': {'extensions': {name: {'linux': {'amd64': 3}} for name in 'AB'}}}


def test_the_first_download_of_a_day_is_inserted_by_one_of_many_threads(db):
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda _: counter.store(key(today())), range(32)))
    assert document()['count'] == 32


def test_counting_is_one_write_by_an_indexed_key(finished):
    for day in ('2026-01-01', today()):
        counter.store(key(day))
        finished()
        with counting() as commands:
            counter.store(key(day))
        assert commands == ['update slicer_package_download']
    plan = str(Download().collection.database.command('explain', {
        'update': Download().name, 'updates': [{'q': key(today()), 'u': {'$inc': {'count': 1}}}]}))
    assert 'IXSCAN' in plan
    assert 'spm_download' in plan


def test_counts_that_are_not_settled_come_from_an_index(db):
    Download().collection.insert_many([
        {**key('2026-01-01', baseName=f'{number}'), 'count': 1, 'summed': 1, 'settled': True} for number in range(300)])
    counter.store(key(today()))
    explained = Download().collection.database.command('explain', {
        'find': Download().name, 'filter': sums._either({'app': 'app'}, counts.UNSETTLED)}, verbosity='executionStats')
    assert "'indexName': 'spm_download_unsettled'" in str(explained)
    assert 'COLLSCAN' not in str(explained)
    found = Download().collection.find(rollup._past('app'), sort=[('revision', 1)]).explain()
    assert "'indexName': 'spm_download_unsettled'" in str(found['queryPlanner']['winningPlan'])
    assert found['executionStats']['totalDocsExamined'] <= 1


def test_counts_of_many_threads_are_all_told(finished):
    def count_and_read(number):
        counter.store(key(today() if number % 2 else '2026-01-01'))
        answer()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_and_read, range(200)))
    finished()
    assert answer()['33000']['extensions']['A']['linux']['amd64'] == 200


def count_read_and_add_up(number):
    """Record counts of open and closed days, and check after each that this process sees all of its own."""
    name, days = f'process {number}', ('2026-01-01', '2026-01-02', today())
    for turn in range(1, 91):
        counter.store(key(days[turn % 3], baseName=name, revision=f'r{turn % 4}'))
        if turn % 9 == number:
            rollup.keep_up()
        found = answer()
        assert sum(one['extensions'].get(name, {}).get('linux', {}).get('amd64', 0) for one in found.values()) == turn


@pytest.mark.process
def test_sums_are_exact_while_several_processes_count_and_add_up(db):
    with ProcessPoolExecutor(4, multiprocessing.get_context('spawn')) as pool:
        list(pool.map(count_read_and_add_up, range(4)))
    found = answer()
    assert found == of_details()
    assert sum(one['linux']['amd64'] for of in found.values() for one in of['extensions'].values()) == 4 * 90
    rollup.keep_up()
    assert answer() == found
    assert rollup.wrong('app') == []
