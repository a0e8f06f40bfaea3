"""Memory and disk usage of our server for different numbers of packages: ``python -m benchmarks.sizes``.

Packages have no bytes here, so that what is measured is what the registry needs for itself.
"""
from __future__ import annotations

import os
import platform
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import click
import httpx
import pymongo

from benchmarks import archive, data, extensions, origin, processes, servers
from benchmarks.options import FULL
from benchmarks.servers import OURS, Run

#: Nothing, 12 000 packages and extensions, and 150 000, as drafts with 200 extensions for three systems.
_DRAFTS = (0, FULL.some, FULL.most)
_COUNTS = 100_000
_LISTED = 20
_MIB = 1024 * 1024
_HEAD = ('There are', 'One process', 'Its PSS', 'Together (PSS)', 'mongod', 'Data', 'Data on disk', 'Indexes on disk')


class Size(NamedTuple):
    """What there is, and what it takes in MiB."""

    title: str
    process: float
    process_pss: float
    server_pss: float
    mongod: float
    documents: float
    storage: float
    indexes: float


def measure(server, title):
    """What ``server`` takes now, in which there is what ``title`` says."""
    pids = processes.tree(server.process.pid)
    workers = processes.tree(server.process.pid)[1:]
    with pymongo.MongoClient(server.database) as client:
        client.admin.command('fsync')
        stats = client.get_database().command('dbStats', scale=_MIB)
    return Size(title, max(processes.mebibytes(pid, 'status', 'VmRSS') for pid in workers),
                max(processes.mebibytes(pid, 'smaps_rollup', 'Pss') for pid in workers),
                sum(processes.mebibytes(pid, 'smaps_rollup', 'Pss') for pid in pids),
                processes.mebibytes(servers.mongod(server), 'status', 'VmRSS'),
                stats['dataSize'], stats['storageSize'], stats['indexSize'])


def _use(server, drafts):
    """Have the server answer what a day asks: the lists of all systems in the newest drafts, searches, statistics."""
    app = f'/app/{data.app(server)}'
    newest = [str(archive.FIRST + number) for number in range(max(drafts - 30, 0), drafts)]
    with httpx.Client(base_url=server.api, timeout=600) as client:
        for _ in range(4):  # so that each process has its share
            for revision in newest:
                for system, arch in extensions.SYSTEMS:
                    client.get(f'{app}/extension', params={
                        'app_revision': revision, 'os': system, 'arch': arch, 'limit': 0}).raise_for_status()
            for word in extensions.WORDS:
                client.get(f'{app}/extension', params={'q': word}).raise_for_status()
            client.get(f'{app}/downloadstats').raise_for_status()


def sizes(server):
    """What ``server`` takes at each step, as it gets more."""
    options = FULL._replace(listed=_LISTED, counted=0)
    for drafts in _DRAFTS:
        if drafts:
            archive.grow(server, drafts, options)
        _use(server, drafts)
        number = drafts * options.systems * (options.extensions + 1)
        yield measure(server, f'{number:,} packages' if drafts else 'an empty archive')
    archive.count(server, _COUNTS)
    _use(server, _DRAFTS[-1])
    yield measure(server, f'the same, {_COUNTS:,} of them downloaded')


def table(found):
    """The sizes as Markdown."""
    rows = [_HEAD, ['---', *['---:'] * (len(_HEAD) - 1)]]
    rows += [[size.title, *(f'{value:.0f}' for value in size[1:])] for size in found]
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


@click.command()
@click.option('--workers', type=click.IntRange(1), default=2, show_default=True, help='Processes of the server.')
@click.option('--output', type=click.Path(path_type=Path), help='Write the table to this file too.')
def main(workers, output):
    """Measure the memory and disk usage of our server, from empty to large; takes some minutes."""
    with origin.running() as elsewhere, servers.start(OURS, sys.executable, elsewhere, Run(workers)) as server:
        text = table(list(sizes(server)))
    click.echo(text)
    if output:
        now = f'{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}'
        output.write_text(f'# sizes, {now}\n\nIn MiB; {workers} processes, Python {platform.python_version()}, '
                          f'{os.cpu_count()} processors.\n\n{text}\n')


if __name__ == '__main__':
    main()
