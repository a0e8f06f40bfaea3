"""The clock of the server is set while it serves."""
import time
from datetime import datetime, timedelta

import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

DAY = timedelta(days=1)


@pytest.fixture
def clock(db, monkeypatch):
    """Set the clock of the server forward or back, or let time pass."""
    from slicer_package_manager.registry.schema import fields
    from slicer_package_manager.registry.server import clock as server_clock

    class Machine:
        ahead, passed = timedelta(), 0.0

        def set(self, by):
            self.ahead += by

        def wait(self, seconds):
            self.passed += seconds
            self.ahead += timedelta(seconds=seconds)

    machine = Machine()
    wall, steady = time.time, time.monotonic

    class Now(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + machine.ahead
    for module in (server_clock, fields):
        monkeypatch.setattr(module, 'datetime', Now)
    monkeypatch.setattr(time, 'time', lambda: wall() + machine.ahead.total_seconds())
    monkeypatch.setattr(time, 'monotonic', lambda: steady() + machine.passed)
    monkeypatch.setattr(server_clock.CLOCK, '_ahead', wall() - steady())
    monkeypatch.setattr(server_clock.CLOCK, '_set_at', None)
    return machine


@pytest.fixture
def counts(anonymous, app):
    """The number of counted downloads, from the totals and from the rows of all days."""
    def total(stats):
        return sum(map(total, stats.values())) if isinstance(stats, dict) else stats

    def get():
        path = f'/app/{app["_id"]}/downloadstats'
        rows = anonymous.get(path, params={'limit': 0}).raise_for_status().json()
        return total(anonymous.get(path).raise_for_status().json()), sum(row['count'] for row in rows)
    return get


@pytest.mark.parametrize('jumps', [(DAY, -DAY, -DAY, DAY), (-DAY, 2 * DAY, -3 * DAY, 40 * DAY)])
def test_counts_are_neither_lost_nor_doubled(make, anonymous, counts, clock, jumps):
    item = make('package', content=b'content')
    done = 0
    for jump in (timedelta(), *jumps):
        clock.set(jump)
        for _ in range(3):
            anonymous.get(f'/item/{item["_id"]}/download').raise_for_status()
            done += 1
            assert counts() == (done, done)


@pytest.mark.parametrize('jump', [DAY, -DAY])
def test_lists_show_what_was_written_after_it(make, api, anonymous, app, clock, jump):
    path = f'/app/{app["_id"]}/extension'
    first = make('extension', baseName='First', content=b'1')
    tag = anonymous.get(path).headers['ETag']
    clock.set(jump)
    assert anonymous.get(path, headers={'If-None-Match': tag}).status_code == 304
    api.put(f'/item/{first["_id"]}/metadata', json={'keywords': 'changed'}).raise_for_status()
    make('extension', baseName='Second', content=b'2')
    answer = anonymous.get(path, headers={'If-None-Match': tag})
    assert {one['meta']['baseName']: one['meta'].get('keywords') for one in answer.json()} == {
        'First': 'changed', 'Second': None}


@pytest.mark.parametrize('jump', [DAY, -DAY])
def test_a_file_that_is_replaced_after_it_is_sent_anew(make, api, anonymous, clock, jump):
    item = make('package', content=b'old')
    tag = anonymous.get(f'/item/{item["_id"]}/download').headers['ETag']
    clock.set(jump)
    upload(api, item['_id'], b'new')
    answer = anonymous.get(f'/item/{item["_id"]}/download', headers={'If-None-Match': tag})
    assert (answer.status_code, answer.content) == (200, b'new')


def test_a_replaced_file_stays_for_its_time_and_goes_then(make, api, anonymous, clock, db):
    from slicer_package_manager.registry.storage import file_removal
    item = make('package', content=b'old')
    (old,) = anonymous.get(f'/item/{item["_id"]}/files').json()
    upload(api, item['_id'], b'new')
    for step in ('set', 'wait'):
        if step == 'set':
            clock.set(DAY)
        else:
            clock.wait(500)  # less than the time for which it can still be fetched
        file_removal.sweep()
        assert anonymous.get(f'/file/{old["_id"]}/download').content == b'old'
    clock.wait(200)
    file_removal.sweep()
    assert db.file.find_one({'name': old['name'], 'sha512': old['sha512']}) is None


def test_an_upload_that_goes_on_is_not_given_up(make, api, clock, db):
    from slicer_package_manager.registry.storage import uploads
    item = make('package')
    begun = api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'a.zip',
                                      'size': 10}).raise_for_status().json()['_id']
    clock.set(30 * DAY)
    assert uploads.cancel_abandoned() == 0
    api.post('/file/chunk', params={'uploadId': begun, 'offset': 0}, content=bytes(10),
             headers={'Content-Type': 'application/octet-stream'}).raise_for_status()
    assert api.get(f'/item/{item["_id"]}/download').content == bytes(10)
