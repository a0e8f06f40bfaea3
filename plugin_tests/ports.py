"""Ports for servers that cannot choose one by themselves."""
import contextlib
import random
import socket

#: Below those that systems give to outgoing connections, any of which would take a port that is free now.
_PORTS = range(12_000, 32_000)


def free_ports(number):
    """So many free ports on loopback, different ones."""
    with contextlib.ExitStack() as stack:
        return [_bound(stack.enter_context(socket.socket())) for _ in range(number)]


def _bound(one):
    for port in random.sample(_PORTS, 100):
        with contextlib.suppress(OSError):
            one.bind(('127.0.0.1', port))
            return port
    raise RuntimeError('None of 100 ports is free.')
