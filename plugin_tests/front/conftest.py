"""The front with an application of WSGI behind it that needs no database, in a thread."""
import contextlib
import http.client
import io
import json
import socket
import threading
from types import SimpleNamespace

import cherrypy
import pytest
import uvicorn

from plugin_tests.waiting import PATIENCE, poll
from slicer_package_manager.rest.middleware.request_state import RequestState


class Toy:
    """An application of WSGI: ``/echo``, ``/stream/SIZE``, ``/whole/SIZE``, ``/endless``, ``/late``, ``/wait``,
    ``/public`` and ``/fail``.

    :ivar events: what has happened to responses of ``/stream``, ``/wait`` and ``/public``.
    :ivar go: lets ``/wait`` and ``/public`` answer, and ``/late`` send its body.
    """

    PART = bytes(range(256)) * 256

    def __init__(self):
        self.events, self.go = [], threading.Event()

    def __call__(self, environ, start_response):
        name, _, value = environ['PATH_INFO'].lstrip('/').partition('/')
        return getattr(self, f'_{name}', self._missing)(start_response, value, environ)

    def _echo(self, start_response, _value, environ):
        body = environ['wsgi.input'].read()
        seen = {name: value for name, value in environ.items() if isinstance(value, str)}
        answer = json.dumps({**seen, 'body': body.decode('latin-1')}).encode()
        start_response('200 OK', [('Content-Type', 'application/json'), ('Content-Length', str(len(answer)))])
        return [answer]

    def _missing(self, start_response, *_):
        start_response('404 Not Found', [('Content-Length', '0')])
        return []

    def _fail(self, *_):
        raise ValueError('broken')

    def _late(self, start_response, *_):
        cherrypy.serving.load(SimpleNamespace(app=None), SimpleNamespace(stream=True))
        start_response('200 OK', [('Content-Length', '2')])
        return (part for part in (b'ok',) if self.go.wait(PATIENCE))

    def _wait(self, start_response, *_):
        self.events.append('waits')
        self.go.wait(PATIENCE)
        start_response('200 OK', [('Content-Length', '2')])
        return [b'ok']

    def _public(self, start_response, *_):
        request = SimpleNamespace(app=self, spm=RequestState(is_public=True))
        cherrypy.serving.load(request, SimpleNamespace(stream=False))
        return self._wait(start_response)

    def _stream(self, start_response, size, _environ):
        start_response('200 OK', [('Content-Length', size)])
        return self._parts(int(size))

    def _whole(self, start_response, size, _environ):
        start_response('200 OK', [('Content-Length', size)])
        return [b'x' * int(size)]

    def _endless(self, start_response, *_):
        start_response('200 OK', [])
        return self._parts(10 * len(self.PART))

    def _parts(self, size):
        cherrypy.serving.load(SimpleNamespace(app=None), SimpleNamespace(stream=True))
        return self._generate(size)

    def _generate(self, size):
        try:
            for offset in range(0, size, len(self.PART)):
                yield self.PART[:size - offset]
            self.events.append('last byte sent')
        finally:
            self.events.append('closed')


class _File(io.BufferedReader):
    """What comes from a connection. It stays open after a response, unlike a file of ``http.client``."""

    def close(self):
        """Keep what was read of the next response."""


class Caller:
    """A connection to the front.

    :param buffer: how many bytes the system receives for it, about.
    """

    def __init__(self, address, buffer=None):
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address)
        self._file = _File(self.socket.makefile('rb', buffering=0))

    def send(self, data):
        self.socket.sendall(data)
        return self

    def answer(self, method='GET'):
        """Read a response; return it with its ``content``."""
        response = http.client.HTTPResponse(SimpleNamespace(makefile=lambda _mode: self._file), method=method)
        response.begin()
        response.content = response.read()
        return response

    def rest(self):
        """Return what comes until the server closes the connection."""
        received = b''
        with contextlib.suppress(ConnectionResetError):
            while data := self._file.read1():
                received += data
        return received

    def get(self, path, *headers):
        return self.send('\r\n'.join([f'GET {path} HTTP/1.1', 'Host: x', *headers, '', '']).encode('latin-1'))

    def close(self):
        io.BufferedReader.close(self._file)
        self.socket.close()


class Serving:
    """A front that serves ``toy`` at ``address``; :meth:`call` connects to it."""

    def __init__(self, toy, address, server):
        self.toy, self.address, self.server = toy, address, server
        self._callers = []

    def call(self, buffer=None):
        self._callers.append(Caller(self.address, buffer))
        return self._callers[-1]

    def stop(self):
        self.server.should_exit = True

    def close(self):
        for one in self._callers:
            one.close()


@pytest.fixture
def serve(monkeypatch):
    """A maker of fronts: ``serve(threads=4, access_log=...)``."""
    from slicer_package_manager.front import server, versions
    from slicer_package_manager.rest.middleware import upload_bodies
    # There is no database to look a token up in, or to ask whether it answers.
    monkeypatch.setattr(versions.data_version, 'version', int)
    monkeypatch.setattr(versions.database_outage, 'lost', lambda: False)
    monkeypatch.setattr(upload_bodies, 'has_token', lambda environ: environ['QUERY_STRING'] == 'token=x')
    servers, threads, made = [], [], []

    class Known(uvicorn.Server):
        def __init__(self, config):
            super().__init__(config)
            servers.append(self)
    monkeypatch.setattr(uvicorn, 'Server', Known)

    def start(threads_=4, access_log=None, alive=lambda: None):
        toy, listener = Toy(), socket.create_server(('127.0.0.1', 0))
        address = listener.getsockname()
        threads.append(threading.Thread(target=server.run, args=(listener, toy, threads_, 1, access_log, alive)))
        threads[-1].start()
        poll(lambda: len(servers) == len(threads) and servers[-1].started, 'the front serves')
        made.append(Serving(toy, address, servers[-1]))
        return made[-1]
    try:
        yield start
    finally:
        for one in made:
            one.toy.go.set()
            one.close()
            one.stop()
        for thread in threads:
            thread.join(PATIENCE)


@pytest.fixture
def front(serve):
    return serve()
