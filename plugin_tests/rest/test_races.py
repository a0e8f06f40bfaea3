"""Uploads, renames and deletions of one file at the same time, by several server processes: who has won, and whole.

Each operation is noted with the time of its last request. Of what was answered with success, the end must be what
comes out if the operations are done one after the other, in some order that their times allow.
"""
import hashlib
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from plugin_tests.conftest import EXTENSION_FORM, upload
from slicer_package_manager.registry.storage import file_removal

pytestmark = [pytest.mark.database, pytest.mark.process]

BYTES = {'Content-Type': 'application/octet-stream'}
REFUSED = {400, 404, 409}
CLIENTS = 7


class Done(NamedTuple):
    """What one operation has done, and when the request was made that did it; no ``content`` for a deletion."""

    status: int
    start: float
    end: float
    content: bytes | None = None
    name: str | None = None


def last(answer, start, content=None, name=None):
    return Done(answer.status_code, start, time.monotonic(), content, name)


class Racers:
    """Clients of several servers, which all begin at once."""

    def __init__(self, urls, headers):
        self.clients = [httpx.Client(base_url=url, headers=headers, timeout=120)
                        for url, _ in zip(itertools.cycle(urls), range(CLIENTS), strict=False)]
        self.pool = ThreadPoolExecutor(CLIENTS)

    def run(self, calls):
        barrier = threading.Barrier(len(calls))

        def one(call, client):
            barrier.wait(120)
            return call(client)
        return list(self.pool.map(one, calls, self.clients[:len(calls)]))

    def close(self):
        self.pool.shutdown()
        for client in self.clients:
            client.close()


@pytest.fixture
def racers(two_servers, api):
    racers = Racers(two_servers, api.headers)
    yield racers
    racers.close()


def digest(content):
    return hashlib.sha512(content).hexdigest()


def begin_and_send(client, method, path, params, content):
    """Begin an upload, then send all of it; the answer that counts, and when it was asked for."""
    begun = client.request(method, path, params={**params, 'size': len(content)})
    if not begun.is_success:
        return begun, time.monotonic()
    start = time.monotonic()
    return client.post('/file/chunk', params={'uploadId': begun.json()['_id'], 'offset': 0}, content=content,
                       headers=BYTES), start


def replace(file, content, name):
    def call(client):
        params = {'sha512': digest(content), **({'name': name} if name else {})}
        answer, start = begin_and_send(client, 'PUT', f'/file/{file}/contents', params, content)
        return last(answer, start, content, name)
    return call


def damage(file, content, name):
    """Send other bytes than announced."""
    def call(client):
        params = {'sha512': digest(content + b'x'), 'name': name}
        answer, _ = begin_and_send(client, 'PUT', f'/file/{file}/contents', params, content)
        assert answer.status_code in REFUSED, answer.text
    return call


def add(item, content, name):
    def call(client):
        params = {'parentType': 'item', 'parentId': item, 'name': name, 'sha512': digest(content)}
        answer, start = begin_and_send(client, 'POST', '/file', params, content)
        return last(answer, start, content, name)
    return call


def rename(file, name):
    def call(client):
        start = time.monotonic()
        return last(client.put(f'/file/{file}', params={'name': name}), start, name=name)
    return call


def delete(file):
    def call(client):
        start = time.monotonic()
        return last(client.delete(f'/file/{file}'), start)
    return call


def replace_as_011(item, content, name):
    """What the published client does with an item that has files."""
    def call(client):
        old = client.get(f'/item/{item}/files').raise_for_status().json()
        params = {'parentType': 'item', 'parentId': item, 'name': 'new_file'}
        answer, start = begin_and_send(client, 'POST', '/file', params, content)
        for path in (f'/file/{file["_id"]}' for file in old):
            client.delete(path).raise_for_status()
        return last(client.put(f'/file/{answer.json()["_id"]}', params={'name': name}), start, content, name)
    return call


def read(item):
    """Download repeatedly: each answer is whole."""
    def call(client):
        for _ in range(4):
            answer = client.get(f'/item/{item}/download', follow_redirects=True)
            if answer.status_code == 404 and ('no file yet' in answer.text or 'was deleted' in answer.text):
                continue
            if answer.history and answer.status_code in (403, 404):
                continue  # object storage says so of what was deleted after the redirect
            assert answer.status_code == 200, answer.text
            if not answer.history:
                assert answer.headers['ETag'] == f'"{digest(answer.content)}"'
    return call


@pytest.fixture
def first(api, app):
    """A maker of packages with a file; gives the ids of both."""
    def maker(number, content):
        item = api.post(f'/app/{app["_id"]}/extension', params={
            **EXTENSION_FORM, 'baseName': f'Round{number}'}).raise_for_status().json()['_id']
        return item, upload(api, item, content, name='first.zip')['_id']
    return maker


def outcome(api, item):
    """The file of ``item`` with its bytes, after a check of its name, size and checksum; ``None`` without one."""
    found = api.get(f'/item/{item}/files').raise_for_status().json()
    now = api.get(f'/item/{item}').raise_for_status().json()
    assert len(found) <= 1
    if not found:
        assert (now['meta']['sha512'], now['size']) == ('', 0)
        return None, None
    answer = api.get(f'/item/{item}/download')
    content = (httpx.get(answer.headers['Location']) if answer.is_redirect else answer).raise_for_status().content
    assert (found[0]['sha512'], found[0]['size']) == (digest(content), len(content))
    assert (now['meta']['sha512'], now['size']) == (digest(content), len(content))
    return found[0], content


def check(file, content, done, before, first_file):
    """What has come out is allowed by ``done``, all that was answered with success."""
    uploads = [one for one in done if one.content is not None]
    renames = [one for one in done if one.content is None and one.name]
    deletions = [one for one in done if one.content is None and not one.name]
    if file is None:
        winner = deletions[0]
    else:
        winner = next((one for one in uploads if one.content == content), before)
        assert content == winner.content
    later = [one for one in uploads if one.start > winner.end]
    assert not later, f'lost although it was complete: {[one.name for one in later]}'
    if file is None or winner.name is None:
        return
    names = {winner.name} | {one.name for one in renames if one.end >= winner.start}
    if file['_id'] == first_file and any(one.start > winner.end for one in renames):
        names -= {winner.name}
    assert file['name'] in names


def race(api, racers, first, number):
    """One round; which operations were refused."""
    content = [f'round {number}, client {one} '.encode() * (1 + 97 * one) for one in range(6)]
    item, file = first(number, content[0])
    before = Done(200, 0, 0, content[0], 'first.zip')
    calls = [replace(file, content[1], 'one.zip'), replace(file, content[2], 'two.tar.gz'),
             replace(file, content[3], 'three.tgz' if number % 3 else None), rename(file, 'renamed.zip'), read(item),
             (damage(file, content[5], 'damaged.zip'), add(item, content[4], 'four.zip'),
              delete(file))[number % 3]]
    if number % 5 == 0 and number % 3 < 2:
        calls[-1] = replace_as_011(item, content[4], 'four.zip')
        calls.append(replace_as_011(item, content[5], 'five.zip'))
    done = [one for one in racers.run(calls) if one]
    assert {one.status for one in done} <= {200, *REFUSED}, done
    check(*outcome(api, item), [one for one in done if one.status == 200], before, file)
    return sum(one.status != 200 for one in done)


def test_who_comes_last_wins_whole(racers, first, api, db, tmp_path, pytestconfig):
    rounds = pytestconfig.getoption('--race-rounds')
    refused = [race(api, racers, first, number) for number in range(rounds)]
    print(f'{rounds} rounds, {sum(refused)} operations refused')  # noqa: T201 - shown with -s
    check_nothing_is_left(db)
    left = sorted(digest(path.read_bytes()) for path in tmp_path.rglob('?' * 128))
    assert left == sorted(file['sha512'] for file in db['file'].find())
    assert list(Path(tmp_path, 'assetstore', 'temp').iterdir()) == []


def test_who_comes_last_wins_whole_in_object_storage(racers, s3, first, api, db, pytestconfig):
    for number in range(max(pytestconfig.getoption('--race-rounds') // 4, 5)):
        race(api, racers, first, number)
    check_nothing_is_left(db)
    left = sorted(digest(content) for content in s3.objects().values())
    assert left == sorted(file['sha512'] for file in db['file'].find())
    assert s3.unfinished() == []


def check_nothing_is_left(db):
    assert db['upload'].count_documents({}) == 0
    file_removal.sweep(timedelta(0))
    assert {file['itemId'] is None for file in db['file'].find()} <= {False}
    total = sum(file['size'] for file in db['file'].find())
    assert sum(item['size'] for item in db['item'].find()) == total
    assert db['collection'].find_one({'name': 'Applications'})['size'] == total


def send_as_our_client(item, content, name):
    """Replace the file of the item, or add one, and begin anew when that is refused; how often."""
    def call(client):
        for attempt in range(20):
            found = client.get(f'/item/{item}/files').raise_for_status().json()
            params = {'name': name, 'sha512': digest(content)}
            how = (('PUT', f'/file/{found[0]["_id"]}/contents', params) if found else
                   ('POST', '/file', {'parentType': 'item', 'parentId': item, **params}))
            answer, _ = begin_and_send(client, *how, content)
            if answer.is_success:
                return attempt
            assert answer.status_code in {404, 409}, answer.text
        raise AssertionError('refused too often')
    return call


def test_first_uploads_of_one_item_at_once_all_succeed(racers, api, make, pytestconfig):
    for number in range(max(pytestconfig.getoption('--race-rounds') // 4, 5)):
        item = make('package', baseName=f'App{number}')['_id']
        contents = {f'{one}.zip': f'client {one}'.encode() * 100 for one in range(6)}
        racers.run([send_as_our_client(item, content, name) for name, content in contents.items()])
        file, content = outcome(api, item)
        assert contents[file['name']] == content


@pytest.mark.parametrize('size', [1_000, 9_000_000])
@pytest.mark.parametrize('replaces', [False, True])
def test_of_the_same_chunk_sent_at_once_one_is_taken(racers, api, first, db, size, replaces):
    content = bytes(range(250)) * (size // 250)
    item, file = first(1, b'old')
    begun = (api.put(f'/file/{file}/contents', params={'size': size}) if replaces else api.post('/file', params={
        'parentType': 'item', 'parentId': item, 'name': 'first.zip', 'size': size})).raise_for_status().json()
    for start in range(0, size, 6_000_000):
        def send(client, start=start):
            return client.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': start}, headers=BYTES,
                               content=content[start:start + 6_000_000])
        statuses = sorted(answer.status_code for answer in racers.run([send] * 6))
        assert statuses == [200] + [409] * 5
    assert outcome(api, item)[1] == content
    assert db['upload'].count_documents({}) == 0


def test_other_bytes_at_the_same_place_at_once_do_not_damage_those_that_were_taken(racers, api, first, pytestconfig):
    for number in range(max(pytestconfig.getoption('--race-rounds') // 8, 3)):
        item, file = first(number, b'old')
        begun = api.put(f'/file/{file}/contents', params={'size': 2_000_000}).raise_for_status().json()

        def send(letter, upload_id=begun['_id']):
            return lambda client: client.post('/file/chunk', params={'uploadId': upload_id, 'offset': 0},
                                              content=letter * 2_000_000, headers=BYTES)
        statuses = sorted(answer.status_code for answer in racers.run([send(one) for one in (b'a', b'b', b'c', b'd')]))
        assert statuses == [200, 409, 409, 409]
        assert len(set(outcome(api, item)[1])) == 1
