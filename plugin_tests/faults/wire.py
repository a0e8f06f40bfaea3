"""The way from the server to its database, which may be slow, or lead nowhere for a while."""
import contextlib
import socket
import threading


class Wire:
    """Passes bytes on between clients of ``port`` and a server on the loopback port ``target``.

    Each reply comes ``delay`` seconds later. While it is :meth:`cut`, connections stay, and nothing passes.
    """

    def __init__(self, target):
        self._target = target
        self._passes = threading.Event()
        self._passes.set()
        self._ended = threading.Event()
        self._sockets = []
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        self.delay = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Let nothing pass any more."""
        self._passes.clear()

    def mend(self):
        """Let everything pass again, at once."""
        self.delay = 0.0
        self._passes.set()

    def end(self):
        """Close all connections."""
        self._ended.set()
        self._passes.set()
        # A thread that waits for a connection does not notice that the socket is closed.
        self._listener.shutdown(socket.SHUT_RDWR)
        for one in (self._listener, *self._sockets):
            _close(one)

    def _accept(self):
        with contextlib.suppress(OSError):
            while not self._ended.is_set():
                client, _ = self._listener.accept()
                self._sockets.append(client)
                try:
                    server = socket.create_connection(('127.0.0.1', self._target))
                except OSError:
                    _close(client)
                    continue
                self._sockets.append(server)
                for args in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass, args=args, daemon=True).start()

    def _pass(self, source, target, is_reply):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_reply and self.delay:
                    self._ended.wait(self.delay)
                self._passes.wait()
                target.sendall(data)
        _close(source)
        _close(target)


def _close(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
