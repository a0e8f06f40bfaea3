"""What two servers have answered stays true while 64 clients use them, and their database is slow, hangs and ends."""
import itertools
import random

import httpx
import pytest

from plugin_tests.conftest import EXTENSION_FORM, upload
from plugin_tests.deploy import proxy
from plugin_tests.faults.pair import Crowd, Pair
from plugin_tests.servers import poll, starter

pytestmark = [pytest.mark.database, pytest.mark.process]

READERS, WRITERS = 56, 8
DOWNLOADERS, UPLOADERS = 16, 2
#: How many lists are read for each write, so that most come from the cache.
READS = 40
URL = 'https://github.com/a/b/c.zip'
CONTENT = bytes(range(256)) * 40
KILLS = 6


@pytest.fixture(scope='module')
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp('pair')
    with starter(folder) as start:
        pair = Pair(folder, start)
        yield pair
        pair.end()


class Written:
    """The extension ``name``, which one client writes. Each write has a number, and lists have that of the last one.

    ``is_listed`` has for each number whether the write lists the extension, or deletes it; ``answered`` is the number
    of the last write that was answered with success.
    """

    def __init__(self, pair, path, name):
        self._pair, self._path, self.name = pair, path, name
        self.is_listed, self.answered, self._id = [False], 0, None

    def write(self, client, url):
        """Create, update or delete it."""
        number = len(self.is_listed)
        form = {**EXTENSION_FORM, 'baseName': self.name, 'keywords': str(number), 'url': URL}
        turn = number % 5 if self._id else 1
        self.is_listed.append(turn != 0)
        if turn == 0:
            answer = client.delete(f'{url}{self._path}/{self._id}', headers=self._pair.admin)
        elif turn == 3:
            answer = client.put(f'{url}/item/{self._id}/metadata', json={'keywords': str(number)},
                                headers=self._pair.admin)
        else:
            answer = client.post(url + self._path, params=form, headers=self._pair.admin)
        # After a failure, it is unknown whether there is still an extension with this id.
        self._id = answer.json()['_id'] if answer.is_success and turn else None
        if answer.is_success:
            self.answered = number
        return answer

    def check(self, listed, answered):
        """Check the number that is ``listed``, in a list that was requested when ``answered`` was answered."""
        begun = self.is_listed[answered:]
        assert False in begun if listed is None else answered <= listed < answered + len(begun), (
            f'{self.name}: {listed} is listed after the answer to {answered}')


class Lists:
    """Lists of the extensions ``written``."""

    QUERIES = ('', '?limit=0', '?os=linux', '?sort=created')

    def __init__(self, path, written):
        self._path, self._written = path, written

    def read(self, client, url):
        """Read one; whatever was answered before has to be in it."""
        answered = [one.answered for one in self._written]
        answer = client.get(url + self._path + random.choice(self.QUERIES))
        if answer.is_success:
            listed = {one['meta']['baseName']: int(one['meta']['keywords']) for one in answer.json()}
            for one, number in zip(self._written, answered, strict=True):
                one.check(listed.get(one.name), number)
        return answer


class Downloads:
    """Downloads of an extension of a new application, how many of them are counted, and uploads of other extensions."""

    def __init__(self, pair, name):
        self._url, self._admin = pair.urls[0], pair.admin
        self._app = pair.new_app(name)
        self.item = self.upload(self._url, 'Downloaded', CONTENT)
        self._numbers = itertools.count()
        self.uploaded = {}

    def upload(self, url, name, content):
        """Upload a new extension; return its id."""
        with httpx.Client(base_url=url, headers=self._admin) as client:
            item = client.post(f'{self._app}/extension', params={**EXTENSION_FORM, 'baseName': name})
            item_id = item.raise_for_status().json()['_id']
            upload(client, item_id, content)
        return item_id

    def upload_another(self, _client, url):
        """Upload one of another name."""
        number = next(self._numbers)
        try:
            self.uploaded[self.upload(url, f'Uploaded{number}', CONTENT + b'%d' % number)] = number
        except httpx.HTTPStatusError as error:
            # A worker that was killed has left a transaction, which the database ends after a while.
            return error.response

    def download(self, client, url):
        """Download the first extension."""
        answer = client.get(f'{url}/item/{self.item}/download')
        assert answer.status_code == 503 or answer.content == CONTENT
        return answer

    @property
    def counted(self):
        stats = httpx.get(f'{self._url}{self._app}/downloadstats').raise_for_status().json()
        return stats['33000']['extensions'].get('Downloaded', {}).get('linux', {}).get('amd64', 0)


def counting(crowd, what, task):
    """``task``, whose successes ``crowd()`` counts."""
    def counted(client, url):
        answer = task(client, url)
        if answer.is_success:
            crowd().count(what)
        return answer
    return counted


def test_a_write_that_was_answered_is_in_every_list_that_is_read_afterwards(pair):
    path = f'{pair.new_app("Lists")}/extension'
    written = [Written(pair, path, f'Extension{number}') for number in range(WRITERS)]
    lists = Lists(path, written)

    def paced(write):
        def task(client, url):
            enough = crowd.counted('read') + READS
            poll(lambda: crowd.counted('read') >= enough or crowd.is_over(), 'others read')
            return write(client, url)
        return counting(lambda: crowd, 'written', task)
    tasks = [counting(lambda: crowd, 'read', lists.read)] * READERS + [paced(one.write) for one in written]
    with (crowd := Crowd(pair, tasks)):
        crowd.until('written', 2 * WRITERS)
        for outage in (slow_for_one, slow, hanging, dead):
            outage(pair, crowd)
            crowd.until('written', 2 * WRITERS)
    assert crowd.counted('read') > READS * 20


def slow_for_one(pair, crowd):
    """The database answers one of the servers late."""
    pair.wire.delay = 0.1
    crowd.until('written', WRITERS)
    pair.wire.mend()


def slow(pair, crowd):
    """The database halts several times, each time until all clients wait."""
    for _ in range(5):
        pair.halt()
        poll(crowd.waits, 'all clients wait')
        pair.go_on()
        crowd.until('read', READERS)


def hanging(pair, crowd):
    """The database halts, until many requests were refused."""
    pair.halt()
    crowd.until('refused', 100)
    pair.go_on()


def dead(pair, crowd):
    """The database is killed, and starts when many requests were refused."""
    pair.database.kill()
    crowd.until('refused', 100)
    pair.database.start()


def test_downloads_are_counted_exactly_after_the_database_was_away(pair):
    downloads = Downloads(pair, 'Counted')
    with (crowd := Crowd(pair, [counting(lambda: crowd, 'complete', downloads.download)] * DOWNLOADERS)):
        crowd.until('complete', 100)
        for outage in (hanging, dead):
            outage(pair, crowd)
            crowd.until('complete', 100)
    poll(lambda: downloads.counted >= crowd.counted('complete'), 'all downloads are counted')
    assert downloads.counted == crowd.counted('complete')


def test_kills_of_workers_lose_one_count_of_each_client_at_most_and_no_upload(pair):
    downloads = Downloads(pair, 'Killed')
    tasks = [counting(lambda: crowd, 'complete', downloads.download)] * DOWNLOADERS
    tasks += [downloads.upload_another] * UPLOADERS
    with (crowd := Crowd(pair, tasks, may_break=True)):
        for kill in range(KILLS):
            crowd.until('complete', random.randint(20, 100))
            pair.kill_worker(kill % 2)
        crowd.until('complete', 50)
        poll(lambda: len(downloads.uploaded) > KILLS or crowd.is_over(), 'uploads go on')
    complete, broken = crowd.counted('complete'), crowd.counted('broken')
    poll(lambda: downloads.counted >= complete - KILLS * DOWNLOADERS, 'the downloads are counted')
    assert downloads.counted <= complete + broken
    assert complete > KILLS * DOWNLOADERS
    for item, number in downloads.uploaded.items():
        assert httpx.get(f'{pair.urls[0]}/item/{item}/download').content == CONTENT + b'%d' % number


@pytest.mark.skipif(proxy.program() is None, reason='nginx is not installed')
def test_behind_nginx_no_list_fails_and_each_is_current_again_afterwards(pair, tmp_path):
    path = f'/api/v1{pair.new_app("Proxied")}/extension'
    outages = [(pair.halt, pair.go_on), (pair.database.kill, pair.database.start)]
    with proxy.Proxy(tmp_path, [server.url for server in pair.servers]).running() as site, site.client() as client:
        client.get(path).raise_for_status()
        for begin, end in outages:
            begin()
            answers = [client.get(path) for _ in range(6)]
            end()
            assert {(one.status_code, one.headers['X-Cache-Status']) for one in answers} == {(200, 'STALE')}
            poll(lambda: client.get(path).raise_for_status().headers['X-Cache-Status'] != 'STALE', 'it is current')
