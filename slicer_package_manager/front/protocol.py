"""uvicorn's HTTP protocol, without its limit of 64 KiB for the target of a request."""
from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_OF_BODIES = {b'content-length', b'transfer-encoding'}


class Protocol(HttpToolsProtocol):
    """HTTP for one connection."""

    def on_headers_complete(self) -> None:
        """Begin a request, whose head is complete (the parser calls it).

        uvicorn has the whole target parsed, by a function that refuses more than 65,535 bytes. girder-client sends
        all metadata in the query, which needs no parsing.
        """
        names = [name for name, _ in self.headers]
        if self.parser.should_upgrade() and not _OF_BODIES.isdisjoint(names):
            raise ValueError('the parser takes the body for another protocol')  # the response is 400
        hosts = names.count(b'host')
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == '1.1'):
            raise ValueError('the request does not name one host')  # RFC 9112, section 3.2: the response is 400
        self.app_state['connection'].begin_message()
        self.url, _, query = self.url.partition(b'#')[0].partition(b'?')
        super().on_headers_complete()
        self.scope['query_string'] = query
        self.cycle.transport = self.app_state['connection']  # which sends the head of a response with its body

    def on_message_complete(self) -> None:
        """End a request (the parser calls it)."""
        super().on_message_complete()
        self.app_state['connection'].end_message()
