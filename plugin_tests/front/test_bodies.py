"""Bodies of requests: which are received, and how."""
import asyncio
from types import SimpleNamespace

import pytest

from plugin_tests.waiting import poll
from slicer_package_manager.front import bodies, pace
from slicer_package_manager.front.connection import Disconnected
from slicer_package_manager.front.pace import PaceLimits, TooSlow
from slicer_package_manager.rest.middleware.request_limits import MAX_BODY

ANY = PaceLimits(1, 3600)
FILE = '/api/v1/file/chunk'


class Request:
    """A request whose body comes in ``parts``; ``None`` is a client that leaves, ``...`` one that sends nothing."""

    def __init__(self, *parts, path='/api/v1/app', query='', **environ):
        self.environ = {'PATH_INFO': path, 'QUERY_STRING': query, **environ}
        self.parts = list(parts)

    async def read(self):
        part = self.parts.pop(0)
        if part is None:
            raise Disconnected
        if part is ...:
            await asyncio.Event().wait()
        return part, bool(self.parts)


def received(*parts, **environ):
    """Receive a body; return it, and whether it is on disk."""
    request = Request(*parts, **{'CONTENT_LENGTH': 'not used', **environ})
    with asyncio.run(bodies.receive(request, ANY)) as body:
        content = body.read()
    assert request.environ['CONTENT_LENGTH'] == str(len(content))
    return content, not hasattr(body, 'getvalue')


@pytest.mark.parametrize(('length', 'expected'), [
    ('0', True), ('', True), (str(MAX_BODY), True), (str(MAX_BODY + 1), False), ('9' * 30, False), ('x', False)])
def test_a_form_is_small_up_to_its_limit(length, expected):
    assert bodies.is_small(Request(CONTENT_LENGTH=length)) is expected


def test_a_body_of_unknown_size_is_not_small():
    assert not bodies.is_small(Request(HTTP_TRANSFER_ENCODING='chunked'))


@pytest.mark.parametrize(('path', 'expected'), [
    *((path, True) for path in (FILE, '/api/v1/file', '//api/v1/file', '/girder/api/v1/file/5f44/contents')),
    *((path, False) for path in ('/api/v1/files', '/api/v1/item', '/api/v1/app/api/v1', '/file', '/api/v1/filex/y'))])
def test_calls_that_take_files_may_have_large_bodies(path, expected):
    assert bodies.may_be_large(Request(path=path)) is expected


def test_a_request_without_a_body_waits_for_nothing():
    request = Request(..., CONTENT_LENGTH='0')
    assert asyncio.run(bodies.receive(request, ANY)).read() == b''
    assert asyncio.run(bodies.receive(Request(...), ANY)).read() == b''


@pytest.mark.parametrize('parts', [
    [b'abc'], [b'a', b'', b'bc'], [b''], [b'x' * 64 * 1024]], ids=['one part', 'many parts', 'none', 'at the limit'])
def test_a_small_body_stays_in_memory(parts):
    assert received(*parts) == (b''.join(parts), False)


@pytest.mark.parametrize('parts', [
    [b'x' * 64 * 1024, b'y'], [bytes(range(256)) * 4] * 5000, [b'a' * 3_000_000, b'b']],
    ids=['above the limit', 'many parts', 'large parts'])
def test_a_large_body_is_on_disk_and_complete(parts):
    assert received(*parts) == (b''.join(parts), True)


def test_a_body_in_chunks_gets_its_length():
    assert received(b'ab', b'c', HTTP_TRANSFER_ENCODING='chunked', CONTENT_LENGTH='') == (b'abc', False)


@pytest.fixture
def spools(monkeypatch):
    """The bodies that are received."""
    made = []

    class Known(bodies._Spool):
        def __init__(self):
            super().__init__()
            made.append(self)
    monkeypatch.setattr(bodies, '_Spool', Known)
    return made


@pytest.mark.parametrize('size', [10, 10_000_000])
def test_a_client_that_leaves_leaves_nothing_on_disk(spools, size):
    with pytest.raises(Disconnected):
        asyncio.run(bodies.receive(Request(b'x' * size, None, CONTENT_LENGTH='99999999'), ANY))
    (spool,) = spools
    assert (spool._file is not None) == (size > 64 * 1024)
    assert spool._file is None or spool._file.closed


def test_a_body_that_stops_arriving_is_given_up(spools, monkeypatch):
    monkeypatch.setattr(pace, 'WINDOW', 0.05)
    with pytest.raises(TooSlow):
        asyncio.run(bodies.receive(Request(b'x' * 100_000, ..., CONTENT_LENGTH='999999'), PaceLimits(10**9, 3600)))
    assert spools[0]._file.closed


def test_a_request_that_is_cancelled_leaves_nothing_on_disk(spools):
    async def scenario():
        task = asyncio.create_task(bodies.receive(Request(b'x' * 100_000, ..., CONTENT_LENGTH='999999'), ANY))
        await asyncio.to_thread(poll, lambda: spools and spools[0]._file, 'a part is on disk')
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return spools[0]._file.closed
    assert asyncio.run(scenario())


def test_a_full_disk_is_an_error_that_leaves_nothing(spools, monkeypatch):
    class Full:
        closed = False

        def write(self, _data):
            raise OSError(28, 'No space left on device')

        def close(self):
            self.closed = True
    full = Full()
    monkeypatch.setattr(bodies, 'tempfile', SimpleNamespace(TemporaryFile=lambda **_: full))
    with pytest.raises(OSError, match='No space'):
        asyncio.run(bodies.receive(Request(b'x' * 100_000, b'y', CONTENT_LENGTH='100001'), ANY))
    assert full.closed
