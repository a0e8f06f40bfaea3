"""Loads: many small requests at once by wrk, or by Python where it is missing, and single large transfers."""
from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

_PROCESSES = 2
_BUFFER = 1024 * 1024
_SCRIPT = Path(__file__).with_name('rotate.lua')


class Traffic(NamedTuple):
    """What came of a load; ``failed`` are answers of 400 and above, and broken connections."""

    requests: int
    seconds: float
    failed: int

    @property
    def rate(self):
        """Requests per second.

        :raises RuntimeError: a request failed, so the rate is meaningless.
        """
        if self.failed:
            raise RuntimeError(f'{self.failed} of {self.requests} requests failed.')
        return self.requests / self.seconds


def requests(port, paths, *, clients, seconds, headers=None):
    """Request ``paths`` in turns over ``clients`` persistent connections, for some ``seconds``.

    Longer if no answer comes within that time.
    """
    done = (_wrk if shutil.which('wrk') else _python)(port, paths, clients, seconds, headers or {})
    if done.requests or done.failed:
        return done
    return requests(port, paths, clients=clients, seconds=2 * seconds, headers=headers)


def _wrk(port, paths, clients, seconds, headers):
    with tempfile.NamedTemporaryFile('w', suffix='.paths') as file:
        file.write('\n'.join(paths) + '\n')
        file.flush()
        output = subprocess.run(
            ['wrk', '--threads', '1', '--connections', str(clients), '--duration', f'{seconds}s', '--timeout', '120s',
             *(f'--header={name}: {value}' for name, value in headers.items()),
             '--script', str(_SCRIPT), f'http://127.0.0.1:{port}', '--', file.name],
            check=True, capture_output=True, text=True).stdout
    return Traffic(**json.loads(output.splitlines()[-1]))


def _python(port, paths, clients, seconds, headers):
    shares = [(port, paths[number::_PROCESSES] or paths, max(clients // _PROCESSES, 1), seconds, headers)
              for number in range(_PROCESSES)]
    with ProcessPoolExecutor(_PROCESSES) as pool:
        parts = list(pool.map(_python_share, shares))
    return Traffic(sum(part.requests for part in parts), max(part.seconds for part in parts),
                   sum(part.failed for part in parts))


def _python_share(share):
    port, paths, clients, seconds, headers = share
    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        done = list(pool.map(lambda number: _ask(port, paths, number, begun + seconds, headers), range(clients)))
    return Traffic(sum(requests for requests, _ in done), time.perf_counter() - begun,
                   sum(failed for _, failed in done))


def _ask(port, paths, number, until, headers):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=120)
    asked = failed = 0
    while time.perf_counter() < until:
        try:
            connection.request('GET', paths[(number + asked) % len(paths)], headers=headers)
            response = connection.getresponse()
            response.read()
            failed += response.status >= http.HTTPStatus.BAD_REQUEST
        except (OSError, http.client.HTTPException):
            failed += 1
            connection.close()
        asked += 1
    connection.close()
    return asked, failed


def receive(port, path, headers=None):
    """Download ``path`` completely; return its size and the duration in seconds."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=600)
    buffer = memoryview(bytearray(_BUFFER))
    begun = time.perf_counter()
    connection.request('GET', path, headers=headers or {})
    response = connection.getresponse()
    if response.status != http.HTTPStatus.OK:
        raise RuntimeError(f'{path} was answered with {response.status}: {response.read(500)!r}')
    size = 0
    while count := response.readinto(buffer):
        size += count
    seconds = time.perf_counter() - begun
    connection.close()
    return size, seconds


def send(port, path, content, headers):
    """Send ``content`` as the body of a request; return the response."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=600)
    connection.request('POST', path, body=content,
                       headers={'Content-Type': 'application/octet-stream', **headers})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != http.HTTPStatus.OK:
        raise RuntimeError(f'{path} was answered with {response.status}: {answer[:500]!r}')
    return json.loads(answer)
