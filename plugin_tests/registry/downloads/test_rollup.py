import contextlib
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pymongo
import pytest
from bson import ObjectId

from plugin_tests.roundtrips import counting
from slicer_package_manager.registry.downloads import counts, rollup, sums, totals
from slicer_package_manager.registry.downloads.counts import Download
from slicer_package_manager.registry.server import background, environment

pytestmark = pytest.mark.database

APP = {'_id': 'app'}
KEY = {'app': 'app', 'kind': 'extension', 'revision': '33000', 'baseName': 'A', 'os': 'linux', 'arch': 'amd64',
       'release': ''}
NO_TIME = timedelta(0)


def key(day, **values):
    return {**KEY, 'day': day, **values}


def today():
    return f'{datetime.now(timezone.utc):%Y-%m-%d}'


def answer(*hidden):
    return json.loads(totals.as_json(APP, hidden))


def of_details(app='app'):
    """The same response, added up from all counts."""
    return sums.of({'app': app, 'kind': counts.COUNTS})


def keep_up(app='app'):
    """Have all steps taken that the rollup needs."""
    while rollup.keep_up(app, NO_TIME):
        pass
    state = Download().collection.find_one({'app': app, 'kind': 'rollup'})
    assert state is None or state['until'] == state['fence']


@pytest.fixture(params=['no rollup', 'rollup'])
def finished(request, db):
    """Without a rollup, or with one that is brought up to date wherever the test calls this."""
    return keep_up if request.param == 'rollup' else bool


def test_past_and_present_add_up(finished):
    for day in ('2026-01-01', '2026-01-02', today(), today(), '2999-01-01'):
        counts.record(key(day))
        finished('app')
    assert answer() == {'33000': {'extensions': {'A': {'linux': {'amd64': 5}}}}}


def test_a_download_shows_in_the_next_answer(finished):
    counts.record(key('2026-01-01'))
    counts.record(key('2026-01-01', revision='33001', kind='package'))
    finished('app')
    assert answer()['33001'] == {'applications': {'linux': {'amd64': 1}}}
    counts.record(key(today(), revision='33001', kind='package'))
    counts.record(key(today(), revision='33001', kind='package', os='win'))
    counts.record(key(today(), revision='33002'))
    assert answer() == {
        '33000': {'extensions': {'A': {'linux': {'amd64': 1}}}},
        '33001': {'applications': {'linux': {'amd64': 2}, 'win': {'amd64': 1}}},
        '33002': {'extensions': {'A': {'linux': {'amd64': 1}}}}}


def test_a_response_is_one_command(finished):
    counts.record(key('2026-01-01'))
    for _ in range(3):
        finished('app')
        counts.record(key(today()))
        with counting() as commands:
            answer()
        assert commands == ['aggregate slicer_package_download']


def test_a_late_count_for_a_day_that_is_over_shows_in_the_next_answer(finished):
    counts.record(key('2026-01-01'))
    for number in (2, 3):
        finished('app')
        counts.record(key('2026-01-01'))
        assert answer()['33000']['extensions']['A']['linux']['amd64'] == number


def test_hidden_revisions_are_left_out_of_past_and_present(finished):
    for day in ('2026-01-01', today()):
        for revision in ('33000', '33001'):
            counts.record(key(day, revision=revision))
        finished('app')
    assert set(answer('33000')) == {'33001'}
    assert set(answer()) == {'33000', '33001'}


def test_sealed_counts_are_added_up(finished):
    for app, day in (('app', '2026-01-01'), ('seal', '2026-01-01'), ('seal', today())):
        counts.record(key(day, app=app))
    finished('app')
    assert json.loads(totals.as_json(APP, (), ['seal'])) == {'33000': {'extensions': {'A': {'linux': {'amd64': 3}}}}}
    assert answer() == {'33000': {'extensions': {'A': {'linux': {'amd64': 1}}}}}


def test_the_same_counts_make_the_same_text(db):
    for name in 'BAC':
        counts.record(key('2026-01-01', baseName=name, revision=name))
    text = totals.as_json(APP)
    keep_up()
    assert totals.as_json(APP) == text


def test_an_application_that_nobody_downloaded_has_no_sums(finished):
    finished('app')
    assert totals.as_json(APP) == b'{}'


@pytest.mark.parametrize('revision', ['$where', 'a.b', 'é🎉', '"', '', 'x' * 180])
def test_names_and_revisions_are_kept_as_they_are(db, revision):
    counts.record(key('2026-01-01', revision=revision, baseName=revision))
    keep_up()
    assert answer() == {revision: {'extensions': {revision: {'linux': {'amd64': 1}}}}}


def test_today_has_no_rollup(db):
    counts.record(key(today()))
    assert not rollup.keep_up('app', NO_TIME)
    assert Download().collection.count_documents({}) == 1


def test_each_step_is_right(db):
    """Counts are recorded and read between all steps; a process may be killed after any of them."""
    for day in ('2026-01-01', '2026-01-02', today()):
        for revision in ('33000', '33001'):
            counts.record(key(day, revision=revision))
    steps = 0
    while rollup.keep_up('app', NO_TIME) and steps < 10:
        steps += 1
        assert answer() == of_details()
        if steps < 4:
            counts.record(key('2026-01-02', baseName=f'late {steps}'))
            counts.record(key(today(), baseName=f'new {steps}'))
            assert answer() == of_details()
    assert answer() == of_details()
    assert not rollup.wrong('app')
    assert not Download().collection.find_one({'app': 'app', 'kind': 'rollup'})['stale']


def test_days_that_end_join_the_sums(db, monkeypatch):
    now = datetime.now(timezone.utc)
    for ago in range(6, -1, -1):
        monkeypatch.setattr(rollup, '_time_of_database', lambda ago=ago: now - timedelta(days=ago))
        counts.record(key(f'{now - timedelta(days=ago):%Y-%m-%d}'))
        counts.record(key(f'{now - timedelta(days=ago):%Y-%m-%d}', revision=f'r{ago}'))
        while rollup.keep_up('app', timedelta(days=-9)):
            assert answer() == of_details()
        assert answer() == of_details()
    assert Download().collection.find_one({'kind': 'rollup'})['until'] == f'{now - timedelta(days=1):%Y-%m-%d}'
    assert answer()['33000'] == {'extensions': {'A': {'linux': {'amd64': 7}}}}
    # A revision without new counts is not added up again.
    assert Download().collection.count_documents({'kind': 'sums', 'revision': 'r6'}) == 1
    # At most what is in use, and what was before.
    assert Download().collection.count_documents({'kind': 'sums', 'revision': '33000'}) <= 2


def test_counts_are_not_added_up_soon_after_an_announcement(db):
    counts.record(key('2026-01-01'))
    assert rollup.keep_up('app')
    assert not rollup.keep_up('app')
    keep_up()
    counts.announce('app', '33000')
    assert not rollup.keep_up('app')
    assert rollup.keep_up('app', NO_TIME)


def test_a_change_while_counts_are_added_up_is_not_lost(db, monkeypatch):
    """Another process counts for a closed day after this one has added up the counts, and before it stores the sums."""
    counts.record(key('2026-01-01'))
    rollup.keep_up('app', NO_TIME)
    store, late = rollup._store, [1, 2]

    def slowly(*args):
        if late:
            counts.record(key('2026-01-01', baseName=f'late {late.pop()}'))
        store(*args)
        assert answer() == of_details()
    monkeypatch.setattr(rollup, '_store', slowly)
    results = [rollup.keep_up('app', NO_TIME) for _ in range(3)]
    assert results == [False, False, True]
    assert answer() == of_details()
    assert not rollup.wrong('app')


def test_a_process_that_was_overtaken_changes_nothing(db, monkeypatch):
    counts.record(key('2026-01-01'))
    rollup.keep_up('app', NO_TIME)
    store = rollup._store

    def overtaken(*args):
        monkeypatch.setattr(rollup, '_store', store)
        counts.record(key('2026-01-01'))
        keep_up()
        store(*args)
    monkeypatch.setattr(rollup, '_store', overtaken)
    assert not rollup.keep_up('app', NO_TIME)
    assert answer() == of_details() == {'33000': {'extensions': {'A': {'linux': {'amd64': 2}}}}}
    assert not rollup.wrong('app')


def test_sums_that_another_process_is_about_to_use_are_not_used_before(db, monkeypatch):
    now = datetime.now(timezone.utc)
    for day in ('2026-01-01', f'{now - timedelta(days=2):%Y-%m-%d}'):
        counts.record(key(day))
    monkeypatch.setattr(rollup, '_time_of_database', lambda: now - timedelta(days=2))
    while rollup.keep_up('app', timedelta(days=-9)):
        pass
    monkeypatch.undo()
    rollup.keep_up('app', NO_TIME)
    state = Download().collection.find_one({'kind': 'rollup'})
    rollup._store(state, '33000', '{"extensions": "too new"}')
    rollup._store(state, 'new', '{"extensions": "too new"}')
    assert state['until'] < state['fence']
    assert answer() == of_details()


def test_sums_that_are_being_prepared_for_the_first_time_cost_a_reader_no_command(db):
    counts.record(key('2026-01-01'))
    rollup.keep_up('app', NO_TIME)
    rollup._store(Download().collection.find_one({'kind': 'rollup'}), '33000', '{"extensions": "too new"}')
    with counting() as commands:
        assert answer() == {'33000': {'extensions': {'A': {'linux': {'amd64': 1}}}}}
    assert len(commands) == 1


def test_sums_without_a_rollup_are_not_used(db):
    counts.record(key('2026-01-01'))
    sums_of(day='2026-01-02')
    assert answer() == of_details()
    keep_up()
    assert answer() == of_details()


def test_what_is_sealed_leaves_the_sums(db):
    counts.record(key('2026-01-01'))
    keep_up()
    counts.announce('app', '33000')
    Download().collection.update_many({'kind': 'extension'}, {'$set': {'app': 'seal'}})
    assert answer() == {}
    keep_up()
    assert answer() == {}
    assert not rollup.wrong('app')


def test_wrong_sums_are_found_and_an_announcement_repairs_them(db):
    for revision in ('33000', '33001', '33002'):
        counts.record(key('2026-01-01', revision=revision))
    keep_up()
    assert rollup.wrong('app') == []
    Download().collection.update_one({'kind': 'extension', 'revision': '33000'}, {'$inc': {'count': 1}})
    Download().collection.delete_one({'kind': 'sums', 'revision': '33001'})
    Download().collection.delete_one({'kind': 'extension', 'revision': '33002'})
    assert rollup.wrong('app') == ['33000', '33001', '33002']
    for revision in rollup.wrong('app'):
        counts.announce('app', revision)
    assert rollup.wrong('app') == []
    assert answer() == of_details()
    keep_up()
    assert answer() == of_details()
    assert rollup.wrong('app') == []


def test_sums_are_compared_with_the_counts_of_their_application(db):
    assert rollup.wrong('app') == []
    for app in ('a', 'app'):
        counts.record(key('2026-01-01', app=app, revision=f'of {app}'))
        keep_up(app)
    assert rollup.wrong('app') == []
    assert rollup.wrong('none') == []


def test_a_check_during_which_counts_change_finds_nothing(db, monkeypatch):
    counts.record(key('2026-01-01'))
    keep_up()
    Download().collection.update_one({'kind': 'extension'}, {'$inc': {'count': 1}})
    assert rollup.wrong('app') == ['33000']
    state = Download().collection.find_one({'kind': 'rollup'})
    Download().collection.insert_one({**state, '_id': 'twin', 'app': 'other'})
    of = sums.of

    def meanwhile(match):
        counts.announce('app', '33001')
        return of(match)
    monkeypatch.setattr(sums, 'of', meanwhile)
    assert rollup.wrong('app') == []


def test_superseded_sums_are_removed_of_one_application_only(db, monkeypatch):
    now = datetime.now(timezone.utc)
    for app in ('app', 'other'):
        counts.record(key('2026-01-01', app=app))
    for app, ago in (('other', 4), ('app', 3), ('app', 2), ('app', 0)):
        monkeypatch.setattr(rollup, '_time_of_database', lambda ago=ago: now - timedelta(days=ago))
        counts.record(key(f'{now - timedelta(days=ago + 2):%Y-%m-%d}', app=app))
        while rollup.keep_up(app, timedelta(days=-9)):
            pass
        assert json.loads(totals.as_json({'_id': 'other'})) == of_details('other')
        assert answer() == of_details()
        assert rollup.wrong(app) == []


def test_a_discarded_rollup_is_made_anew(db):
    counts.record(key('2026-01-01'))
    keep_up()
    rollup.discard(db)
    assert db.slicer_package_download.count_documents({}) == 1
    assert answer() == of_details()
    keep_up()
    assert answer() == of_details()


def test_applications_have_rollups_of_their_own(db):
    for app in ('app', 'other'):
        for _ in range(len(app)):
            counts.record(key('2026-01-01', app=app))
    keep_up('other')
    assert json.loads(totals.as_json({'_id': 'other'})) == {'33000': {'extensions': {'A': {'linux': {'amd64': 5}}}}}
    assert answer() == {'33000': {'extensions': {'A': {'linux': {'amd64': 3}}}}}
    keep_up()
    assert Download().collection.count_documents({'kind': 'rollup'}) == 2
    assert answer() == of_details()
    assert json.loads(totals.as_json({'_id': 'other'})) == of_details('other')


def test_a_count_of_a_closed_day_is_announced_to_the_rollup_of_its_application_only(db):
    for app in ('a', 'app'):
        counts.record(key('2026-01-01', app=app))
        keep_up(app)
    before = list(Download().collection.find({'kind': 'rollup'}).sort('app'))
    counts.record(key(today()))
    assert list(Download().collection.find({'kind': 'rollup'}).sort('app')) == before
    counts.record(key('2026-01-01'))
    counts.announce('app', '33001')
    other, mine = Download().collection.find({'kind': 'rollup'}).sort('app')
    assert other == before[0]
    assert mine['stale'] == ['33000', '33001']
    assert mine['announced'] > before[1]['announced']


@pytest.mark.parametrize('code', [11000, 50])
def test_a_download_that_another_process_counts_at_the_same_moment_is_counted_too(db, monkeypatch, code):
    write, failures = pymongo.collection.Collection.bulk_write, [code]

    def overtaken(*args):
        if failures:
            raise pymongo.errors.BulkWriteError({'writeErrors': [{'code': failures.pop()}]})
        return write(*args)
    monkeypatch.setattr(pymongo.collection.Collection, 'bulk_write', overtaken)
    if code == 11000:  # MongoDB's code of the error that a unique index causes
        assert counts.record(key(today())) is False
        assert answer()['33000']['extensions']['A']['linux']['amd64'] == 1
    else:
        with pytest.raises(pymongo.errors.BulkWriteError):
            counts.record(key(today()))


def test_an_application_without_counts_gets_no_rollup(db):
    counts.record(key('2026-01-01', app='other'))
    sums_of(day='2026-01-01')
    assert not rollup.keep_up('app', NO_TIME)
    assert Download().collection.count_documents({'kind': 'rollup'}) == 0


def sums_of(**values):
    Download().collection.insert_one({'app': 'app', 'kind': 'sums', 'revision': '33000', 'version': 10**18,
                                      'counts': '{"extensions": "left over"}', **values})


def test_sums_that_an_earlier_rollup_has_left_are_not_used(db):
    yesterday = f'{datetime.now(timezone.utc) - timedelta(days=1):%Y-%m-%d}'
    counts.record(key('2026-01-01'))
    sums_of(day=yesterday)
    keep_up()
    assert answer() == of_details()


def test_of_two_processes_that_begin_a_rollup_one_does(db):
    counts.record(key('2026-01-01'))
    now = datetime.now(timezone.utc)
    assert [rollup._begin('app', '2026-01-02', now) for _ in range(2)] == [True, False]


def test_a_later_rollup_has_a_higher_version_than_any_before(db, monkeypatch):
    counts.record(key('2026-01-01'))
    keep_up()
    for _ in range(10):
        counts.announce('app', '33000')
    before = Download().collection.find_one({'kind': 'rollup'})['version']
    rollup.discard(db)
    monkeypatch.setattr(rollup, '_time_of_database', lambda: datetime.now(timezone.utc) + timedelta(minutes=1))
    keep_up()
    assert Download().collection.find_one({'kind': 'rollup'})['version'] > before + 1000


def test_of_two_processes_that_claim_the_work_one_adds_up(db, monkeypatch):
    counts.record(key('2026-01-01'))
    rollup.keep_up('app', NO_TIME)
    update = rollup._update

    def overtaken(state, change):
        assert update(state, {'$set': {'announced': datetime.now(timezone.utc) + timedelta(seconds=1)}})
        return update(state, change)
    monkeypatch.setattr(rollup, '_update', overtaken)
    assert not rollup.keep_up('app', NO_TIME)
    assert Download().collection.count_documents({'kind': 'sums'}) == 0


def test_while_a_process_adds_up_no_other_claims_the_work(db, monkeypatch):
    counts.record(key('2026-01-01'))
    rollup.keep_up('app', NO_TIME)
    Download().collection.update_one({'kind': 'rollup'}, {'$set': {
        'announced': datetime(2026, 1, 3, tzinfo=timezone.utc)}})
    store, others = rollup._store, []

    def meanwhile(*args):
        others.append(rollup.keep_up('app'))
        store(*args)
    monkeypatch.setattr(rollup, '_store', meanwhile)
    assert rollup.keep_up('app')
    assert others == [False]


def test_a_step_changes_no_other_rollup_of_the_same_moment(db):
    counts.record(key('2026-01-01'))
    keep_up()
    state = {**Download().collection.find_one_and_delete({'kind': 'rollup'}), 'fence': '2026-01-02'}
    twin = {**state, '_id': 'twin', 'app': 'a'}
    Download().collection.insert_many([twin, state])
    assert rollup.keep_up('app', NO_TIME)
    assert Download().collection.find_one({'_id': 'twin'}) == twin


def test_sums_are_stored_for_revisions_of_the_application_with_counts_of_days_that_are_over(db):
    counts.record(key('2026-01-01'))
    counts.record(key('2026-01-01', app='other', revision='of another application'))
    counts.record(key(today(), revision='new'))
    keep_up()
    assert Download().collection.distinct('revision', {'kind': 'sums'}) == ['33000']


def test_counts_of_a_day_are_not_added_up_soon_after_its_end(db):
    counts.record(key('2026-01-01'))
    keep_up()
    Download().collection.update_one({'kind': 'rollup'}, {'$set': {
        'until': '2026-01-02', 'fence': '2026-01-02', 'announced': datetime(2026, 1, 3, tzinfo=timezone.utc)}})
    assert rollup.keep_up('app')
    assert not rollup.keep_up('app')
    assert rollup.keep_up('app', NO_TIME)
    assert answer() == of_details()


def test_counts_are_added_up_when_no_write_is_left_that_began_before_the_announcement():
    assert timedelta(seconds=environment.DATABASE_SECONDS) < rollup.QUIET


def test_each_application_is_kept_current_within_a_limit_of_time(db, app, make, monkeypatch):
    make('package')
    limits, kept = [], []
    monkeypatch.setattr(pymongo, 'timeout', lambda seconds: contextlib.nullcontext(limits.append(seconds)))
    monkeypatch.setattr(rollup, 'keep_up', kept.append)
    monkeypatch.setattr(background, 'repeat', lambda work, *_: work())
    rollup.start_updates()
    assert kept == [ObjectId(app['_id'])]
    assert limits == [3600]


def test_counts_of_many_threads_are_all_told(finished):
    def count_and_read(number):
        counts.record(key(today() if number % 2 else '2026-01-01'))
        answer()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_and_read, range(200)))
    finished('app')
    assert answer()['33000']['extensions']['A']['linux']['amd64'] == 200


def test_counting_is_one_write_by_an_indexed_key(finished):
    counts.record(key('2026-01-01'))
    finished('app')
    with counting() as commands:
        counts.record(key(today()))
    assert commands == ['update slicer_package_download']
    for query in (key(today()), {'app': 'app', 'kind': 'rollup', 'fence': {'$gt': today()}}):
        plan = str(Download().collection.database.command('explain', {
            'update': Download().name, 'updates': [{'q': query, 'u': {'$inc': {'count': 1}}, 'upsert': True}]}))
        assert 'IXSCAN' in plan
        assert 'spm_download' in plan


def test_counts_since_the_rollup_come_from_an_index(db):
    counts.record(key('2026-01-01'))
    counts.record(key(today()))
    keep_up()
    explained = Download().collection.database.command('explain', {
        'aggregate': Download().name, 'pipeline': totals._pipeline('app'), 'cursor': {}}, verbosity='executionStats')
    plan = str(explained)
    assert 'COLLSCAN' not in plan


def count_read_and_add_up(number):
    """Record counts of open and closed days, and check after each that this process sees all of its own."""
    name, days = f'process {number}', ('2026-01-01', '2026-01-02', today())
    for turn in range(1, 91):
        counts.record(key(days[turn % 3], baseName=name, revision=f'r{turn % 4}'))
        if turn % 9 == number:
            rollup.keep_up('app', timedelta(seconds=1))
        found = answer()
        assert sum(one['extensions'].get(name, {}).get('linux', {}).get('amd64', 0) for one in found.values()) == turn


@pytest.mark.process
def test_sums_are_exact_while_several_processes_count_and_add_up(db):
    with ProcessPoolExecutor(4, multiprocessing.get_context('spawn')) as pool:
        list(pool.map(count_read_and_add_up, range(4)))
    found = answer()
    assert found == of_details()
    assert sum(one['linux']['amd64'] for of in found.values() for one in of['extensions'].values()) == 4 * 90
    keep_up()
    assert answer() == found
    assert rollup.wrong('app') == []
