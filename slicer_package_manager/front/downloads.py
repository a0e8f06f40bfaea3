"""Downloads of public packages without Girder, by the rules of :mod:`rest.downloads.delivery`.

1. The request is anonymous, and has no query.
2. What the delivery depends on is in memory, of the current data version. Otherwise a thread reads it.
3. A redirect to a link requires no thread, and neither does a small file whose content is in memory. It is found by its
   SHA-512: of two requests with one data version, one may have read the file before it was replaced, the other after.
4. Otherwise a thread opens the file, and reads the first part. It also closes the file if this part is the whole body.
   All errors up to here are left to Girder, which answers the same request with the error. Files of other servers,
   which may respond late, have threads of their own, and are opened as one of the class of downloads.
5. The other parts follow, each when the one before has left the server.
6. The download is counted when all of it has left. The client does not wait for that. Its next request does, unless it
   is a download: see :meth:`Exchange.counted`.
"""
from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import NamedTuple

from slicer_package_manager.front.admission import Refused, WorkClass
from slicer_package_manager.front.exchange import Exchange, encoded
from slicer_package_manager.front.pace import PaceLimits
from slicer_package_manager.front.threads import SharedThreads
from slicer_package_manager.front.versions import Versions
from slicer_package_manager.registry.downloads import counter
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.downloads import delivery, public_files
from slicer_package_manager.rest.downloads.public_files import PublicFile
from slicer_package_manager.rest.middleware import security_headers, tracing

#: The paths of downloads; the name at the end is for programs that name files by it.
_PATH = re.compile(rb'/api/v1/(item|file)/([0-9a-f]{24})/download(?:/[^/]*)?')
#: How many descriptions of files are cached, some 5 KiB each.
_MOST_FILES = 4096
#: How many bytes of small files are cached. Each has one part: 64 KiB at most.
_MOST_BYTES = 16 * 1024 * 1024


class _Opened(NamedTuple):
    """A response whose first part was read.

    :param first: the first part, or nothing. It is removed when it is sent: a slow client takes long for the rest.
    :param rest: the other parts; ``None`` if there are none.
    """

    response: delivery.Response
    first: list[bytes]
    rest: Iterator[bytes] | None = None


class PublicDownloads:
    """Downloads of public packages.

    :param readers: the threads in which the parts of files are read that are on this server.
    :param fetchers: those in which the parts of other files are fetched.
    :param work: the class of requests that open these files.
    """

    def __init__(self, readers: SharedThreads, fetchers: SharedThreads, work: WorkClass, versions: Versions,
                 limits: PaceLimits) -> None:
        self._readers, self._fetchers, self._work = readers, fetchers, work
        self._versions, self._limits = versions, limits
        self._files: VersionedCache[PublicFile] = VersionedCache()
        self._contents: VersionedCache[bytes] = VersionedCache()

    async def answer(self, exchange: Exchange) -> bool:
        """Answer the request, if it is for a public package; return whether it is.

        :raises Outage: the database does not answer.
        :raises Refused: the class of downloads is full.
        :raises Disconnected: the client has closed the connection.
        :raises TooSlow: the client takes the response too slowly.
        """
        scope = exchange.scope
        wanted = _PATH.fullmatch(scope['raw_path'])
        if not wanted or scope['method'] not in ('GET', 'HEAD') or scope['query_string'] or exchange.is_personal:
            return False
        key = wanted[1].decode(), wanted[2].decode()
        version = await self._versions.current()
        file = self._files.get(key, version) or await self._load(exchange, key, version)
        opened = file and await self._open(exchange, file, version)
        if not opened or not file:
            return False
        await self._send(exchange, opened, self._readers if _is_here(file) else self._fetchers)
        if opened.response.counts:
            exchange.connection.counted = counter.count(file.item, is_public=True)
        await exchange.send(b'')
        return True

    async def _load(self, exchange: Exchange, key: tuple[str, str], version: object) -> PublicFile | None:
        file = await self._versions.guard(self._readers.run(exchange.site, public_files.load, *key))
        if file:
            self._files.put(key, version, file, 1, _MOST_FILES)
        return file

    async def _open(self, exchange: Exchange, file: PublicFile, version: object) -> _Opened | None:
        """Return the response and the first part of its body; ``None`` if it is an error."""
        request = delivery.Request(exchange.scope['method'], exchange.headers)
        try:
            response = delivery.respond_at_once(request, file.file, file.store, lambda: file.settings,
                                                self._contents.get(_content_key(file), version))
            if response:
                return _read(response)
            opened = await self._open_in_thread(exchange, request, file)
        except Refused:
            raise
        except Exception:  # noqa: BLE001 - Girder raises it again, and reports it
            return None
        self._keep(opened, file, version)
        return opened

    async def _open_in_thread(self, exchange: Exchange, request: delivery.Request, file: PublicFile) -> _Opened:
        if _is_here(file):
            return await self._readers.run(exchange.site, _open, request, file)
        async with self._work.admitted(exchange.site):
            return await self._fetchers.run(exchange.site, _open, request, file)

    def _keep(self, opened: _Opened, file: PublicFile, version: object) -> None:
        """Cache the content of ``file`` if ``opened`` has all of it, and it may be cached."""
        content, key = b''.join(opened.first), _content_key(file)
        if key and content and len(content) == file.file['size']:
            self._contents.put(key, version, content, len(content), _MOST_BYTES)

    async def _send(self, exchange: Exchange, opened: _Opened, threads: SharedThreads) -> None:
        """Send all but the end of the response, and wait until it has left. The body is read in ``threads``."""
        headers = [*opened.response.headers.items(), (tracing.HEADER, exchange.request_id)]
        try:
            await exchange.begin(opened.response.status,
                                 encoded(security_headers.protected(headers, security_headers.SANDBOX)))
            await exchange.stream(self._parts(exchange, opened, threads), self._limits)
        except BaseException:
            await threads.run(exchange.site, getattr(opened.rest, 'close', bool))
            raise
        finally:
            exchange.observe(lambda: _route(exchange))

    async def _parts(self, exchange: Exchange, opened: _Opened, threads: SharedThreads) -> AsyncIterator[bytes]:
        while opened.first:
            yield opened.first.pop()
        while opened.rest and (part := await threads.run(exchange.site, next, opened.rest, None)) is not None:
            yield part


def _is_here(file: PublicFile) -> bool:
    """Whether this server has the content of ``file``, which is neither a link nor in object storage."""
    return file.store is not None and not file.store.has_urls


def _content_key(file: PublicFile) -> str | None:
    """Return the key of the content of ``file``, its SHA-512; ``None`` if it is not cached, or not on this server."""
    return file.file.get('sha512') if _is_here(file) else None


def _open(request: delivery.Request, file: PublicFile) -> _Opened:
    return _read(delivery.respond(request, file.file, file.store, lambda: file.settings))


def _read(response: delivery.Response) -> _Opened:
    """Read the first part of the body, and close what it comes from if this is all."""
    parts = response.body()
    first = list(islice(parts, 1))
    if not first or str(len(first[0])) == response.headers.get('Content-Length'):
        next(parts, None)  # closes the file
        return _Opened(response, first)
    return _Opened(response, first, parts)


def _route(exchange: Exchange) -> str:
    _, _, _, model, _, *rest = exchange.scope['raw_path'].split(b'/')
    return f'/{model.decode()}/:id/{"/".join((rest[0].decode(), *(":name" for _ in rest[1:])))}'
