"""Feeds, as feed readers get them."""
import re
from datetime import datetime, timezone

import feedparser
import pytest

from plugin_tests.roundtrips import counting
from slicer_package_manager.pages.feed_formats import Entry, Feed, atom, json_feed

pytestmark = pytest.mark.database

PEOPLE = 'Ada Example (Lab), Ben Sample'
NASTY = 'A & B <b>bold</b> "q" \u00e9\U0001f600'


@pytest.fixture
def get(anonymous, app):
    """The response to a request for a feed, after an observation."""
    def send(path, status=200, *, client=anonymous, **headers):
        from slicer_package_manager.registry.news import history
        history.observe()
        answer = client.get(f'http://testserver/feeds/{path}', headers={'Accept-Encoding': 'identity', **headers})
        assert answer.status_code == status, answer.text
        return answer
    return send


@pytest.fixture
def read(get):
    """A feed as feedparser reads it, which finds no fault in it."""
    def parsed(path):
        answer = get(path)
        found = feedparser.parse(answer.content, response_headers={'content-type': answer.headers['Content-Type']})
        assert not found.bozo, found.bozo_exception
        assert found.version == 'atom10'
        return found
    return parsed


def titles(feed):
    return [one.title for one in feed.entries]


def test_new_and_changed_extensions_have_a_feed_each(read, make):
    make('extension', contributors=PEOPLE, category='IGT', description=NASTY, content=b'1')
    make('extension', baseName='Other', content=b'1')
    make('extension', revision='fe98dc7', app_revision='33001', content=b'2')
    new, changed = read('new.atom'), read('changed.atom')
    assert titles(new) == ['Other is new', 'SlicerIGT is new']
    assert titles(changed) == ['SlicerIGT has changed: revision fe98dc7']
    entry = new.entries[1]
    assert [one.name for one in entry.authors] == ['Ada Example', 'Ben Sample']
    assert [one.term for one in entry.tags] == ['IGT']
    assert entry.content[0].value == 'A &amp; B <b>bold</b> "q" \u00e9\U0001f600'
    assert entry.link.startswith('http://testserver/extension/SlicerIGT?')
    assert 'revision=33000&os=linux' in entry.link
    assert new.entries[0].updated >= entry.updated == entry.published
    assert new.feed.updated == new.entries[0].updated
    assert len({one.id for one in (*new.entries, *changed.entries, new.feed, changed.feed)}) == 5


def test_a_feed_names_its_own_address_and_a_page(read, get, make, app):
    make('extension', content=b'1')
    links = {one.rel: one.href for one in read('new.atom').feed.links}
    assert links == {'self': f'http://testserver/feeds/new.atom?app={app["_id"]}',
                     'alternate': f'http://testserver/catalog?app={app["_id"]}'}
    answer = get('new.json').json()
    assert answer['feed_url'] == links['self'].replace('.atom', '.json')
    assert answer['home_page_url'] == links['alternate']


def test_ids_stay_when_the_server_is_renamed_and_the_build_is_another_one(read, make, api):
    make('extension', content=b'1')
    before = read('new.atom')
    make('extension', app_revision='33001', content=b'1')
    api.put('/system/setting', params={'key': 'core.server_root', 'value': 'https://packages.example.org/p'}
            ).raise_for_status()
    after = read('new.atom')
    assert [one.id for one in (before.feed, *before.entries)] == [one.id for one in (after.feed, *after.entries)]
    assert before.entries[0].id.startswith('urn:uuid:')
    assert after.entries[0].link.startswith('https://packages.example.org/p/extension/SlicerIGT?')


def test_json_feed_has_the_same_entries(get, read, make):
    make('extension', contributors=PEOPLE, category='IGT', description=NASTY, content=b'1')
    answer = get('new.json')
    assert answer.headers['Content-Type'] == 'application/feed+json;charset=utf-8'
    entry, = answer.json()['items']
    of_atom = read('new.atom').entries[0]
    assert answer.json()['version'] == 'https://jsonfeed.org/version/1.1'
    assert (entry['id'], entry['url'], entry['title'], entry['content_html'], entry['date_published']) == (
        of_atom.id, of_atom.link, of_atom.title, of_atom.content[0].value, of_atom.published)
    assert entry['authors'] == [{'name': 'Ada Example'}, {'name': 'Ben Sample'}]
    assert entry['tags'] == ['IGT']


def test_an_extension_has_a_feed_of_its_revisions(read, get, make):
    for number, revision in enumerate(('a1', 'b2', 'c3')):
        make('extension', revision=revision, app_revision=str(33000 + number), content=b'1')
    make('extension', baseName='Other', content=b'1')
    assert titles(read('extension/SlicerIGT.atom')) == [
        'SlicerIGT has changed: revision c3', 'SlicerIGT has changed: revision b2', 'SlicerIGT is new']
    answer = get('extension/Unknown.atom', 404)
    assert 'There is no extension &#34;Unknown&#34;' in answer.text


def test_an_author_has_a_feed_of_all_extensions(read, get, make):
    make('extension', contributors=PEOPLE, content=b'1')
    make('extension', baseName='Other', contributors='ben sample', content=b'1')
    make('extension', baseName='Third', contributors='Ben Sampleton', description='by Ben Sample', content=b'1')
    assert titles(read('author/Ben%20Sample.atom')) == ['Other is new', 'SlicerIGT is new']
    assert titles(read('author/ada%20example.atom')) == ['SlicerIGT is new']
    get('author/Cy%20Model.atom', 404)


def test_names_may_have_any_letter(read, make):
    make('extension', contributors='\u00c9va P\u00e9ter / R.D. Team', content=b'1')
    feed = read('author/%C3%A9va%20P%C3%A9ter%20/%20R.D.%20Team.atom')
    assert titles(feed) == ['SlicerIGT is new']
    self, = (one.href for one in feed.feed.links if one.rel == 'self')
    assert titles(read(self.partition('/feeds/')[2])) == ['SlicerIGT is new']


def test_builds_have_an_entry_for_each_release_and_draft(read, make, api, app):
    api.post(f'/app/{app["_id"]}/release', params={'name': '5.8.1', 'app_revision': '33000'}).raise_for_status()
    package = make('package', content=b'1', build_date='2026-11-01T04:00:00Z')
    make('package', os='win', content=b'1', build_date='2026-11-01T06:00:00Z')
    make('package', revision='33100', version='5.9.0-2026-11-02', content=b'1', build_date='2026-11-02T04:00:00Z')
    found = read('builds.atom')
    assert titles(found) == ['Slicer 5.9.0 preview (r33100)', 'Slicer 5.8.1 (r33000)']
    entry = found.entries[1]
    assert (entry.published, entry.updated) == ('2026-11-01T04:00:00Z', '2026-11-01T06:00:00Z')
    assert f'<a href="http://testserver/bitstream/{package["_id"]}">Linux, 64-bit</a>' in entry.content[0].value
    assert 'Windows, 64-bit' in entry.content[0].value


def test_a_build_that_is_not_ready_is_no_news(read, make, api, app):
    make('package', content=b'1')
    make('package', revision='33100', content=b'1')
    api.put(f'/app/{app["_id"]}/draft/33100/ready', params={'ready': 'false'}).raise_for_status()
    assert titles(read('builds.atom')) == ['Slicer 5.8.0 preview (r33000)']


def test_what_becomes_private_or_is_deleted_leaves_all_feeds(read, get, make, api, app):
    """Also what names an author only in a private build, and also for administrators, whose readers get the same."""
    api.post(f'/app/{app["_id"]}/release', params={
        'name': '5.9', 'app_revision': '34000', 'public': False}).raise_for_status()
    make('extension', content=b'1')
    make('extension', app_revision='34000', revision='5ec7e7', contributors='Secret Agent', content=b'1')
    make('package', revision='34000', content=b'1')
    make('extension', baseName='Hidden', app_revision='33001', contributors='Ada Example', content=b'1')
    assert titles(read('author/Ada%20Example.atom')) == ['Hidden is new']
    draft = api.get(f'/app/{app["_id"]}/draft', params={'revision': '33001'}).json()[0]
    api.put(f'/folder/{draft["_id"]}/access', params={
        'access': '{}', 'public': False, 'recurse': True}).raise_for_status()
    for path in ('new.atom', 'changed.atom', 'builds.atom', 'extension/SlicerIGT.atom'):
        text = get(path, client=api).text
        assert not re.search('5ec7e7|Hidden|34000|Secret', text)
    assert titles(read('new.atom')) == titles(read('extension/SlicerIGT.atom')) == ['SlicerIGT is new']
    for path in ('author/Secret%20Agent.atom', 'author/Ada%20Example.atom', 'extension/Hidden.atom'):
        get(path, 404)


def test_a_private_application_and_a_closed_server_have_no_feeds(get, make, api, app):
    make('extension', content=b'1')
    api.put('/system/setting', params={'key': 'core.disable_anonymous_access', 'value': 'true'}).raise_for_status()
    get('new.atom', 401)
    api.put('/system/setting', params={'key': 'core.disable_anonymous_access', 'value': 'false'}).raise_for_status()
    api.put(f'/folder/{app["_id"]}/access', params={'access': '{}', 'public': False}).raise_for_status()
    get(f'new.atom?app={app["_id"]}', 403)


def test_a_reader_that_has_the_feed_gets_304(get, make):
    make('extension', content=b'1')
    first = get('new.atom')
    for header, value in (('If-None-Match', first.headers['ETag']),
                          ('If-Modified-Since', first.headers['Last-Modified'])):
        again = get('new.atom', 304, **{header: value})
        assert (again.content, again.headers['ETag']) == (b'', first.headers['ETag'])
    small = get('new.atom', **{'Accept-Encoding': 'gzip'})
    assert small.headers['ETag'] != first.headers['ETag']
    assert (small.headers['Content-Encoding'], small.text) == ('gzip', first.text)
    make('extension', baseName='Other', content=b'1')
    assert get('new.atom', **{'If-None-Match': first.headers['ETag']}).headers['ETag'] != first.headers['ETag']


@pytest.mark.parametrize('path', ['', 'new', 'new.rss', 'unknown.atom', 'author/.atom', 'new/x.atom', '.atom'])
def test_other_addresses_do_not_exist(get, path):
    assert '/feeds/builds.atom' in get(path, 404).text


def test_an_empty_feed_is_valid(read):
    for path in ('new.atom', 'changed.atom', 'builds.atom'):
        assert read(path).entries == []


def test_a_feed_costs_a_fixed_number_of_round_trips(get, make, app):
    def trips(path):
        for _ in range(2):  # what the first observation writes, the second one reads
            get(f'{path}.atom?app={app["_id"]}')
        found = []
        for extension in ('json', 'json'):
            with counting() as commands:
                get(f'{path}.{extension}?app={app["_id"]}')
            found.append(len(commands) - 1)  # without that of the observation
        return tuple(found)
    for number in range(2):
        make('extension', baseName=f'E{number}', contributors=PEOPLE, content=b'1')
    made_and_cached = {'new': (8, 3), 'builds': (8, 3), 'author/Ada%20Example': (10, 3)}
    assert {path: trips(path) for path in made_and_cached} == made_and_cached
    for number in range(2, 20):
        make('extension', baseName=f'E{number}', contributors=PEOPLE, content=b'1')
    assert {path: trips(path) for path in made_and_cached} == made_and_cached


def test_pages_lead_feed_readers_to_the_feeds(anonymous, app, read):
    for page in ('catalog', 'download'):
        text = anonymous.get(f'http://testserver/{page}').raise_for_status().text
        found = re.findall(r'<link rel="alternate" type="application/(atom\+xml|feed\+json)" title="[^"]+" '
                           r'href="\./feeds/([^"]+)">', text)
        assert len(found) == 6
        for media_type, path in found:
            answer = anonymous.get(f'http://testserver/feeds/{path}').raise_for_status()
            assert media_type in answer.headers['Content-Type']


def test_characters_that_xml_cannot_write_are_left_out():
    moment = datetime(2026, 11, 1, tzinfo=timezone.utc)
    entry = Entry('urn:uuid:1', 'a\x00\x0b\ufffe&<>]]>', 'https://example.org/?a=1&b="2"', moment, moment,
                  '<p>\x01x</p>', ['A\x02 & B'], ['t"\x03'])
    feed = Feed('urn:uuid:2', 'T', 'A', ('https://example.org/feeds/new', '?app=1'), 'https://example.org', moment,
                [entry])
    found = feedparser.parse(atom(feed))
    assert not found.bozo
    one, = found.entries
    assert (one.title, one.link, one.author, one.tags[0].term) == (
        'a&<>]]>', 'https://example.org/?a=1&b="2"', 'A & B', 't"')
    assert b'"title":"a' in json_feed(feed)
