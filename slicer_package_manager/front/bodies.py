"""Bodies of requests, received whole before a thread takes the request: a slow upload occupies no thread."""
from __future__ import annotations

import asyncio
import io
import re
import tempfile
from typing import BinaryIO

from slicer_package_manager.front.exchange import Exchange
from slicer_package_manager.front.pace import Pace, PaceLimits
from slicer_package_manager.rest.middleware.request_limits import MAX_BODY

#: Bodies up to this size stay in memory, in bytes. A thousand uploads at a time take no more than 64 MiB.
_IN_MEMORY = 64 * 1024
#: How much is written to disk in one step, in bytes.
_STEP = 1024 * 1024
#: Paths of the calls that take files, which alone may have bodies of more than :data:`MAX_BODY`.
_OF_FILES = re.compile(r'(?:.*/)?/?api/v1/file(?:/.*)?')


def is_small(exchange: Exchange) -> bool:
    """Whether the body of a request is no larger than that of a form may be."""
    environ = exchange.environ
    length = environ.get('CONTENT_LENGTH') or '0'
    return 'HTTP_TRANSFER_ENCODING' not in environ and length.isdecimal() and int(length) <= MAX_BODY


def may_be_large(exchange: Exchange) -> bool:
    """Whether the call takes files. The bodies of other calls are limited."""
    return _OF_FILES.fullmatch(exchange.environ['PATH_INFO']) is not None


async def receive(exchange: Exchange, limits: PaceLimits) -> BinaryIO:
    """Return the whole body of the request, in memory or on disk; the caller closes it.

    :raises TooSlow: the client is slower than ``limits`` allow.
    :raises Disconnected: the client has closed the connection.
    """
    environ = exchange.environ
    if 'HTTP_TRANSFER_ENCODING' not in environ and environ.get('CONTENT_LENGTH', '0') == '0':
        return io.BytesIO()
    spool = _Spool()
    pace = Pace(limits)
    try:
        more = True
        while more:
            data, more = await pace.wait(exchange.read)
            pace.move(len(data))
            await spool.write(data)
        return await spool.whole(environ)
    except BaseException:
        spool.close()
        raise


class _Spool:
    """A body while it arrives: in memory, and on disk when it is larger than :data:`_IN_MEMORY`.

    The file is in the current directory, for which ``serve`` chooses the data directory: the directory for temporary
    files may be in memory. It has no name, so that nothing is left of it when the process is killed.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._file: BinaryIO | None = None
        self._size = 0

    async def write(self, data: bytes) -> None:
        """Add ``data``. A thread writes to the disk, which may be slow."""
        self._buffer += data
        self._size += len(data)
        if len(self._buffer) > (_STEP if self._file else _IN_MEMORY):
            await asyncio.to_thread(self._flush)

    async def whole(self, environ: dict[str, str]) -> BinaryIO:
        """Return the body from its beginning, and note its size in ``environ``."""
        environ['CONTENT_LENGTH'] = str(self._size)
        if self._file is None:
            return io.BytesIO(self._buffer)
        await asyncio.to_thread(self._flush)
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Discard the body."""
        if self._file:
            self._file.close()

    def _flush(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir='.')  # noqa: SIM115 - closed by close()
        self._file.write(self._buffer)
        self._buffer.clear()
