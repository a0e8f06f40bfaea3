import json

import pytest

from plugin_tests.roundtrips import counting
from slicer_package_manager.registry.downloads import model, totals
from slicer_package_manager.registry.downloads.model import Download

pytestmark = pytest.mark.database

APP = {'_id': 'app'}
THING = {'app': 'app', 'kind': 'extension', 'revision': '33000', 'baseName': 'A', 'os': 'linux', 'arch': 'amd64',
         'release': ''}


@pytest.fixture(autouse=True)
def nothing_kept(db, monkeypatch):
    """As in a process that was just started."""
    monkeypatch.setattr(totals, '_kept', {})


def count(day, **values):
    Download().collection.update_one({**THING, **values, 'day': day}, model._ONE_MORE, upsert=True)


def today():
    return model.first_open_day()


def answer(*hidden):
    return json.loads(totals.as_json(APP, hidden))


def test_past_and_present_add_up():
    for day in ('2026-01-01', '2026-01-02', today(), today(), '2999-01-01'):
        count(day)
    assert answer() == {'33000': {'extensions': {'A': {'linux': {'amd64': 5}}}}}


def test_a_download_shows_in_the_next_answer():
    count('2026-01-01')
    count('2026-01-01', revision='33001', kind='package')
    assert answer()['33001'] == {'applications': {'linux': {'amd64': 1}}}
    count(today(), revision='33001', kind='package')
    count(today(), revision='33001', kind='package', os='win')
    count(today(), revision='33002')
    assert answer() == {
        '33000': {'extensions': {'A': {'linux': {'amd64': 1}}}},
        '33001': {'applications': {'linux': {'amd64': 2}, 'win': {'amd64': 1}}},
        '33002': {'extensions': {'A': {'linux': {'amd64': 1}}}}}


def test_all_are_added_up_once_and_what_changes_is_one_query():
    count('2026-01-01')
    answer()
    for _ in range(3):
        count(today())
        with counting() as commands:
            answer()
        assert commands == ['find slicer_package_download']


def test_a_late_count_for_a_day_that_is_over_shows_in_the_next_answer():
    count('2026-01-01')
    answer()
    for number in (2, 3):
        model.record({**THING, 'day': '2026-01-01'})  # as another process does
        assert answer()['33000']['extensions']['A']['linux']['amd64'] == number


def test_a_day_that_ends_becomes_the_past(monkeypatch):
    count('2026-01-01')
    count('2026-01-02', baseName='B')
    for day in ('2026-01-01', '2026-01-02', '2026-01-03', '2026-01-02'):  # a clock may be set back, too
        monkeypatch.setattr(totals, 'first_open_day', lambda day=day: day)
        assert answer() == {'33000': {'extensions': {
            'A': {'linux': {'amd64': 1}}, 'B': {'linux': {'amd64': 1}}}}}


def test_hidden_revisions_are_left_out_of_past_and_present():
    for day in ('2026-01-01', today()):
        for revision in ('33000', '33001'):
            count(day, revision=revision)
    assert set(answer('33000')) == {'33001'}
    assert set(answer()) == {'33000', '33001'}


def test_what_has_changed_is_found_by_an_index_and_told_once():
    for number in range(3):
        count(today(), baseName=f'B{number}')
        for _ in range(2):
            assert sum(one['linux']['amd64'] for one in answer()['33000']['extensions'].values()) == number + 1
    plan = Download().collection.find({'app': 'app', 'changed': {'$gte': totals.Timestamp(2**31, 0)}}).explain()
    assert 'spm_download_changed' in str(plan['queryPlanner']['winningPlan'])


def test_who_has_read_earlier_may_come_later():
    count(today())
    answer()
    early = totals._kept['app'].changes('app')
    count(today())
    assert answer()['33000']['extensions']['A']['linux']['amd64'] == 2
    totals._kept['app'].take(early, today())
    assert answer()['33000']['extensions']['A']['linux']['amd64'] == 2


def test_counts_of_many_threads_are_all_told():
    from concurrent.futures import ThreadPoolExecutor
    key = {**THING, 'day': today()}

    def count_and_read(_):
        model.record(key)
        answer()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_and_read, range(200)))
    assert answer()['33000']['extensions']['A']['linux']['amd64'] == 200


def test_the_same_counts_make_the_same_text():
    for name in 'BAC':
        count(today(), baseName=name, revision=name)
    text = totals.as_json(APP)
    totals._kept.clear()
    assert totals.as_json(APP) == text


def test_counting_is_one_write_by_an_indexed_key():
    key = {**THING, 'day': today()}
    with counting() as commands:
        model.record(key)
    assert commands == ['update slicer_package_download']
    plan = str(Download().collection.database.command('explain', {
        'update': Download().name, 'updates': [{'q': key, 'u': {'$inc': {'count': 1}}, 'upsert': True}]}))
    assert 'IXSCAN' in plan
    assert 'spm_download' in plan


def test_many_more_applications_than_are_kept_are_answered(monkeypatch):
    monkeypatch.setattr(totals, '_MOST', 2)
    for number in range(5):
        count('2026-01-01', app=number)
        assert json.loads(totals.as_json({'_id': number})) == {'33000': {'extensions': {'A': {'linux': {'amd64': 1}}}}}
    assert len(totals._kept) <= 2
