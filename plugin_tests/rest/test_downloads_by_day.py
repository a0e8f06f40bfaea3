"""Downloads by day that are known in memory are those of the counts, whatever is counted, settled or removed."""
import random
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from bson.objectid import ObjectId

pytestmark = pytest.mark.database

REVISIONS = ('33000', '33001', '33002')


@pytest.fixture
def counted(app):
    """Days of extensions with their downloads: as they are read, and from all counts."""
    from slicer_package_manager.registry.downloads import by_day, sealing
    from slicer_package_manager.registry.downloads.counts import Download

    def check(user, since):
        of = {'_id': ObjectId(app['_id'])}
        hidden, sealed = sealing.visible_counts(of, user)
        found = by_day.read([of['_id'], *sealed], hidden, since)
        wanted = {}
        for one in Download().collection.find({'app': {'$in': [of['_id'], *sealed]}, 'kind': 'extension'}):
            if one['day'] >= since and one['revision'] not in hidden:
                wanted.setdefault(one['day'], Counter())[one['baseName']] += one['count']
        assert {day: +Counter(numbers) for day, numbers in found.items() if +Counter(numbers)} == wanted
    return check


@pytest.fixture
def change(api, app, make):
    """Change something about counts, at random."""
    from girder.models.folder import Folder

    from slicer_package_manager.registry.downloads import counts, rollup
    today, quiet = datetime.now(timezone.utc), rollup.Quiet()
    days = [f'{today - timedelta(days=number):%Y-%m-%d}' for number in range(6)]

    def count(chance):
        key = {'app': ObjectId(app['_id']), 'kind': chance.choice(['extension', 'package']),
               'revision': chance.choice(REVISIONS), 'baseName': chance.choice('PQRS'), 'os': 'linux',
               'arch': chance.choice(['amd64', 'arm64']), 'release': '', 'day': chance.choice([*days, counts.UNDATED])}
        if chance.random() < 0.1:
            counts.raise_to([(key, 50)])
        else:
            counts.record_all([(key, chance.randrange(1, 9))], counts.Turn(f'{ObjectId()}', 1))

    def hide_or_delete(chance):
        for draft in chance.sample(list(Folder().find({'spm.role': 'revision'})), 1):
            if chance.random() < 0.2:
                api.delete(f'/folder/{draft["_id"]}').raise_for_status()
                make('extension', app_revision=draft['spm']['revision'])
            else:
                Folder().setPublic(draft, chance.random() < 0.5, save=True)

    def remove(_chance):
        for one in counts.Download().collection.find({'kind': 'extension'}).limit(1):
            rollup.remove({key: one[key] for key in counts.CountKey.__annotations__})

    def settle(chance):
        chance.choice([rollup.keep_up, quiet.settle])()
    for revision in REVISIONS:
        make('extension', app_revision=revision)
    return lambda chance: chance.choice([count, count, count, count, settle, hide_or_delete, remove])(chance)


@pytest.mark.parametrize('seed', range(3))
def test_they_are_those_of_a_plain_count_after_random_changes(admin, make_user, change, counted, seed):
    chance, users = random.Random(seed), [None, make_user('reader'), admin]
    for _ in range(60):
        change(chance)
        day = datetime.now(timezone.utc) - timedelta(days=chance.randrange(6))
        for user in users:
            counted(user, f'{day:%Y-%m-%d}')


def test_days_that_have_not_changed_are_not_read_again(app, make, counted, monkeypatch):
    from slicer_package_manager.registry.downloads import by_day, counts, rollup
    days = [f'{datetime.now(timezone.utc) - timedelta(days=number):%Y-%m-%d}' for number in (5, 6)]
    keys = [{'app': ObjectId(app['_id']), 'kind': 'extension', 'revision': '33000', 'baseName': 'A', 'os': 'linux',
             'arch': 'amd64', 'release': '', 'day': day} for day in days]
    counts.record_all([(key, 3) for key in keys], counts.Turn('one', 1))
    rollup.keep_up()
    counted(None, days[1])
    read, conditions = by_day._read_days, []
    monkeypatch.setattr(by_day, '_read_days', lambda some: conditions.extend(some) or read(some))
    counted(None, days[1])
    assert conditions == []
    counts.record_all([(keys[0], 1)], counts.Turn('one', 2))
    counted(None, days[1])
    assert conditions == []
    rollup.keep_up()
    counted(None, days[1])
    assert [one['day'] for one in conditions] == [{'$in': [days[0]]}]


def test_a_request_in_an_older_snapshot_does_not_get_what_a_later_one_has_read(app):
    from concurrent.futures import ThreadPoolExecutor

    from plugin_tests.waiting import PATIENCE
    from slicer_package_manager.registry.downloads import by_day, counts, rollup
    from slicer_package_manager.registry.server import transactions
    day = f'{datetime.now(timezone.utc) - timedelta(days=5):%Y-%m-%d}'
    key = {'app': ObjectId(app['_id']), 'kind': 'extension', 'revision': '33000', 'baseName': 'A', 'os': 'linux',
           'arch': 'amd64', 'release': '', 'day': day}

    def read():
        return {day: dict(numbers) for day, numbers in by_day.read([key['app']], [], day).items()}

    def later():
        counts.record_all([(key, 1)], counts.Turn(f'{ObjectId()}', 1))
        rollup.keep_up()
        return read()

    def older():
        before = read()
        with ThreadPoolExecutor(1) as pool:
            after = pool.submit(later).result(PATIENCE)
        return before, after, read()
    for number in (1, 2, 3):
        before, after, again = transactions.run(older)
        assert before == again
        assert read() == after != before, number
