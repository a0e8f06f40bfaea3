"""Which extensions are new, or have changed lately, for the words that cards show."""
from datetime import datetime, timedelta, timezone

import pytest
from bson.objectid import ObjectId

pytestmark = pytest.mark.database


@pytest.fixture
def recent(app, db):
    """What is new or has changed; the first extension was seen 90 days ago."""
    def read(*, ages=(), began=90):
        from girder.models.folder import Folder

        from slicer_package_manager.registry.news import history
        from slicer_package_manager.registry.news import recent as news
        history.observe()
        events = db['slicer_package_event']
        events.update_one({'baseName': 'First'}, {'$set': {'since': _before(began)}})
        for name, kind, days in ages:
            events.update_many({'baseName': name, 'kind': kind}, {'$set': {'since': _before(days)}})
        return news.of_extensions(Folder().load(ObjectId(app['_id']), force=True), None)
    return read


def _before(days):
    return datetime.now(timezone.utc) - timedelta(days=days)


@pytest.fixture
def first(make):
    return make('extension', baseName='First', content=b'x')


def test_what_was_seen_first_in_the_last_month_is_new(first, make, recent):
    for name in ('Young', 'Month', 'Old'):
        make('extension', baseName=name, content=b'x')
    assert recent(ages=[('Month', 'new', 29), ('Old', 'new', 31)]) == {'Young': 'new', 'Month': 'new'}


def test_what_has_another_revision_since_two_weeks_has_changed(first, make, recent):
    for name in ('Lately', 'Before'):
        make('extension', baseName=name, content=b'x')
    ages = [(name, 'new', 60) for name in ('Lately', 'Before')]
    assert recent(ages=ages) == {}
    for name in ('Lately', 'Before'):
        make('extension', baseName=name, revision='fe98', app_revision='33001', content=b'x')
    assert recent(ages=[*ages, ('Before', 'changed', 15)]) == {'Lately': 'changed'}


def test_what_is_new_and_has_changed_is_new(first, make, recent):
    make('extension', baseName='Young', content=b'x')
    recent()
    make('extension', baseName='Young', revision='fe98', app_revision='33001', content=b'x')
    assert recent() == {'Young': 'new'}


def test_nothing_is_new_where_everything_is(first, make, recent):
    make('extension', baseName='Young', content=b'x')
    assert recent(began=29) == {}
    assert recent(began=31) == {'Young': 'new'}


def test_a_revision_that_nobody_sees_any_more_is_no_change(first, make, recent, api, app):
    make('extension', baseName='A', content=b'x')
    recent(ages=[('A', 'new', 60)])
    changed = make('extension', baseName='A', revision='fe98', app_revision='33001', content=b'x')
    assert recent(ages=[('A', 'new', 60)]) == {'A': 'changed'}
    api.delete(f'/app/{app["_id"]}/extension/{changed["_id"]}').raise_for_status()
    assert recent(ages=[('A', 'new', 60)]) == {}


def test_without_extensions_there_are_no_news(recent):
    assert recent() == {}


def test_cards_and_pages_state_it(first, make, recent, anonymous):
    make('extension', baseName='Young', content=b'x')
    recent()
    text = anonymous.get('http://testserver/catalog/All/33000/linux').raise_for_status().text
    assert text.count('<span class="chip news">New</span>') == 1
    assert '"news":{"Young":"new"}' in text
    assert '<span class="chip news">New</span>' in anonymous.get('http://testserver/extension/Young').text
    assert 'chip news' not in anonymous.get('http://testserver/extension/First').text
