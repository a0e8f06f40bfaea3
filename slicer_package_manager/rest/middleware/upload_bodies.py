"""Read the bodies of uploads in large steps.

CherryPy reads 8 KiB at a time. Other web servers than that of ``serve``, such as gunicorn, receive up to 1 MiB in
advance and copy the rest of it at each read, which is a hundred times the work of the upload itself.

With them, the rest of the body of a refused upload has to be read too, up to the size of a chunk. Otherwise they close
the connection, and clients report a broken connection instead of the reason.
"""
from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, BinaryIO
from urllib.parse import parse_qs

import cherrypy
from girder.api.rest import Resource
from girder.models.token import Token

STEP = 1024 * 1024
#: The largest rest of a body that is read and discarded, in bytes: the chunk size of girder-client.
_MAX_DISCARDED = 64 * 1024 * 1024


class _Body(io.RawIOBase):
    """The body of a request, of which ``left`` bytes are unread."""

    def __init__(self, source: BinaryIO, left: int) -> None:
        super().__init__()
        self._source = source
        self.left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # a writable buffer, which Python 3.10 cannot name
        data = self._source.read(min(len(buffer), self.left))
        buffer[:len(data)] = data
        self.left -= len(data)
        return len(data)


def _buffer() -> None:
    """Before the body of a request is read."""
    body = cherrypy.request.body
    if body.length is not None and body.length > STEP // 16:
        body.fp = io.BufferedReader(_Body(body.fp, body.length), min(STEP, body.length))


def _discard_rest() -> None:
    """Before the response: read the rest of the body of a refused request."""
    body = getattr(getattr(cherrypy.request.body, 'fp', None), 'raw', None)
    if not isinstance(body, _Body) or body.left > _MAX_DISCARDED:
        return
    with contextlib.suppress(OSError):  # the client has disconnected
        while body.left and body.read(STEP):
            pass


def has_token(wsgi_environ: Mapping[str, Any]) -> bool:
    """Whether a request has a token that is valid now, wherever Girder looks for one in uploads."""
    in_query = parse_qs(wsgi_environ['QUERY_STRING']).get('token')
    text = in_query[0] if in_query else wsgi_environ.get('HTTP_GIRDER_TOKEN')
    token = Token().load(text, force=True, objectId=False) if text else None
    return token is not None and token['expires'] > datetime.now(timezone.utc)


def read_in_large_steps(resource: Resource) -> None:
    """Configure ``resource`` of the API to read bodies in large steps."""
    config = {**getattr(resource, '_cp_config', {}), 'hooks.before_request_body': _buffer,
              'hooks.before_finalize': _discard_rest}
    resource._cp_config = config  # noqa: SLF001 - CherryPy's way to configure a resource
