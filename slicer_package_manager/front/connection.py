"""The connection of a client: uvicorn's HTTP protocol, with limits, and with a view of what has left.

uvicorn closes a connection that stays idle after a response. It waits without limit for the head of a request, and
does not notify an application when the bytes of a response have left. This class adds both, by the interface that
asyncio has for protocols.
"""
from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from itertools import takewhile
from typing import Any

from slicer_package_manager.front.protocol import Protocol

#: Seconds in which a client has to send the head of a request, once it has connected or has begun to send it.
HEAD_SECONDS = 30.0
#: The largest head of a request, in bytes. girder-client sends all metadata in the query: a percent-encoded description
#: of 64 KiB, and the rest.
HEAD_BYTES = 512 * 1024
#: How much of the body of a refused request is read and discarded, so that the client gets the reason instead of a
#: broken connection: the chunk size of girder-client, in bytes.
DISCARDED_BYTES = 64 * 1024 * 1024
_TOO_LARGE = b'HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'


class Disconnected(Exception):  # noqa: N818 - an event
    """The client has closed the connection, or the server has closed it because the client is too slow."""


class Heads:
    """Connections that wait for the head of a request, and since when. A timer for each would cost more."""

    def __init__(self) -> None:
        self._since: dict[Connection, float] = {}

    def expect(self, connection: Connection) -> None:
        """Note that the head of the next request of ``connection`` begins now, unless it has begun."""
        self._since.setdefault(connection, time.monotonic())

    def forget(self, connection: Connection) -> None:
        """Note that the head is complete, or the connection has ended."""
        self._since.pop(connection, None)

    def close_overdue(self) -> None:
        """Close the connections whose head is not complete in time."""
        due = time.monotonic() - HEAD_SECONDS
        for connection in list(takewhile(lambda one: self._since[one] < due, self._since)):
            connection.abort()


class Connection(asyncio.Protocol):
    """A connection.

    :param heads: of all connections of the server. The other parameters are those of uvicorn's protocols.
    """

    def __init__(self, heads: Heads, config: Any, server_state: Any, app_state: dict[str, Any],
                 **options: Any) -> None:  # what uvicorn passes
        self._http = Protocol(config, server_state, {**app_state, 'connection': self}, **options)
        self._heads = heads
        self._transport: asyncio.Transport | None = None
        #: Of the last download of this connection, when it is counted.
        self.counted: Future[None] | None = None
        self._serving = 0  # more than one while a pipelined request begins before the end of the one before
        self._has_ended, self._is_whole = False, True
        self._allowed = HEAD_BYTES
        self._holds, self._held = False, b''
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: Any) -> None:  # an asyncio.Transport
        """Begin to serve a client that has connected."""
        self._transport = transport
        self._heads.expect(self)
        self._http.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End: the client or the server has closed the connection."""
        self._heads.forget(self)
        self._transport = None
        self._writable.set()
        self._http.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        if not self._serving:
            self._allowed -= len(data)
            if self._allowed < 0:
                self._refuse_head()
                return
            self._heads.expect(self)
        self._http.data_received(data)

    def eof_received(self) -> bool:
        """Let the current request finish when the client has said that it sends nothing more.

        A request that will never be whole ends now.
        """
        self._has_ended = True
        self._http.eof_received()
        return self._serving > 0 and self._is_whole

    def pause_writing(self) -> None:
        """Wait: bytes that were written have not left yet."""
        self._writable.clear()
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Go on: the bytes have left."""
        self._writable.set()
        self._http.resume_writing()

    def begin_request(self) -> None:
        """Begin to serve a request, whose head is complete. :meth:`end_request` follows in any case."""
        self._heads.forget(self)
        self._serving += 1

    def end_request(self) -> None:
        """Note that a request was served."""
        self._serving -= 1
        if self._has_ended and self._transport and not self._serving:
            self._transport.close()

    def begin_message(self) -> None:
        """Note that the head of a request has arrived."""
        self._is_whole = False

    def end_message(self) -> None:
        """Note that a request has arrived, with all of its body."""
        self._is_whole = True
        self._allowed = HEAD_BYTES

    def discard_rest(self) -> None:
        """Accept the rest of the body of a request that is refused without reading it."""
        self._is_whole = True  # as far as the response needs it
        self._allowed = DISCARDED_BYTES

    def hold(self) -> None:
        """Hold what is written next, the head of a response, until more is written, or until :meth:`release`.

        Head and body leave by one system call, and wake the client once.
        """
        self._holds = True

    def write(self, data: bytes | memoryview) -> None:
        """Send ``data`` as it is, after what is held."""
        if self._holds:
            self._holds, self._held = False, bytes(data)
        elif self._transport:
            held, self._held = self._held, b''
            self._transport.writelines((held, data) if held else (data,))

    def release(self) -> None:
        """Send what is held."""
        self._holds = False
        if self._held:
            self.write(b'')

    def close(self) -> None:
        """Close the connection when all has left that was written."""
        self.release()
        if self._transport:
            self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self._transport is None or self._transport.is_closing()

    @property
    def is_paused(self) -> bool:
        """Whether more was written than the connection buffers."""
        return not self._writable.is_set()

    @property
    def is_flushed(self) -> bool:
        """Whether all that was written has left this process, and more may be written."""
        return self._transport is not None and not self._transport.is_closing() and not self.unsent

    @property
    def unsent(self) -> int:
        """How many bytes that were written have not left this process."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    async def drained(self) -> None:
        """Wait until all that was written has left this process, or the connection has ended.

        From now on, buffer no more than what was written last.
        """
        if self._transport:
            self._transport.set_write_buffer_limits(high=0)
        await self._writable.wait()

    async def flushed(self) -> None:
        """Wait until :attr:`is_flushed`, as :meth:`drained` does.

        :raises Disconnected: the client has closed the connection.
        """
        await self.drained()
        if not self.is_flushed:
            raise Disconnected

    def abort(self) -> None:
        """Close the connection at once, without sending what is left."""
        if self._transport:
            self._transport.abort()

    def _refuse_head(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(_TOO_LARGE)
            self._transport.close()
