"""Reads the bodies of uploads in large steps.

CherryPy reads 8 KiB at a time. gunicorn receives up to 1 MiB ahead and copies what is left of it at each such read,
which is a hundred times the work of the upload itself.
"""
import io

import cherrypy

STEP = 1024 * 1024


class _Body(io.RawIOBase):
    """The body of a request, of which the server has ``left`` more bytes."""

    def __init__(self, source, left):
        super().__init__()
        self._source = source
        self._left = left

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self._source.read(min(len(buffer), self._left))
        buffer[:len(data)] = data
        self._left -= len(data)
        return len(data)


def _buffer():
    """Before the body of a request is read."""
    body = cherrypy.request.body
    if body.length is not None and body.length > STEP // 16:
        body.fp = io.BufferedReader(_Body(body.fp, body.length), min(STEP, body.length))


def read_in_large_steps(resource):
    """Make ``resource``, one of the API's, read the bodies of its requests so."""
    config = {**getattr(resource, '_cp_config', {}), 'hooks.before_request_body': _buffer}
    resource._cp_config = config  # noqa: SLF001 - CherryPy's way to configure a resource
