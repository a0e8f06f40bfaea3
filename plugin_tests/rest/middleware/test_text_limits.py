"""Limits for searches: the length of texts, the time, and the error beyond them."""
import threading
import time

import pymongo
import pytest
from bson.objectid import ObjectId
from pymongo.monitoring import CommandListener

from plugin_tests.conftest import EXTENSION_FORM
from plugin_tests.waiting import PATIENCE, poll
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.server import database_outage
from slicer_package_manager.rest.middleware import text_limits

pytestmark = pytest.mark.database

WORDS = ' '.join(f'word{number}' for number in range(17))
TOO_MUCH = {
    '256 characters': 'x' * 256, '17 words': WORDS, '17 short words': 'a b c d e f g h i j k l m n o p q',
    'many words': 'ab ' * 200, 'one long word': 'y' * 60_000, 'thousands of words': 'a ' * 10_000,
    'tabs and breaks': '\t'.join(map(str, range(17))), 'wide spaces': '\u2003'.join(map(str, range(17))),
    'of two bytes': 'ä' * 256}
ENOUGH = {'255 characters': 'x' * 255, '16 words': WORDS.rpartition(' ')[0], 'one word often': 'Word word ' * 25,
          'of two bytes': 'ä' * 255, 'spaces': ' ' * 255}
SEARCHES = [('/app/APP/extension', 'q'), ('/app', 'text'), ('/collection', 'text'), ('/item', 'text'),
            ('/folder', 'text'), ('/group', 'text'), ('/user', 'text'), ('/resource/search', 'q')]


@pytest.fixture
def get(api, anonymous, app):
    """Make a request as an anonymous client, or as a user if anonymous clients may not."""
    def ask(call, **params):
        client = api if call == '/user' else anonymous
        more = {'types': '["item", "folder", "collection", "user", "group"]'} if call == '/resource/search' else {}
        return client.get(call.replace('APP', app['_id']), params={**more, **params})
    return ask


@pytest.mark.parametrize(('path', 'name'), SEARCHES)
def test_a_search_beyond_the_bounds_is_refused(get, path, name):
    for what, text in TOO_MUCH.items():
        answer = get(path, **{name: text})
        assert (answer.status_code, what) == (400, what), answer.text
        assert answer.json()['field'] == name
        assert name in answer.json()['message']
        assert 'Retry-After' not in answer.headers


@pytest.mark.parametrize(('path', 'name'), SEARCHES)
def test_a_search_within_the_bounds_is_answered(get, path, name):
    for text in ENOUGH.values():
        assert get(path, **{name: text}).status_code == 200


@pytest.mark.parametrize('mode', ['prefix', 'text'])
def test_each_mode_of_girders_search_is_bounded(get, mode):
    assert get('/resource/search', q='x' * 256, mode=mode).status_code == 400


def test_a_search_in_a_form_of_a_read_and_in_several_parts_is_bounded(anonymous, app):
    for query in ([('q', 'a'), ('q', 'x' * 256)], [('q', 'x' * 256), ('q', 'a')]):
        assert anonymous.get(f'/app/{app["_id"]}/extension', params=query).status_code == 400
    assert anonymous.head(f'/app/{app["_id"]}/extension', params={'q': 'x' * 256}).status_code in (400, 405)


@pytest.mark.parametrize(('path', 'name', 'longest'), [
    ('/app/APP/extension', 'baseName', 4096), ('/app/APP/extension', 'app_revision', 4096),
    ('/app/APP/extension', 'extension_name', 4096), ('/app/APP/package', 'package_name', 4096),
    ('/app/APP/package', 'version', 4096), ('/app/APP/package', 'revision', 4096),
    ('/app/APP/package', 'release_id_or_name', 4096), ('/app', 'name', 4096), ('/collection', 'unknown', 4096),
    ('/app/APP/extension', 'release_id', 4096), ('/resource/lookup', 'path', 4096), ('/item', 'name', 4096)])
def test_other_texts_are_bounded_too(get, path, name, longest):
    within, beyond = (get(path, **{name: 'x' * length}) for length in (longest, longest + 1))
    assert within.status_code in (200, 400, 404)
    assert 'longer' not in within.text
    assert (beyond.status_code, 'longer' in beyond.json()['message']) == (400, True)


def test_the_webclient_may_ask_for_many_ids(api):
    ids = [str(ObjectId()) for _ in range(500)]
    answer = api.get('/resource/download', params={'resources': f'{{"item": {ids}}}'.replace("'", '"')})
    assert 'longer' not in answer.text


def fill(db, app, number, description):
    """So many extensions in one release, each with a text of its own."""
    extension = db['item'].find_one({'spm.kind': 'extension'})
    db['item'].insert_many([{
        **extension, '_id': ObjectId(), 'name': str(one), 'spm': {
            **extension['spm'], 'identity': str(one), 'ready': True, 'search': f'{one} {description}'}}
        for one in range(number)])


def test_the_worst_search_that_is_allowed_takes_little_in_a_large_archive(db, make, get, app):
    make('extension', **EXTENSION_FORM)
    fill(db, app, 8_000, WORDS + ' lorem ipsum' * 30)
    for more in ({}, {'app_revision': EXTENSION_FORM['app_revision']}, {'os': 'linux'}):
        def is_quick(more=more):
            began = time.perf_counter()
            answer = get('/app/APP/extension', q=WORDS.rpartition(' ')[0], **more)
            seconds = time.perf_counter() - began
            return answer.status_code == 200 and len(answer.json()) == 50 and seconds < text_limits.SEARCH_SECONDS
        poll(is_quick, 'one of the searches is quick')  # others may not be, on a machine that is busy


def test_texts_that_do_not_fit_into_a_query_are_searched_all_the_same(db, make, get, app):
    make('extension', **EXTENSION_FORM)
    fill(db, app, 400, 'needle ' + 'x' * 50_000)
    answer = get('/app/APP/extension', q='NEEDLE needle', limit=3)
    assert (answer.status_code, len(answer.json())) == (200, 3)


@pytest.fixture
def slow(app, monkeypatch):
    """Give searches no time at all."""
    monkeypatch.setattr(text_limits, 'SEARCH_SECONDS', 1e-6)


@pytest.mark.parametrize(('path', 'name'), SEARCHES[:5] + SEARCHES[-1:])
def test_a_search_that_takes_too_long_is_refused_without_retry_after(slow, get, path, name):
    answer = get(path, **{name: 'alpha'})
    assert (answer.status_code, answer.json()['field']) == (400, name)
    assert 'takes more than' in answer.json()['message']
    assert 'Retry-After' not in answer.headers
    assert 'again' not in answer.json()['message']


class Sent(CommandListener):
    """Record the ``maxTimeMS`` of each command."""

    def __init__(self):
        self.limits = []

    def started(self, event):
        self.limits.append(event.command.get('maxTimeMS'))

    def succeeded(self, event):
        """Nothing to note."""

    failed = succeeded


def test_the_database_gets_the_time_limit(mongo_uri):
    """So that it ends by itself, without anybody who waits for it."""
    sent = Sent()
    with pymongo.MongoClient(mongo_uri, event_listeners=[sent]) as client, pymongo.timeout(text_limits.SEARCH_SECONDS):
        client.get_database()['item'].find_one({})
    assert 0 < max(filter(None, sent.limits)) <= text_limits.SEARCH_SECONDS * 1000


def test_a_search_while_the_database_is_away_is_to_be_tried_again(slow, get, monkeypatch):
    monkeypatch.setattr(database_outage, 'answers', lambda: False)
    answer = get('/item', text='alpha')
    assert answer.status_code == 503
    assert int(answer.headers['Retry-After']) > 0


def test_what_is_no_search_has_the_time_that_it_had(slow, get):
    assert get('/app/APP/extension', baseName='x').status_code == 200


def test_many_searches_that_are_refused_leave_nothing_running(get):
    threads = [threading.Thread(target=get, args=('/item',), kwargs={'text': 'x ' * 5000}) for _ in range(8)]
    began = time.monotonic()
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(('text', 'found'), [('Word WORD other', ['word', 'other']), ('', []), (' \t ', [])])
def test_words_are_counted_without_case_and_repetition(text, found):
    assert validators.words(text) == found
