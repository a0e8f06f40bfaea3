"""Speed, memory and size of the client's command line: ``python -m benchmarks.command_line --older-client PROGRAM``.

This client and the older one, 0.11, take turns with the same server, so that the noise of the machine affects both.
"""
from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import time
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click

from benchmarks import data, servers
from benchmarks.data import MIB
from benchmarks.endurance import Check, table
from benchmarks.processes import mebibytes
from benchmarks.servers import OURS, Run

_CLIENT = Path(__file__).parent.parent / 'python_client'
_NAME = 'slicer_package_manager_client'
_LARGE = 2048 * MIB
#: Seconds between two looks at a command.
_PAUSE = 0.01
_HELP_SECONDS, _BYTE_SECONDS, _TIMES, _MEMORY, _PACKAGES, _INSTALLED = 0.15, 0.5, 2.5, 60, 15, 40


class Cost(NamedTuple):
    """What a command has cost: seconds, seconds of a processor, and MiB of resident memory at most."""

    seconds: float
    processor: float
    memory: float


def run(*command):
    """Run ``command``, which must succeed; return its :class:`Cost`."""
    begun, memory = time.perf_counter(), 0.0
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=_environment())
    # The largest memory that the system reports at the end may be that of this process, before it became another one.
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        with contextlib.suppress(OSError, StopIteration):  # it ends meanwhile
            memory = max(memory, mebibytes(process.pid, 'status', 'VmHWM'))
        time.sleep(_PAUSE)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f'{command[0]} ended with status {process.returncode}.')
    return Cost(seconds, usage.ru_utime + usage.ru_stime, memory)


def _environment():
    """The variables of this process, with bytecode: without it, each start compiles all modules."""
    return {name: value for name, value in os.environ.items() if name != 'PYTHONDONTWRITEBYTECODE'}


def starts(programs, turns):
    """The processor time of ``--help``, for this client and the older one."""
    costs = [[run(program, '--help') for program in programs] for _ in range(turns)]
    ours, older = (statistics.median(cost.processor for cost in side) for side in zip(*costs, strict=True))
    wall = min(cost.seconds for cost, _older in costs)
    target = f'< {_HELP_SECONDS} s'
    yield Check('--help', 'processor', f'{ours:.3f} s, older {older:.3f} s', target, ours < _HELP_SECONDS)
    yield Check('--help', 'time, at least', f'{wall:.3f} s', target, wall < _HELP_SECONDS)


def first_bytes(programs, turns):
    """The time from the start of a command to its first byte on the network."""
    times = [[_first_byte(program) for program in programs] for _ in range(turns)]
    ours, older = (list(side) for side in zip(*times, strict=True))
    yield Check('first byte', 'time, at least', f'{min(ours):.2f} s, median {statistics.median(ours):.2f} s; older '
                f'{min(older):.2f} s, median {statistics.median(older):.2f} s', f'< {_BYTE_SECONDS} s',
                min(ours) < _BYTE_SECONDS)


def _first_byte(program):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        url = f'http://127.0.0.1:{listener.getsockname()[1]}/api/v1'
        begun = time.perf_counter()
        with subprocess.Popen([program, '--api-url', url, '--api-key', 'k', 'app', 'list'], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=_environment()) as process:
            connection = listener.accept()[0]
            with connection:
                connection.recv(1)
                seconds = time.perf_counter() - begun
                process.kill()
    return seconds


def archive(path, seed):
    """Write a tar archive of 1 MiB that cannot be compressed."""
    content = random.Random(seed).randbytes(MIB)
    with tarfile.open(path, 'w:gz', compresslevel=1) as made:
        entry = tarfile.TarInfo(f'{path.name.removesuffix(".tar.gz")}/content')
        entry.size = len(content)
        made.addfile(entry, BytesIO(content))


def night(server, key, programs, folder, files, turns):
    """How many times as fast ``files`` archives are uploaded, by one command and by a command for each."""
    ours, older = ([program, '--api-url', server.api, '--api-key', key, 'extension', 'upload', 'Slicer']
                   for program in programs)
    ratios, rates = [], []
    for turn in range(turns):
        paths = [folder / f'{40000 + turn}-linux-amd64-Ext{number}-gita{number}-2026-11-01.tar.gz'
                 for number in range(files)]
        for number, path in enumerate(paths):
            archive(path, number)
        together = run(*ours, '-j', '4', '--repo_url', 'https://x.org', *paths).seconds
        alone = sum(run(*older, path, '--os', 'linux', '--arch', 'amd64', '--name', f'Ext{number}', '--repo_type',
                        'git', '--repo_url', 'https://x.org', '--revision', f'a{number}', '--app_revision',
                        f'{50000 + turn}').seconds for number, path in enumerate(paths))
        for revision in (40000 + turn, 50000 + turn):  # the older client succeeds whatever happens
            _require(server, revision, files)
        ratios.append(alone / together)
        rates.append(files / together)
        for path in paths:
            path.unlink()
    ratio = statistics.median(ratios)
    yield Check(f'{files} archives of 1 MiB', 'times as fast as the older client', f'{ratio:.1f} ({min(ratios):.1f} to '
                f'{max(ratios):.1f}), {statistics.median(rates):.1f} archives/s', f'{_TIMES}', ratio >= _TIMES)


def _require(server, revision, files):
    found = data.api(server).get(f'/app/{data.app(server)}/extension', params={'app_revision': revision, 'limit': 0})
    if len(found.json()) != files or not all(item['size'] for item in found.json()):
        raise RuntimeError(f'There are {len(found.json())} extensions of revision {revision} instead of {files}.')


def large(server, key, program, folder):
    """Memory and speed of an upload and a download of 2 GiB."""
    path, block = folder / 'Slicer-5.9.0-2026-11-01-linux-amd64.tar.zst', random.Random(0).randbytes(MIB)
    with path.open('wb') as stream:
        stream.write(b'(\xb5/\xfd' + block[4:])  # an archive compressed with Zstandard begins so
        for _ in range(_LARGE // MIB - 1):
            stream.write(block)
    command = [program, '--api-url', server.api, '--api-key', key, 'package']
    up = run(*command, 'upload', 'Slicer', path, '--revision', '60000')
    down = run(*command, 'download', 'Slicer', 'Slicer', '--os', 'linux', '--arch', 'amd64', '--revision', '60000',
               '--output', folder / 'back')
    if (folder / 'back').stat().st_size != _LARGE:
        raise RuntimeError('The download is not complete.')
    for what, cost in (('upload', up), ('download', down)):
        yield Check('2 GiB', f'{what}, memory', f'{cost.memory:.0f} MiB, {_LARGE / MIB / cost.seconds:.0f} MiB/s',
                    f'< {_MEMORY} MiB', cost.memory < _MEMORY)


def installed(folder):
    """The number and the size of the packages that an installation of the client has."""
    source, target = folder / 'source', folder / 'installed'
    shutil.copytree(_CLIENT, source, ignore=shutil.ignore_patterns('*.egg-info', 'build', '__pycache__'))
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--target', target, source], check=True)
    packages = len(list(target.glob('*.dist-info')))
    size = sum(path.stat().st_size for path in target.rglob('*') if path.is_file()) / MIB
    yield Check('installation', 'packages', str(packages), f'< {_PACKAGES}', packages < _PACKAGES)
    yield Check('installation', 'size', f'{size:.0f} MiB', f'< {_INSTALLED} MiB', size < _INSTALLED)


def _all(programs, folder, files, turns):
    yield from installed(folder)
    yield from starts(programs, 5 * turns)
    yield from first_bytes(programs, 5 * turns)
    with servers.start(OURS, Path(sys.executable), None, Run(2)) as server:
        data.app(server)
        key = data.api(server).ask('POST', '/api_key', name='benchmark')['key']
        yield from night(server, key, programs, folder, files, turns)
        yield from large(server, key, programs[0], folder)


@click.command()
@click.option('--client', default=Path(sys.executable).with_name(_NAME), type=click.Path(exists=True),
              help='The program of this client.  [default: that of this environment]')
@click.option('--older-client', required=True, type=click.Path(exists=True), help='The program of the client 0.11.')
@click.option('--files', type=click.IntRange(1), default=256, show_default=True, help='Archives of a night.')
@click.option('--turns', type=click.IntRange(1), default=3, show_default=True, help='How often both take a turn.')
def main(client, older_client, files, turns):
    """Measure the client beside the older one; fails if a target is missed."""
    checks = []
    with TemporaryDirectory(prefix='spm-benchmark-') as name:
        for check in _all((client, older_client), Path(name), files, turns):
            checks.append(check)
            click.echo(f'{check.load}: {check.what} {check.measured}', err=True)
    click.echo(table(checks))
    sys.exit(not all(check.is_met for check in checks))


if __name__ == '__main__':
    main()
