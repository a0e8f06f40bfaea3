"""Ports for servers that cannot choose one by themselves."""
import contextlib
import socket


def free_ports(number):
    """So many free ports on loopback, different ones."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(('127.0.0.1', 0))
        return [one.getsockname()[1] for one in sockets]
