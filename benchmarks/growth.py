"""The cost of calls on our server with many packages, relative to our server with few."""
from __future__ import annotations

import statistics
import time
from urllib.parse import urlencode

import httpx

from benchmarks import archive, calls, data, extensions, processes, servers, traffic
from benchmarks.servers import LARGE
from plugin_tests.servers import starter

#: A release of a few extensions is enough: it is the drafts that are many.
_LISTED = 20
#: Where time is counted and not answers, more of them would only wait.
_CLIENTS = 2
_HEALTH = '/api/v1/slicer_package_manager/health'


def _grown(server, options, few, many):
    archive.grow(server, many if server.side == LARGE else few, options._replace(listed=_LISTED))


def listed(server, options):
    """The list of one draft, which has the same extensions on both servers."""
    _grown(server, options, options.few, options.many)
    system, arch = extensions.SYSTEMS[0]
    query = {'app_revision': str(archive.FIRST + 1), 'os': system, 'arch': arch, 'limit': 0}
    return [f'/api/v1/app/{data.app(server)}/extension?{urlencode(query)}']


def search(words):
    def setup(server, options):
        _grown(server, options, options.some, options.most)
        return [f'/api/v1/app/{data.app(server)}/extension?{urlencode({"q": word})}' for word in words]
    return setup


def counted(of):
    """Downloads after many others were counted."""
    def setup(server, options):
        paths = of(server, options)
        archive.count(server, options.counts)
        return paths
    return setup


def downloads(of):
    """Downloads of the release; on the large server, many other packages have been counted before."""
    def setup(server, options):
        paths = of(server, options._replace(listed=_LISTED))
        if server.side == LARGE:
            _grown(server, options, options.some, options.most)
            archive.count(server, options.counts)
        return paths
    return setup


def cost(server, paths, options):
    """Milliseconds of the processors' time that a request costs, that of the database included."""
    return _cost(server, paths, options, [*processes.tree(server.process.pid), servers.mongod(server)])


def database_cost(server, paths, options):
    """Milliseconds of the processors' time that a request costs in the database."""
    return _cost(server, paths, options, [servers.mongod(server)])


def _cost(server, paths, options, pids):
    return processes.cost(
        pids, lambda: traffic.requests(server.port, paths, clients=_CLIENTS, seconds=options.seconds))


def pages(server, options):
    """What is made anew for the first visitor after each change, and depends on all packages and counts."""
    _grown(server, options, options.some, options.most)
    archive.count(server, options.counts)
    return ['/', '/download', '/catalog', f'/api/v1/app/{data.app(server)}/popularity']


def slowest_after_change(server, paths, options):
    """Milliseconds that the slowest of ``paths`` takes, each time after an extension has changed: its median."""
    times = {path: [] for path in paths}
    end = time.monotonic() + options.seconds * len(paths)
    with httpx.Client(base_url=f'http://127.0.0.1:{server.port}', timeout=120) as client:
        while time.monotonic() < end or not all(times.values()):
            for path in paths:
                form = extensions.form(0, extensions.SYSTEMS[0], str(archive.FIRST + 1))
                data.post(server, 'extension', {**form, 'description': f'Changed at {time.time()}.'})
                begun = time.perf_counter()
                client.get(path, headers={'Accept': 'text/html'}).raise_for_status()
                times[path].append(1000 * (time.perf_counter() - begun))
    return max(map(statistics.median, times.values()))


def start(server, _paths, _options):
    """Seconds from the command ``serve`` until the new server says that it is healthy."""
    with starter(server.folder) as command:
        port = servers.free_port()
        begun = time.perf_counter()
        command('--database', server.database, '--port', str(port), '--workers', '1')
        while not _healthy(port):
            time.sleep(0.02)
            if time.perf_counter() - begun > 120:
                raise RuntimeError('The server did not get healthy.')
        return time.perf_counter() - begun


def _healthy(port):
    try:
        return httpx.get(f'http://127.0.0.1:{port}{_HEALTH}', timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


counted_files = counted(calls.small_files)
counted_links = counted(calls.links)
files = downloads(calls.small_files)
links = downloads(calls.links)
common = search(extensions.WORDS)
name = search([extensions.metadata(number)['baseName'] for number in range(0, 160, 20)])
