"""A TCP proxy that behaves as bad networks do: refuses, resets and stalls requests that match."""
from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

UNAVAILABLE = (b'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 0\r\n'
               b'Connection: close\r\n\r\n')


@dataclass
class Rule:
    """Requests whose head holds ``pattern`` fail after ``after`` bytes, as often as ``times``.

    :param action: ``unavailable``, ``reset``, ``close``, ``garbage`` or ``hold``.
    """

    pattern: bytes
    action: str
    after: int = 0
    times: int = 1
    skip: int = 0
    happened: threading.Event = field(default_factory=threading.Event)

    def takes(self, head):
        if self.pattern not in head or self.times <= 0:
            return False
        self.skip -= 1
        if self.skip >= 0:
            return False
        self.times -= 1
        return True


class FaultyProxy:
    """Listens on loopback and forwards to ``url``.

    :param context: speak TLS to clients; the next ``handshakes`` of them are broken off.
    """

    def __init__(self, url, context=None, family=socket.AF_INET, port=0):
        self._context = context
        self.handshakes = 0
        parts = urlsplit(url)
        self._upstream = (parts.hostname, parts.port)
        self._path = parts.path
        self._listener = socket.create_server(
            ('::1' if family == socket.AF_INET6 else '127.0.0.1', port), family=family)
        self._released = threading.Event()
        self._sockets = [self._listener]
        self.rules = []
        self.sent = 0  # bytes that clients sent

    @property
    def url(self):
        return f'http{"s" if self._context else ""}://127.0.0.1:{self.port}{self._path}'

    @property
    def port(self):
        return self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._released.set()
        for one in self._sockets:
            close(one)

    def fail(self, pattern, action, **more):
        self.rules.append(Rule(pattern, action, **more))
        return self.rules[-1]

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._connect, args=(self._listener.accept()[0],), daemon=True).start()

    def _connect(self, client):
        if self.handshakes > 0:
            self.handshakes -= 1
            client.recv(10)
            close(client)
            return
        with contextlib.suppress(OSError):
            if self._context:
                client = self._context.wrap_socket(client, server_side=True)
            server = socket.create_connection(self._upstream)
            self._sockets += [client, server]
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()
            self._forward(client, server)

    def _back(self, server, client):
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
        close(client)

    def _forward(self, client, server):
        rule, passed = None, 0
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                self.sent += len(data)
                if rule is None:
                    rule = next((one for one in self.rules if one.takes(data[:2000])), None)
                passed += len(data)
                if rule is not None and passed >= rule.after:
                    self._act(rule, client)
                    break
                server.sendall(data)
        close(server)
        close(client)

    def _act(self, rule, client):
        rule.happened.set()
        if rule.action == 'unavailable':
            client.sendall(UNAVAILABLE)
        elif rule.action == 'reset':
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            client.close()
        elif rule.action == 'close':
            os.close(client.detach())  # without the farewell of TLS
        elif rule.action == 'garbage':
            os.write(client.fileno(), b'HTTP/1.1 502 Bad Gateway\r\n\r\nthe proxy restarts')
            os.close(client.detach())
        else:
            self._released.wait()


def close(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
