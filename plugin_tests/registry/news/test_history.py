"""What is new and what has changed is recorded once, from what everyone may see."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from plugin_tests.waiting import PATIENCE

pytestmark = pytest.mark.database


@pytest.fixture
def history(wsgi_app, db):
    from slicer_package_manager.registry.news import history
    return history


@pytest.fixture
def recorded(history, db):
    """All events, after an observation: kind, name and revision, in the order in which they were first seen."""
    def events():
        history.observe()
        return [(one['kind'], one['baseName'], one['revision'])
                for one in db.slicer_package_event.find().sort([('since', 1), ('_id', 1)])]
    return events


def test_the_first_revision_is_new_and_others_are_changes(recorded, make):
    make('extension', revision='a1', content=b'1')
    make('extension', revision='a1', os='win', content=b'1')
    assert recorded() == [('new', 'SlicerIGT', 'a1')]
    make('extension', revision='b2', app_revision='33001', content=b'2')
    make('extension', baseName='Other', content=b'3')
    assert recorded() == [('new', 'SlicerIGT', 'a1'), ('changed', 'SlicerIGT', 'b2'), ('new', 'Other', 'ab12cd3')]


def test_what_an_older_server_has_left_is_recorded_by_its_dates(recorded, make, db):
    for day, revision in ((3, 'c'), (1, 'a'), (2, 'b')):
        item = make('extension', revision=revision, app_revision=f'3300{day}', content=b'x')
        db.item.update_one({'name': item['name']}, {'$set': {'updated': f'2026-11-0{day}'}})
    assert recorded() == [('new', 'SlicerIGT', 'a'), ('changed', 'SlicerIGT', 'b'), ('changed', 'SlicerIGT', 'c')]


def test_a_deleted_extension_is_not_new_again(recorded, make, api, app):
    item = make('extension', content=b'1')
    assert recorded() == [('new', 'SlicerIGT', 'ab12cd3')]
    api.delete(f'/app/{app["_id"]}/extension/{item["_id"]}').raise_for_status()
    make('extension', app_revision='33001', content=b'2')
    assert recorded() == [('new', 'SlicerIGT', 'ab12cd3')]


def test_what_is_private_or_without_a_file_is_not_recorded(recorded, make, api, app):
    release = api.post(f'/app/{app["_id"]}/release', params={
        'name': '5.9', 'app_revision': '34000', 'public': False}).raise_for_status().json()
    make('extension', baseName='Secret', app_revision='34000', content=b'x')
    make('extension', baseName='Waiting')
    assert recorded() == []
    api.put(f'/folder/{release["_id"]}/access', params={
        'access': '{}', 'public': True, 'recurse': True}).raise_for_status()
    assert recorded() == [('new', 'Secret', 'ab12cd3')]


def test_an_application_that_is_private_has_no_news(recorded, make, api, app):
    make('extension', content=b'x')
    api.put(f'/folder/{app["_id"]}/access', params={'access': '{}', 'public': False}).raise_for_status()
    assert recorded() == []


def test_processes_that_observe_at_the_same_time_record_each_event_once(recorded, history, make, monkeypatch):
    for number in range(3):
        make('extension', baseName=f'E{number}', content=b'x')
    monkeypatch.setattr(history.data_version, 'version', object)  # which is another one each time
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(history.observe) for _ in range(8)]:
            future.result(PATIENCE)
    assert recorded() == [('new', f'E{number}', 'ab12cd3') for number in range(3)]


def test_two_first_revisions_that_are_found_at_the_same_time_are_one_extension(history, db, app):
    from datetime import datetime, timezone
    event = {'app': app['_id'], 'baseName': 'SlicerIGT', 'since': datetime.now(timezone.utc)}
    history._insert([{**event, 'kind': 'new', 'revision': 'a'}])
    history._insert([{**event, 'kind': 'new', 'revision': 'b'}, {**event, 'kind': 'changed', 'revision': 'c'}])
    assert {(one['kind'], one['revision']) for one in db.slicer_package_event.find()} == {
        ('new', 'a'), ('changed', 'c')}


def test_nothing_is_read_while_nothing_has_changed(history, make):
    from plugin_tests.roundtrips import counting
    make('extension', content=b'x')
    history.observe()
    history.observe()
    with counting() as trips:
        history.observe()
    assert trips == ['find slicer_package_change']
