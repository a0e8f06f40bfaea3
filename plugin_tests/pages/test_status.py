"""The pages about missing extensions, the badge, and the feed."""
from datetime import datetime, timedelta, timezone
from xml.etree import ElementTree as ET

import feedparser
import pytest

from slicer_package_manager.pages.badges import badge

pytestmark = pytest.mark.database

NAME = 'A & <B>'


@pytest.fixture
def builds(make, db, app):
    """Two builds for Linux and Windows, of which the newer one for Linux lacks one of two expected extensions."""
    from bson.objectid import ObjectId

    from slicer_package_manager.registry.expected import store
    store.replace({'_id': ObjectId(app['_id'])}, 'main', [
        {'name': name, 'category': '', 'tier': 1, 'repository_url': ''} for name in (NAME, 'Other')])
    both = (NAME, 'Other')
    for revision, os, names in (('1', 'linux', both), ('2', 'linux', ('Other',)), ('2', 'win', both)):
        make('package', revision=revision, os=os, version='5.11.0-2026-11-01', content=b'x')
        for name in names:
            make('extension', baseName=name, app_revision=revision, os=os, content=b'x')
    db.item.update_many({}, {'$set': {'created': datetime.now(timezone.utc) - timedelta(days=1)}})


@pytest.fixture
def get(anonymous, app, builds):
    def send(path, status=200, **headers):
        answer = anonymous.get(f'http://testserver/{path}', headers=headers)
        assert answer.status_code == status, answer.text
        return answer
    return send


def test_the_page_of_all_has_the_names_of_what_each_build_lacks(get):
    text = get('status').text
    assert '<h3>Linux, 64-bit: 1 of 2</h3>' in text
    assert '<h3>Windows, 64-bit: 2 of 2</h3>' in text
    assert 'A &amp; &lt;B&gt;</a> <span class="muted small">since r2, last built for r1</span>' in text
    assert text.count('since r') == 1
    assert 'type="application/atom+xml"' in text


def test_an_extension_has_a_page(get):
    text = get('status/A%20%26%20%3CB%3E').text
    assert '<h2 id="now">Missing</h2>' in text
    assert 'Linux, 64-bit, branch main: missing in r2, since r2 of <time' in text
    assert 'The last build that has it is r1.' in text
    assert '[![A &amp; &lt;B&gt;](http://testserver/status/A%20%26%20%3CB%3E.svg?app=' in text
    assert '<h2 id="now">Available</h2>' in get('status/Other').text
    assert 'extension &#34;Unknown&#34;' in get('status/Unknown', 404).text


def badge_text(answer):
    root = ET.fromstring(answer.content)
    return root.get('aria-label')


def test_a_badge_has_the_state(get):
    answer = get('status/A%20%26%20%3CB%3E.svg')
    assert badge_text(answer) == 'Slicer: missing on Linux'
    assert answer.headers['Content-Type'] == 'image/svg+xml'
    assert answer.headers['Content-Security-Policy'] == "default-src 'none'"
    assert answer.headers['Cache-Control'] == 'public, max-age=300'
    again = get('status/A%20%26%20%3CB%3E.svg', 304, **{'If-None-Match': answer.headers['ETag']})
    assert again.content == b''
    assert badge_text(get('status/Other.svg')) == 'Slicer: available'
    assert badge_text(get('status/Other.svg?branch=main')) == 'Slicer main: available'
    assert badge_text(get('status/Other.svg?branch=5.8')) == 'Slicer: not expected'
    assert badge_text(get('status/Unknown.svg')) == 'Slicer: not expected'


@pytest.mark.parametrize(('names', 'state'), [
    (['Other'], 'available'), (['Else'], 'still being built on Linux'), ([], 'no builds yet')])
def test_a_badge_states_what_is_known_of_a_branch_without_a_finished_build(get, make, app, names, state):
    from bson.objectid import ObjectId

    from slicer_package_manager.registry.expected import store
    store.replace({'_id': ObjectId(app['_id'])}, '5.8', [
        {'name': 'Other', 'category': '', 'tier': 1, 'repository_url': ''}])
    if names:
        make('package', revision='9', version='5.8.1', content=b'x')
    for name in names:
        make('extension', baseName=name, app_revision='9', content=b'x')
    assert badge_text(get('status/Other.svg?branch=5.8')) == f'Slicer 5.8: {state}'
    text = get('status/Other').text
    assert f'<h2 id="now">{"Still being built" if names == ["Else"] else "Available"}</h2>' in text
    assert ('extensions are still being added to r9' in text) is (names == ['Else'])


def test_a_badge_is_xml_whatever_its_texts_are():
    drawn = badge('a & <b> "c"', "it's", '#123456')
    root = ET.fromstring(drawn)
    assert root.get('aria-label') == 'a & <b> "c": it\'s'
    assert [one.text for one in root.iter('{http://www.w3.org/2000/svg}text')] == ['a & <b> "c"', "it's"]
    assert [one.get('fill') for one in root.iter('{http://www.w3.org/2000/svg}rect')] == [None, '#424a53', '#123456']


@pytest.mark.parametrize('path', ['feeds/missing', 'feeds/missing/A%20%26%20%3CB%3E'])
def test_a_feed_has_what_is_missing(get, path):
    found = feedparser.parse(get(f'{path}.atom').content)
    assert not found.bozo
    entry, = found.entries
    assert entry.title == 'A & <B> is missing since Slicer r2'
    assert entry.content[0].value == '<ul><li>Linux, 64-bit: last built for r1</li></ul>'
    assert entry.link.startswith('http://testserver/status/A%20%26%20%3CB%3E?app=')


def test_a_feed_of_one_extension_needs_an_extension_that_is_expected(get):
    assert feedparser.parse(get('feeds/missing/Other.atom').content).entries == []
    get('feeds/missing/Unknown.atom', 404)


def test_what_is_repaired_leaves_the_feed_and_the_page(get, make):
    assert 'Missing</h2>' in get('status/A%20%26%20%3CB%3E').text
    make('extension', baseName=NAME, app_revision='2', content=b'x')
    assert 'Available</h2>' in get('status/A%20%26%20%3CB%3E').text
    assert badge_text(get('status/A%20%26%20%3CB%3E.svg')) == 'Slicer: available'
    assert feedparser.parse(get('feeds/missing.atom').content).entries == []


def test_a_private_application_has_no_status(get, api, app):
    api.put(f'/folder/{app["_id"]}/access', params={'access': '{}', 'public': False}).raise_for_status()
    for path in ('status', 'status/Other', 'status/Other.svg'):
        get(f'{path}?app={app["_id"]}', 403)


def test_without_an_index_the_page_says_what_to_do(anonymous, app):
    assert 'slicer-package-manager expected sync' in anonymous.get('http://testserver/status').raise_for_status().text
