"""Downloads of public packages without Girder, by the rules of :mod:`rest.downloads.delivery`.

1. The request is anonymous, and has no query.
2. What the delivery depends on is in memory, of the current data version. Otherwise a thread reads it.
3. A thread opens the file, and reads the first part. All errors up to here are left to Girder, which answers the same
   request with the error.
4. The other parts follow, each when the one before has left the server.
5. The download is counted when all of it has left. The client does not wait for that, but its next request does.
"""
from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple, TypeVar

from slicer_package_manager.front.exchange import Exchange, encoded
from slicer_package_manager.front.pace import Pace, PaceLimits
from slicer_package_manager.front.versions import Versions
from slicer_package_manager.registry.downloads import counter
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.downloads import delivery, public_files
from slicer_package_manager.rest.downloads.public_files import PublicFile
from slicer_package_manager.rest.middleware import security_headers, tracing

#: The paths of downloads; the name at the end is for programs that name files by it.
_PATH = re.compile(rb'/api/v1/(item|file)/([0-9a-f]{24})/download(?:/[^/]*)?')
#: How many files are kept in memory, some 5 KiB each.
_MOST_FILES = 4096
_Result = TypeVar('_Result')


class _Opened(NamedTuple):
    """A response whose first part was read; ``first`` is ``None`` if the body is empty."""

    response: delivery.Response
    first: bytes | None
    rest: Iterator[bytes]


class PublicDownloads:
    """Downloads of public packages. The parts of files are read in the threads of ``readers``."""

    def __init__(self, readers: Executor, versions: Versions, limits: PaceLimits) -> None:
        self._readers, self._versions, self._limits = readers, versions, limits
        self._files: VersionedCache[PublicFile] = VersionedCache()

    async def answer(self, exchange: Exchange) -> bool:
        """Answer the request, if it is for a public package; return whether it is.

        :raises Outage: the database does not answer.
        :raises Disconnected: the client has closed the connection.
        :raises TooSlow: the client takes the response too slowly.
        """
        scope = exchange.scope
        wanted = _PATH.fullmatch(scope['raw_path'])
        if not wanted or scope['method'] not in ('GET', 'HEAD') or scope['query_string'] or exchange.is_personal:
            return False
        key = wanted[1].decode(), wanted[2].decode()
        version = await self._versions.current()
        file = self._files.get(key, version) or await self._load(key, version)
        opened = file and await self._open(exchange, file)
        if not opened or not file:
            return False
        await self._send(exchange, opened)
        if opened.response.counts:
            await _wait(counter.count(file.item, is_public=True))
        await exchange.send(b'')
        return True

    async def _load(self, key: tuple[str, str], version: object) -> PublicFile | None:
        file = await self._run(public_files.load, *key)
        if file:
            self._files.put(key, version, file, 1, _MOST_FILES)
        return file

    async def _open(self, exchange: Exchange, file: PublicFile) -> _Opened | None:
        """Return the response and the first part of its body; ``None`` if it is an error."""
        request = delivery.Request(exchange.scope['method'], exchange.headers)
        try:
            return await self._run(_open, request, file)
        except Exception:  # noqa: BLE001 - Girder meets it again, and reports it
            return None

    async def _send(self, exchange: Exchange, opened: _Opened) -> None:
        """Send all but the end of the response, and wait until it has left."""
        response, part, rest = opened
        request_id = tracing.choose_id(exchange.environ)
        headers = security_headers.protected([*response.headers.items(), (tracing.HEADER, request_id)],
                                             security_headers.SANDBOX)
        pace = Pace(self._limits)
        exchange.connection.limit_buffer()
        try:
            await exchange.begin(response.status, encoded(headers))
            while part is not None:
                await exchange.send(part, more=True)
                await pace.wait(exchange.connection.flushed)
                pace.move(len(part))
                part = await self._run(next, rest, None)
        finally:
            await self._run(getattr(rest, 'close', bool))
            exchange.observe(_route(exchange), request_id)

    async def _run(self, function: Callable[..., _Result], *args: Any) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._readers, function, *args)


def _open(request: delivery.Request, file: PublicFile) -> _Opened:
    response = delivery.respond(request, file.file, file.store, lambda: file.settings)
    rest = response.body()
    return _Opened(response, next(rest, None), rest)


def _route(exchange: Exchange) -> str:
    _, _, _, model, _, *rest = exchange.scope['raw_path'].split(b'/')
    return f'/{model.decode()}/:id/{"/".join((rest[0].decode(), *(":name" for _ in rest[1:])))}'


async def _wait(counted: Future[None]) -> None:
    await asyncio.wait([asyncio.wrap_future(counted)], timeout=counter.LONGEST_WAIT)
