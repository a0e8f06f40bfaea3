"""How our server endures slow clients and ten times its capacity: ``python -m benchmarks.endurance``."""
from __future__ import annotations

import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks import calls, data, origin, processes, servers, traffic
from benchmarks.clients import Load
from benchmarks.options import FULL
from benchmarks.servers import OURS, Run

HEALTH = '/api/v1/slicer_package_manager/health'
SLOW = {'idle': 2000, 'heads': 1000, 'bodies': 1000, 'downloads': 1000}
#: Seconds in which the server is as it was before, after the load has ended.
_RECOVERY = 5
_ASKED, _P99_MS, _MIB, _TIMES = 200, 200, 400, 10
_TITLES = {'idle': 'idle connections', 'heads': 'slow headers', 'bodies': 'half bodies',
           'downloads': 'stalled downloads'}
_HEAD = ('Load', 'What', 'Measured', 'Target', '')
_OPTIONS = FULL._replace(systems=1, drafts=8)


class Check(NamedTuple):
    """What was measured under a load, and whether it meets its target."""

    load: str
    what: str
    measured: str
    target: str
    is_met: bool


@contextlib.contextmanager
def clients(load):
    """Have clients work in a process of their own; yields it when they are connected."""
    process = subprocess.Popen([sys.executable, '-m', 'benchmarks.clients'], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    with process:
        try:
            process.stdin.write(json.dumps(load._asdict()) + '\n')
            process.stdin.flush()
            if process.stdout.readline() != 'connected\n':
                raise RuntimeError('The clients could not connect.')
            yield process
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.terminate()


def ask(port, path, number):
    """Request ``path`` so many times, each over a connection of its own; the milliseconds of those that succeeded."""
    times = []
    for _ in range(number):
        begun = time.perf_counter()
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
            connection.request('GET', path)
            response = connection.getresponse()
            response.read()
            connection.close()
            if response.status == http.HTTPStatus.OK:
                times.append((time.perf_counter() - begun) * 1000)
    return times


def endures(title, server, load, paths, asked=_ASKED):
    """What ``paths``, by their names, and the memory of ``server`` are while slow clients are connected."""
    with clients(load):
        for name, path in paths.items():
            times = ask(server.port, path, asked)
            p99 = sorted(times)[int(len(times) * 0.99) - 1] if times else float('inf')
            yield Check(title, name, f'{len(times)} of {asked}, p99 {p99:.0f} ms', f'all, p99 < {_P99_MS} ms',
                        len(times) == asked and p99 < _P99_MS)
        memory = sum(processes.mebibytes(pid, 'smaps_rollup', 'Pss') for pid in processes.tree(server.process.pid))
        yield Check(title, 'memory', f'{memory:.0f} MiB', f'< {_MIB} MiB', memory < _MIB)


def overload(server, searched, listed, seconds):
    """What is answered while searches, none of which is cached, are requested at ten times the possible rate."""
    paths = tuple(f'{path}&limit={number}' for number in range(1000, 3000) for path in searched)
    capacity = traffic.requests(server.port, paths[:1000], clients=16, seconds=5).rate
    peak = _rate(server, listed, 5)
    usual = statistics.median(ask(server.port, paths[-1], 9))
    title = f'{_TIMES * capacity:.0f} searches/s, capacity {capacity:.0f}/s'
    with clients(Load(server.port, {}, paths=paths[1000:], rate=_TIMES * capacity, seconds=seconds)) as process:
        during = _rate(server, listed, seconds)
        answers = json.loads(process.stdout.readline())
    yield Check(title, 'answers', ', '.join(f'{status}: {number}' for status, number in sorted(answers.items())),
                '200, 503 with Retry-After', answers.keys() <= {'200', '503', 'not begun'})
    yield Check(title, 'cached list', f'{during:.0f} of {peak:.0f}/s', 'half', during >= peak / 2)
    recovery = _recovery(server, paths, 2 * usual + 50)
    yield Check(title, 'as before', f'after {recovery:.1f} s', f'< {_RECOVERY} s', recovery < _RECOVERY)


def _rate(server, path, seconds):
    done = traffic.requests(server.port, [path], clients=8, seconds=seconds, headers=calls.GZIP)
    return (done.requests - done.failed) / done.seconds


def _recovery(server, paths, milliseconds):
    """Seconds until five searches in turn take no more than ``milliseconds``."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < 10 * _RECOVERY:
        now = time.perf_counter() - begun
        times = [one for path in paths[-5:] for one in ask(server.port, path, 1)]
        if len(times) == 5 and max(times) <= milliseconds:
            return now
    return float('inf')


def table(checks):
    """The checks as Markdown."""
    rows = [_HEAD, ['---'] * len(_HEAD), *((*check[:4], 'met' if check.is_met else '**missed**') for check in checks)]
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def _all(server, seconds, share):
    """All checks, one after the other.

    :param share: of the number of slow clients, in percent.
    """
    (listed,) = calls.listed(server, _OPTIONS)
    file = f'/api/v1/item/{data.large(server, 64 * data.MIB)}/download'
    slow = {kind: number * share // 100 for kind, number in SLOW.items()}
    loads = [*({kind: number} for kind, number in slow.items()), slow]
    for one in loads:
        title = ', '.join(f'{number} {_TITLES[kind]}' for kind, number in one.items())
        yield from endures(title, server, Load(server.port, one, file), {'health': HEALTH, 'cached list': listed})
    yield from overload(server, calls.search(server, _OPTIONS), listed, seconds)


@click.command()
@click.option('--workers', type=click.IntRange(1), default=2, show_default=True, help='Processes of the server.')
@click.option('--seconds', type=click.IntRange(5), default=60, show_default=True, help='Duration of the overload.')
@click.option('--share', type=click.IntRange(1, 100), default=100, show_default=True,
              help='Percentage of the slow clients; a process needs a file descriptor for each.')
def main(workers, seconds, share):
    """Put our server under loads that are too much for it; fails if a target is missed."""
    checks = []
    with origin.running() as elsewhere, servers.start(OURS, Path(sys.executable), elsewhere, Run(workers)) as server:
        for check in _all(server, seconds, share):
            checks.append(check)
            click.echo(f'{check.load}: {check.what} {check.measured}', err=True)
    click.echo(table(checks))
    sys.exit(not all(check.is_met for check in checks))


if __name__ == '__main__':
    main()
