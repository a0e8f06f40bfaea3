"""Downloads of public packages: how many threads they take, when they count, and that they close what they opened."""
import asyncio
import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
from girder import auditLogger, events

from plugin_tests.waiting import PATIENCE, poll
from slicer_package_manager.front import downloads
from slicer_package_manager.front.admission import Limits, Refused, WorkClass
from slicer_package_manager.front.connection import Disconnected
from slicer_package_manager.front.downloads import PublicDownloads
from slicer_package_manager.front.exchange import Exchange
from slicer_package_manager.front.pace import PaceLimits
from slicer_package_manager.front.threads import SharedThreads
from slicer_package_manager.registry.schema.errors import BadGateway
from slicer_package_manager.registry.storage.store import PIECE, opened
from slicer_package_manager.rest.downloads.public_files import PublicFile

ID = '5f4474d0e1d8c75dfc705482'
LINK = 'https://github.com/a/b/c.zip'
MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Versions:
    """Data versions: the first request has the first of ``found``, and so on."""

    def __init__(self, *found):
        self._left = list(found)

    async def current(self):
        return self._left.pop(0) if self._left else 1

    async def guard(self, work):
        return await work


class Store:
    """A store with the file ``content``; :ivar closed: how many readers have closed it."""

    def __init__(self, content, has_urls=False):
        self.content, self.has_urls, self.closed = content, has_urls, 0

    def read(self, _file, start, stop):
        return opened(self._read(start, stop))

    def _read(self, start, stop):
        try:
            for offset in range(start, stop, PIECE):
                yield self.content[offset:min(offset + PIECE, stop)]
        finally:
            self.closed += 1


class Threads(ThreadPoolExecutor):
    """One thread; :ivar calls: how often it was used."""

    calls = 0

    def submit(self, *args, **kwargs):
        self.calls += 1
        return super().submit(*args, **kwargs)


class Connection:
    """A connection whose client leaves after ``parts`` parts, if given."""

    def __init__(self, parts=None):
        self.is_flushed = self.is_paused = False
        self._left, self.log = parts, []

    hold = release = lambda _: None

    async def flushed(self):
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Disconnected
        self.log.append('flushed')


class Served:
    """The result of a request: ``messages``, what happened in order in ``log``, ``calls`` of threads.

    :param before: an earlier request, to which the same server has responded.
    """

    def __init__(self, file, monkeypatch, *, method='GET', parts=None, before=None, versions=(), **headers):
        monkeypatch.setattr(downloads.public_files, 'load', lambda *_: file)
        monkeypatch.setattr(downloads.counter, 'count', self._count)
        with Threads(1) as threads:
            shared = SharedThreads(threads, 1)
            public = PublicDownloads(shared, shared, WorkClass(Limits(1, 0, 60)), Versions(*versions),
                                     PaceLimits(1, 60))
            if before is not None:
                self._request(public, **before)
            earlier = threads.calls or 1  # one loads what the delivery depends on
            self._request(public, method, parts, **headers)
            self.calls = threads.calls - earlier

    def _request(self, public, method='GET', parts=None, **headers):
        self.connection, self.messages = Connection(parts), []
        self.log = self.connection.log
        scope = {'method': method, 'raw_path': f'/api/v1/item/{ID}/download'.encode(), 'query_string': b'',
                 'http_version': '1.1', 'client': ('192.0.2.1', 1), 'server': None, 'state': {
                     'connection': self.connection},
                 'headers': [(name.replace('_', '-').encode(), value.encode()) for name, value in headers.items()]}
        self.error = asyncio.run(self._serve(public, scope))

    def _count(self, _item, *, is_public):
        assert is_public
        self.log.append('counted')
        return Future()  # nothing waits for it

    async def _serve(self, public, scope):
        async def send(message):
            self.messages.append(message)
            if not message.get('more_body', True):
                self.log.append('end')
        try:
            await public.answer(Exchange(scope, None, send))
        except Disconnected as error:
            return error

    @property
    def status(self):
        return self.messages[0]['status']

    @property
    def body(self):
        return b''.join(message['body'] for message in self.messages[1:])

    @property
    def headers(self):
        return {name: value for name, value in self.messages[0]['headers'] if name != b'X-Request-ID'}


@pytest.fixture
def serve(monkeypatch):
    def serve(content, has_urls=False, log_handlers=(), sha512='ab', **request):
        monkeypatch.setattr(auditLogger, 'handlers', list(log_handlers))  # without those of pytest
        store = Store(content, has_urls)
        file = {'_id': ID, 'name': 'f.zip', 'size': len(content), 'sha512': sha512, 'created': MOMENT,
                'assetstoreId': 1}
        way = 'stream' if has_urls else 'auto'
        return store, Served(PublicFile({}, file, store, (way, [])), monkeypatch, **request)
    return serve


@pytest.fixture
def redirect(monkeypatch):
    def redirect(**request):
        file = {'_id': ID, 'name': 'f.zip', 'created': MOMENT, 'linkUrl': LINK}
        return Served(PublicFile({}, file, None, ('redirect', ['github.com'])), monkeypatch, **request)
    return redirect


@pytest.mark.parametrize('size', [0, 1, 10_000, PIECE])
def test_a_file_of_one_part_is_opened_read_and_closed_by_one_call_of_a_thread(serve, size):
    store, served = serve(b'x' * size)
    assert (served.status, served.body, served.calls, store.closed) == (200, b'x' * size, 1, 1)


def test_a_larger_file_takes_a_call_for_each_part(serve):
    store, served = serve(b'x' * (2 * PIECE + 1))
    assert (len(served.body), served.calls, store.closed) == (2 * PIECE + 1, 4, 1)


def test_a_download_counts_when_all_of_it_has_left_and_ends_afterwards(serve):
    _, served = serve(b'x' * (PIECE + 1))
    assert served.log == ['flushed'] * 3 + ['counted', 'end']
    assert not served.connection.counted.done()


@pytest.mark.parametrize(('size', 'parts'), [(10, 0), (10, 1), (3 * PIECE, 1), (3 * PIECE, 3)])
def test_a_client_that_leaves_is_not_counted_and_the_file_is_closed(serve, size, parts):
    store, served = serve(b'x' * size, parts=parts)
    assert isinstance(served.error, Disconnected)
    assert 'counted' not in served.log
    assert store.closed == 1


def test_a_redirect_takes_no_thread_and_counts_when_it_has_left(redirect):
    served = redirect()
    assert (served.status, served.calls, served.log) == (302, 0, ['flushed', 'counted', 'end'])
    assert (b'Location', LINK.encode()) in served.messages[0]['headers']


def test_a_redirect_whose_client_has_left_does_not_count(redirect):
    assert redirect(parts=0).log == []


def test_a_client_that_has_the_file_takes_no_thread_and_is_not_counted(serve):
    store, served = serve(b'x', if_none_match='"ab"')
    assert (served.status, served.body, served.calls, store.closed) == (304, b'', 0, 0)
    assert 'counted' not in served.log


def test_head_is_not_counted(serve, redirect):
    assert serve(b'x', method='HEAD')[1].log == redirect(method='HEAD').log == ['flushed', 'end']


@pytest.mark.parametrize('headers', [{'if_match': '"other"'}, {'range': 'bytes=5-'}])
def test_errors_are_left_to_girder(serve, headers):
    assert serve(b'x', **headers)[1].messages == []


async def requested(public, address, key=ID):
    """Download a file from a client at ``address``; return its ``ETag`` and body, ``None`` if Girder has to respond."""
    sent = []

    async def send(message):
        sent.append(message)
    scope = {'method': 'GET', 'raw_path': f'/api/v1/item/{key}/download'.encode(), 'query_string': b'',
             'http_version': '1.1', 'client': (address, 1), 'server': None, 'headers': [],
             'state': {'connection': Connection()}}
    if await public.answer(Exchange(scope, None, send)):
        return dict(sent[0]['headers']).get(b'ETag'), b''.join(message['body'] for message in sent[1:])
    return None


class TestContentInMemory:
    @pytest.mark.parametrize('size', [1, 10_000, PIECE])
    def test_takes_no_thread(self, serve, size):
        store, served = serve(b'x' * size, before={})
        assert (served.status, served.body, served.calls, store.closed) == (200, b'x' * size, 0, 1)
        assert served.log == ['flushed'] * 2 + ['counted', 'end']

    @pytest.mark.parametrize('request_', [
        {}, {'method': 'HEAD'}, {'range': 'bytes=2-4'}, {'range': 'bytes=-3'}, {'range': 'bytes=4-'},
        {'range': 'bytes=9-'}, {'range': 'pages=1'}, {'range': 'bytes=2-4', 'if_range': '"ab"'},
        {'range': 'bytes=2-4', 'if_range': '"other"'}, {'if_none_match': '"ab"'}, {'if_none_match': '"other"'},
        {'if_match': '"other"'}, {'if_modified_since': 'Thu, 01 Jan 2026 00:00:00 GMT'}])
    def test_is_delivered_as_from_the_store(self, serve, request_):
        _, first = serve(b'012345678', **request_)
        _, again = serve(b'012345678', before={}, **request_)
        assert len(again.messages) == len(first.messages)
        if first.messages:
            assert (again.status, again.headers, again.body) == (first.status, first.headers, first.body)
        assert again.log == first.log

    def test_is_of_one_data_version(self, serve):
        store, served = serve(b'x', before={}, versions=[1, 2])
        assert (served.body, served.calls, store.closed) == (b'x', 2, 2)

    @pytest.mark.parametrize('before', [{'range': 'bytes=0-3'}, {'method': 'HEAD'}, {'if_none_match': '"ab"'}])
    def test_is_all_of_the_file(self, serve, before):
        _, served = serve(b'012345678', before=before)
        assert (served.body, served.calls) == (b'012345678', 1)

    def test_is_only_of_small_files(self, serve):
        store, _ = serve(b'x' * (PIECE + 1), before={})
        assert store.closed == 2

    def test_is_not_of_files_elsewhere(self, serve):
        store, _ = serve(b'x', has_urls=True, before={})
        assert store.closed == 2

    def test_is_only_of_files_with_a_checksum(self, serve):
        store, served = serve(b'x', before={}, sha512=None)
        assert (served.body, store.closed) == (b'x', 2)

    def test_is_not_that_of_a_link_with_the_same_checksum(self, monkeypatch):
        monkeypatch.setattr(auditLogger, 'handlers', [])
        monkeypatch.setattr(downloads.counter, 'count', lambda *_, **__: Future())
        file = {'_id': ID, 'name': 'f.zip', 'size': 1, 'sha512': 'ab', 'created': MOMENT}
        files = {ID: PublicFile({}, {**file, 'assetstoreId': 1}, Store(b'x'), ('stream', [])),
                 ID[::-1]: PublicFile({}, {**file, 'linkUrl': LINK}, None, ('stream', ['github.com']))}
        monkeypatch.setattr(downloads.public_files, 'load', lambda _model, key: files[key])
        fetching = []

        def fetch(*_):
            fetching.append(threading.get_ident())
            raise BadGateway('It does not respond.')
        monkeypatch.setattr(downloads.delivery.fetch, 'fetch', fetch)

        async def scenario(public):
            return [await requested(public, '192.0.2.1', key) for key in files]
        with ThreadPoolExecutor(2) as threads:
            shared = SharedThreads(threads, 2)
            found = asyncio.run(scenario(PublicDownloads(
                shared, shared, WorkClass(Limits(2, 2, 60)), Versions(), PaceLimits(1, 60))))
        assert found == [(b'"ab"', b'x'), None]
        assert len(fetching) == 1
        assert threading.get_ident() not in fetching  # it would delay all other requests

    def test_has_a_limit(self, serve, monkeypatch):
        monkeypatch.setattr(downloads, '_MOST_BYTES', 9)
        assert serve(b'x' * 9, before={})[0].closed == 1
        assert serve(b'x' * 10, before={})[0].closed == 2

    @pytest.mark.parametrize('name', ['request', 'complete'])
    def test_is_not_used_while_other_plugins_observe_downloads(self, serve, name):
        seen = []
        with events.bound(f'model.file.download.{name}', 'test', lambda _: seen.append(threading.get_ident())):
            store, served = serve(b'x', before={})
        assert (served.body, store.closed, len(seen)) == (b'x', 2, 2)
        assert threading.get_ident() not in seen

    def test_is_not_used_while_others_log_downloads(self, serve):
        handler, records = logging.Handler(), []
        handler.emit = lambda record: records.append(record.msg)
        store, _ = serve(b'x', before={}, log_handlers=[handler])
        assert (store.closed, records) == (2, ['file.download'] * 2)


class TestAFileThatIsReplacedMeanwhile:
    """Two requests have the same data version, and one loads the file after its replacement."""

    FILES = (('old', b'content 10'), ('new', b'content 11'))

    @pytest.fixture
    def loads(self, monkeypatch):
        """Let two requests load the file at the same time: the second one gets the new file, when ``go`` is set."""
        go, both, order = threading.Event(), threading.Barrier(2), iter(self.FILES)

        def load(*_):
            tag, content = next(order)
            both.wait(PATIENCE)
            if tag == 'new':
                assert go.wait(PATIENCE)
            return PublicFile({}, {'_id': ID, 'name': 'f.zip', 'size': len(content), 'sha512': tag, 'created': MOMENT,
                                   'assetstoreId': 1}, Store(content), ('auto', []))
        monkeypatch.setattr(downloads.public_files, 'load', load)
        monkeypatch.setattr(downloads.counter, 'count', lambda *_, **__: Future())
        return go

    def test_has_the_bytes_of_its_etag(self, loads, monkeypatch):
        monkeypatch.setattr(auditLogger, 'handlers', [])  # without those of pytest

        async def scenario(public):
            tasks = {asyncio.create_task(requested(public, f'192.0.2.{number}')) for number in range(2)}
            (first,), (second,) = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            loads.set()
            return [await first, await second, await requested(public, '192.0.2.1')]

        with ThreadPoolExecutor(2) as threads:
            shared = SharedThreads(threads, 2)
            found = asyncio.run(asyncio.wait_for(scenario(PublicDownloads(
                shared, shared, WorkClass(Limits(2, 2, 60)), Versions(), PaceLimits(1, 60))), PATIENCE))
        old, new = ((f'"{tag}"'.encode(), content) for tag, content in self.FILES)
        assert found == [old, new, new]


class Late(Store):
    """A store on another server, which responds when ``go`` is set; :ivar begun: how many reads wait for that."""

    def __init__(self, content):
        super().__init__(content, has_urls=True)
        self.go, self.begun = threading.Event(), 0

    def _read(self, start, stop):
        self.begun += 1
        self.go.wait(PATIENCE)
        yield from super()._read(start, stop)


class TestServersThatRespondLate:
    @pytest.fixture
    def late(self):
        late = Late(b'x' * 9)
        yield late
        late.go.set()

    @pytest.fixture
    def public(self, monkeypatch, late):
        """Two threads for files elsewhere, two for files here, and places for two that are opened."""
        monkeypatch.setattr(downloads.counter, 'count', lambda *_, **__: Future())
        monkeypatch.setattr(downloads.public_files, 'load', lambda _model, key: PublicFile(
            {}, {'_id': key, 'name': 'f.zip', 'size': 9, 'created': MOMENT, 'assetstoreId': 1},
            late if key == ID else Store(b'y' * 9), ('stream', [])))
        with ThreadPoolExecutor(2) as here, ThreadPoolExecutor(2) as elsewhere:
            yield PublicDownloads(SharedThreads(here, 2), SharedThreads(elsewhere, 2), WorkClass(Limits(2, 2, 60)),
                                  Versions(), PaceLimits(1, 60))
            late.go.set()

    def test_do_not_delay_files_that_are_here(self, public, late):
        async def scenario():
            waiting = [asyncio.create_task(requested(public, f'192.0.2.{number}')) for number in range(4)]
            await asyncio.to_thread(poll, lambda: late.begun == 2, 'two are being opened')
            assert await requested(public, '192.0.2.9', ID[::-1]) == (None, b'y' * 9)
            late.go.set()
            assert await asyncio.gather(*waiting) == [(None, b'x' * 9)] * 4
        asyncio.run(asyncio.wait_for(scenario(), PATIENCE))

    def test_leave_places_for_other_addresses(self, public, late):
        async def scenario():
            greedy = [asyncio.create_task(requested(public, '192.0.2.1')) for _ in range(4)]
            refused = await asyncio.gather(*greedy[3:], return_exceptions=True)
            assert isinstance(refused[0], Refused)
            other = asyncio.create_task(requested(public, '192.0.2.2'))
            await asyncio.to_thread(poll, lambda: late.begun == 2, 'two are being opened')
            late.go.set()
            assert await asyncio.gather(*greedy[:3], other) == [(None, b'x' * 9)] * 4
        asyncio.run(asyncio.wait_for(scenario(), PATIENCE))
