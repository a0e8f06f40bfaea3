"""The address that the server listens on."""
import errno
import socket
from typing import Any

from slicer_package_manager.cli.errors import ServeError

_BACKLOG = 2048
# A connection is closed two minutes after its client has vanished, or has stopped taking what is sent.
_PATIENCE = {'TCP_KEEPIDLE': 60, 'TCP_KEEPINTVL': 15, 'TCP_KEEPCNT': 4, 'TCP_USER_TIMEOUT': 120_000}
_ANY = {'0.0.0.0': '127.0.0.1', '::': '::1'}  # noqa: S104 - compared with, not bound to


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on ``host`` and ``port``; port 0 selects a free one.

    :raises ServeError: the port is taken, or the address is not one of this machine.
    """
    family, address = _resolve(host, port)
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise ServeError(_refusal(host, port, error)) from error
    _detect_vanished_clients(listener)
    return listener


def reachable_at(listener: socket.socket) -> tuple[str, int]:
    """A host and port under which a client on this machine reaches ``listener``."""
    host, port = listener.getsockname()[:2]
    return _ANY.get(host, host), port


def url_of(host: str, port: int) -> str:
    """The URL of ``host``, an IPv6 address or not, and ``port``."""
    return f'http://[{host}]:{port}' if ':' in host else f'http://{host}:{port}'


def _resolve(host: str, port: int) -> tuple[int, tuple[Any, ...]]:  # the form of an address depends on its family
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ServeError(f'Cannot find the address of "{host}": {error}. '
                         'Choose another with --host.') from error
    # A name such as "localhost" may have addresses of both families; every client can use IPv4.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _detect_vanished_clients(listener: socket.socket) -> None:
    """Accepted connections inherit these options."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PATIENCE.items():
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (f'Port {port} on {host} is taken. Stop the program that uses it, or choose another port with '
                '--port (0 selects a free one).')
    if error.errno == errno.EACCES:
        return f'No permission to use port {port}. Choose one above 1023 with --port.'
    if error.errno == errno.EADDRNOTAVAIL:
        return f'{host} is not an address of this machine. Choose another with --host.'
    return f'Cannot listen on {host}, port {port}: {error.strerror}.'
