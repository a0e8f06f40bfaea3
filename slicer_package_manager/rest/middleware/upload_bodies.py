"""Reads the bodies of uploads in large steps.

CherryPy reads 8 KiB at a time. gunicorn receives up to 1 MiB ahead and copies what is left of it at each such read,
which is a hundred times the work of the upload itself.

What a refused upload still sends is read too, up to what clients send at once. gunicorn would hang up instead, and
clients would be told of a broken connection, not of the reason.
"""
from __future__ import annotations

import contextlib
import io
from typing import Any, BinaryIO

import cherrypy
from girder.api.rest import Resource

STEP = 1024 * 1024
#: The most that is read for nothing, in bytes: the largest piece of girder-client.
_MOST_UNUSED = 64 * 1024 * 1024


class _Body(io.RawIOBase):
    """The body of a request, of which the server has ``left`` more bytes."""

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


def _use_up() -> None:
    """Before the answer: read what is left of the body of a request that was refused."""
    body = getattr(getattr(cherrypy.request.body, 'fp', None), 'raw', None)
    if not isinstance(body, _Body) or body.left > _MOST_UNUSED:
        return
    with contextlib.suppress(OSError):  # the client is gone
        while body.left and body.read(STEP):
            pass


def read_in_large_steps(resource: Resource) -> None:
    """Make ``resource``, one of the API's, read the bodies of its requests so."""
    config = {**getattr(resource, '_cp_config', {}), 'hooks.before_request_body': _buffer,
              'hooks.before_finalize': _use_up}
    resource._cp_config = config  # noqa: SLF001 - CherryPy's way to configure a resource
