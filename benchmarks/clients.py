"""The clients of :mod:`endurance`, in a process of their own: ``python -m benchmarks.clients``.

Reads a :class:`Load` as a line of JSON from its standard input. Prints a line when all slow clients are connected,
works until its standard input ends or the time is over, and prints what was answered.
"""
from __future__ import annotations

import asyncio
import itertools
import json
import socket
import sys
from collections import Counter
from typing import NamedTuple

#: Seconds after which a slow client begins again: the server ends the slowest of them after 30 seconds.
_AGAIN = 20
#: Source addresses, all on loopback: one address may have only a part of the server.
_ADDRESSES = [f'127.0.0.{number}' for number in range(2, 18)]
_MOST_AT_ONCE = 2000
_SMALLEST_BUFFER = 4096


class Load(NamedTuple):
    """What the clients do.

    :param slow: so many clients of each kind: ``idle`` ones send nothing, ``heads`` and ``bodies`` half of them, and
        ``downloads`` take nothing of ``file``.
    :param paths: what is requested at ``rate`` per second for ``seconds``, whether it is answered or not.
    """

    port: int
    slow: dict
    file: str = ''
    paths: tuple = ()
    rate: float = 0
    seconds: float = 0


def _beginning(kind, file):
    return {'idle': '', 'heads': 'GET /api/v1/app HTTP/1.1\r\nHo',
            'bodies': 'POST /api/v1/app HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nname=',
            'downloads': f'GET {file} HTTP/1.1\r\nHost: x\r\n\r\n'}[kind].encode()


async def _stay_slow(port, beginning, address, connected):
    """Connect and begin a request again and again, and take no response."""
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as one:
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALLEST_BUFFER)
            one.bind((address, 0))
            await loop.sock_connect(one, ('127.0.0.1', port))
            await loop.sock_sendall(one, beginning)
            connected.release()
            await asyncio.sleep(_AGAIN)


class _Requests:
    """Requests over connections that are kept, and the number of ``answers`` by status."""

    def __init__(self, port):
        self._port, self._free, self._at_once = port, [], 0
        self._addresses = itertools.cycle(_ADDRESSES)
        self.answers = Counter()

    async def offer(self, load):
        """Begin requests at the rate of ``load``, until its time is over."""
        loop = asyncio.get_running_loop()
        begun, tasks = loop.time(), set()
        for number in range(int(load.rate * load.seconds)):
            await asyncio.sleep(begun + number / load.rate - loop.time())
            if self._at_once >= _MOST_AT_ONCE:
                self.answers['not begun'] += 1
                continue
            self._at_once += 1
            task = loop.create_task(self._ask(load.paths[number % len(load.paths)]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _ask(self, path):
        try:
            connection = self._free.pop() if self._free else await asyncio.open_connection(
                '127.0.0.1', self._port, local_addr=(next(self._addresses), 0))
            self.answers[await _status(*connection, path)] += 1
            self._free.append(connection)
        except (OSError, EOFError):
            self.answers['broken'] += 1
        finally:
            self._at_once -= 1


async def _status(reader, writer, path):
    """Request ``path``; return the status of the response, and for 503 whether it says when to try again."""
    writer.write(f'GET {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
    head = (await reader.readuntil(b'\r\n\r\n')).decode('latin-1').lower()
    headers = dict(line.split(': ', 1) for line in head.split('\r\n')[1:] if line)
    await reader.readexactly(int(headers.get('content-length', 0)))
    status = head.split()[1]
    return f'{status} without retry-after' if status == '503' and 'retry-after' not in headers else status


async def _work(load):
    connected = asyncio.Semaphore(0)
    wanted = [kind for kind, number in load.slow.items() for _ in range(number)]
    slow = [asyncio.create_task(_stay_slow(load.port, _beginning(kind, load.file), address, connected))
            for kind, address in zip(wanted, itertools.cycle(_ADDRESSES), strict=False)]
    for _ in slow:
        await connected.acquire()
    print('connected', flush=True)
    requests = _Requests(load.port)
    if load.rate:
        await requests.offer(load)
    else:
        await asyncio.to_thread(sys.stdin.read)
    for task in slow:
        task.cancel()
    print(json.dumps(requests.answers), flush=True)


if __name__ == '__main__':
    asyncio.run(_work(Load(**json.loads(sys.stdin.readline()))))
