"""Uploads and downloads of large files."""
from __future__ import annotations

import hashlib
import itertools
import time

from benchmarks import data, extensions, traffic
from benchmarks.data import MIB
from benchmarks.processes import Peak

LARGE = 200 * MIB
HUGE = 1024 * MIB
#: Slicer builds with Qt 5 call themselves just that; ours streams linked files to them.
_STREAMED = {'User-Agent': 'Mozilla/5.0'}
_numbers = itertools.count(1)


def new_item(server, _options):
    """What uploads need: what else the server has does not matter to them."""
    return data.app(server)


def upload(server, _made, _options):
    """MiB per second of an upload as girder-client does it, to a new item each time."""
    item = data.extension(server)
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
    if not server.is_ours:
        return stored(HUGE)(server, options)
    digest = hashlib.sha512()
    for _ in range(HUGE // MIB):
        digest.update(bytes(MIB))
    form = extensions.form(0, extensions.SYSTEMS[1], data.REVISION)
    item = data.linked_extension(server, {**form, 'baseName': 'Elsewhere'}, f'{server.origin}/{HUGE}', size=HUGE,
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
