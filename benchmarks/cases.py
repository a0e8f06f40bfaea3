"""What is measured: one table for each suite.

A new case is two small functions and a line in a table: ``setup(server, options)`` loads what the case needs and
gives what ``load(server, made, options)`` takes, which runs one turn and gives a number.
"""
from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import data, traffic
from benchmarks.data import MIB
from benchmarks.memory import Peak
from benchmarks.servers import OURS

LARGE = 200 * MIB
HUGE = 1024 * MIB
#: Slicer builds with Qt 5 call themselves just that; ours streams linked files to them.
_STREAMED = {'User-Agent': 'Mozilla/5.0'}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Case:
    """Something that both servers do.

    :param better: ``'more'`` or ``'less'``.
    :param target: how many times as good as the peer ours is to be.
    :param turns: how often it runs; ``None`` for as often as asked for on the command line.
    """

    name: str
    unit: str
    better: str
    setup: Callable
    load: Callable
    target: float = 1.0
    turns: int | None = None


def small_files(server, options):
    catalog = data.catalog(server, options.counted)
    return catalog.paths(catalog.files)


def links(server, options):
    catalog = data.catalog(server, options.counted)
    return catalog.paths(catalog.links)


def rate(server, paths, options):
    return traffic.requests(server.port, paths, clients=options.clients, seconds=options.seconds).rate


def new_item(server, _options):
    """What uploads need: what else the server has does not matter to them."""
    return data.app(server)


def upload(server, _made, _options):
    """MiB per second of an upload as girder-client does it, to a new item each time."""
    item = data.extension(server, f'Uploaded{next(_numbers)}')
    parts = list(data.chunks(LARGE, next(_numbers)))
    headers = {'Girder-Token': data.api(server).headers['Girder-Token']}
    begun = time.perf_counter()
    started = traffic.send(server.port, f'/api/v1/file?parentType=item&parentId={item}&name=large.bin&size={LARGE}',
                           b'', headers)
    sent = 0
    for part in parts:
        traffic.send(server.port, f'/api/v1/file/chunk?uploadId={started["_id"]}&offset={sent}', part, headers)
        sent += len(part)
    seconds = time.perf_counter() - begun
    data.api(server).ask('DELETE', f'/item/{item}')
    return LARGE / MIB / seconds


def stored(size):
    def setup(server, _options):
        return f'/api/v1/item/{data.large(server, size)}/download'
    return setup


def download(server, path, _options):
    """MiB per second of one download."""
    size, seconds = traffic.receive(server.port, path)
    return size / MIB / seconds


def elsewhere(server, options):
    """On ours an extension whose file is hosted elsewhere, on the peer, which cannot stream those, a stored one."""
    if server.side != OURS:
        return stored(HUGE)(server, options)
    digest = hashlib.sha512()
    for _ in range(HUGE // MIB):
        digest.update(bytes(MIB))
    item = data.linked_extension(server, 'Elsewhere', f'{server.origin}/{HUGE}', size=HUGE,
                                 sha512=digest.hexdigest())
    return f'/api/v1/item/{item}/download'


def growth(server, path, _options):
    """MiB by which the server's processes grow, at most, while 1 GiB is downloaded.

    Less than one counts as one: what is left then is how a memory allocator happens to fill its pages.
    """
    return max(_streamed(server, path).growth, 1.0)


def resident(server, path, _options):
    """MiB that the server's processes have, at most, while 1 GiB is downloaded."""
    return _streamed(server, path).total


def _streamed(server, path):
    peak = Peak(server.process.pid)
    size, _ = traffic.receive(server.port, path, _STREAMED)
    if size != HUGE:
        raise RuntimeError(f'{path} has {size} bytes.')
    return peak


SUITES = {
    'downloads': (
        Case('small files (10 KiB), 16 clients', 'downloads/s', 'more', small_files, rate, target=1.5),
        Case('redirects, 16 clients', 'redirects/s', 'more', links, rate, target=1.5),
        Case('200 MiB upload', 'MiB/s', 'more', new_item, upload),
        Case('200 MiB download', 'MiB/s', 'more', stored(LARGE), download),
        Case('growth while streaming 1 GiB', 'MiB', 'less', stored(HUGE), growth, turns=3),
        Case('memory while streaming 1 GiB', 'MiB', 'less', stored(HUGE), resident, turns=3),
        Case('growth while streaming a 1 GiB link (peer: stored)', 'MiB', 'less', elsewhere, growth, turns=3),
        Case('memory while streaming a 1 GiB link (peer: stored)', 'MiB', 'less', elsewhere, resident, turns=3),
    ),
}
