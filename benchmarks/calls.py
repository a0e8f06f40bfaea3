"""The calls of the registry: lists, searches, statistics, small downloads, and what build machines write."""
from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import httpx

from benchmarks import archive, data, extensions, processes, servers, traffic

GZIP = {'Accept-Encoding': 'gzip'}
_REPLACED = b'replaced'
_UPDATED = 20
_CROWD = 128
_BUILDERS = 6
_ARCHIVE = 64 * 1024
#: The draft that new extensions are posted to, so that they are in none of the measured lists.
_WRITTEN = '50000'
#: After all other revisions.
_NIGHTS = 60000
_numbers = itertools.count(1)


def _of_app(path, **query):
    """A setup that returns one path below the application, on servers with an archive."""
    return _of_paths(path, [query])


def _of_paths(path, queries):
    def setup(server, options):
        archive.grow(server, options.drafts, options)
        return [f'/api/v1/app/{data.app(server)}{path}?{urlencode(query)}' for query in queries]
    return setup


_REVISION = {'app_revision': data.REVISION, 'limit': 0, **dict(zip(('os', 'arch'), extensions.SYSTEMS[0], strict=True))}
#: Each on one extension only, with another name.
_NAMES = [extensions.metadata(number)['baseName'] for number in range(0, 160, 20)]

packages = _of_app('/package', limit=0)
drafts = _of_app('/draft', limit=0)
releases = _of_app('/release')
download_stats = _of_app('/downloadstats')


def few_download_stats(server, options):
    """The statistics of a young archive."""
    return download_stats(server, options._replace(drafts=options.few))


def counted_download_stats(server, options):
    """The same, and the paths of downloads that are counted in between."""
    return few_download_stats(server, options) + small_files(server, options)


search_in_revision = _of_paths('/extension', [{**_REVISION, 'q': word} for word in extensions.WORDS])
search = _of_paths('/extension', [{'q': word} for word in extensions.WORDS])
search_name = _of_paths('/extension', [{'q': name} for name in _NAMES])


def listed(server, options):
    """The list that Slicer asks for; checks that it is whole."""
    paths = _of_app('/extension', **_REVISION)(server, options)
    found = len(data.api(server).get(paths[0].removeprefix('/api/v1')).json())
    if found != options.listed:
        raise RuntimeError(f'The list of {server.side} has {found} instead of {options.listed} entries.')
    return paths


def version(server, _options):
    """The least that an answer of the API costs."""
    data.app(server)
    return ['/api/v1/system/version']


def item_files(server, options):
    """What Slicer asks before it downloads an extension."""
    return [f'/api/v1/item/{item}/files' for item in data.catalog(server, options).files]


def small_files(server, options):
    catalog = data.catalog(server, options)
    return catalog.paths(catalog.files)


def links(server, options):
    catalog = data.catalog(server, options)
    return catalog.paths(catalog.links)


def rate(server, paths, options):
    """Responses per second."""
    return _requests(server, paths, options).rate


def rate_of_crowd(server, paths, options):
    """Responses per second to 128 clients that accept gzip."""
    return rate_of_compressed(server, _ready(server, paths), options._replace(clients=_CROWD))


def rate_of_download_crowd(server, paths, options):
    """Downloads per second of 128 clients."""
    return rate(server, paths, options._replace(clients=_CROWD))


def cost_of_crowd(server, paths, options):
    """Milliseconds of the processors' time that the server and its database take for one of these responses."""
    pids = [*processes.tree(server.process.pid), servers.mongod(server)]
    return processes.cost(pids, lambda: _requests(server, _ready(server, paths), options._replace(clients=_CROWD),
                                                  GZIP))


def _ready(server, paths):
    """``paths`` after each was requested once, so that all of the crowd find cached responses."""
    for path in paths:
        traffic.receive(server.port, path, GZIP)
    return paths


def rate_after_download(server, paths, options):
    """Responses per second to the first of ``paths``, with a download of the second before each request."""
    answers, download, *_ = paths
    spent, done, until = 0.0, 0, time.perf_counter() + options.seconds
    while time.perf_counter() < until:
        traffic.receive(server.port, download)
        spent += traffic.receive(server.port, answers)[1]
        done += 1
    return done / spent


def rate_of_compressed(server, paths, options):
    """Responses per second to clients that accept gzip."""
    return _requests(server, paths, options, GZIP).rate


def rate_of_known(server, paths, options):
    """Responses per second to clients that send ``If-None-Match``; the peer ignores it."""
    tag = httpx.get(f'http://127.0.0.1:{server.port}{paths[0]}').headers.get('ETag', '"none"')
    return _requests(server, paths, options, {**GZIP, 'If-None-Match': tag}).rate


def _requests(server, paths, options, headers=None):
    return traffic.requests(server.port, paths, clients=options.clients, seconds=options.seconds, headers=headers)


def kilobytes(server, paths, _options):
    """kB of one answer's body to a client that accepts gzip."""
    size, _ = traffic.receive(server.port, paths[0], GZIP)
    return size / 1000


def writing(server, _options):
    """Prepare the draft for writes, with extensions that have a file; return their ids and forms."""
    def make(server):
        forms = [data.another_form(_WRITTEN) for _ in range(_UPDATED)]
        items = [data.post(server, 'extension', form) for form in forms]
        for item in items:
            data.store(server, item, 'file.tar.gz', b'first')
        return list(zip(items, forms, strict=True))
    return server.once('written', make)


def create(server, _made, options):
    """Milliseconds to create an extension."""
    return _each(server, options, lambda _number: _post(server, data.another_form(_WRITTEN)))


def update(server, made, options):
    """Milliseconds to post an extension again with another revision."""
    return _each(server, options, lambda number: _post(
        server, {**made[number % len(made)][1], 'revision': f'{next(_numbers):07}'}))


def _post(server, form):
    return (yield 'POST', f'/app/{data.app(server)}/extension?{urlencode(form)}', b'')


def replace_file(server, made, options):
    """Milliseconds to replace a file as the clients in use do: upload a second one, delete the first, rename."""
    return _each(server, options, lambda number: _replace(made[number % len(made)][0]))


def _replace(item):
    (old,) = yield 'GET', f'/item/{item}/files', b''
    new = yield 'POST', f'/file?parentType=item&parentId={item}&name=new_file&size={len(_REPLACED)}', _REPLACED
    yield 'DELETE', f'/file/{old["_id"]}', b''
    yield 'PUT', f'/file/{new["_id"]}?name=file.tar.gz', b''


def _each(server, options, calls):
    """Milliseconds that one of ``calls(0)``, ``calls(1)``, ... takes on average, over a persistent connection.

    Each is a generator of requests, which gets the answers.
    """
    with _connection(server) as connection:
        token = data.api(server).headers['Girder-Token']
        begun = time.perf_counter()
        done = 0
        while (seconds := time.perf_counter() - begun) < options.seconds:
            _run(connection, token, calls(done))
            done += 1
    return 1000 * seconds / done


def _connection(server):
    return contextlib.closing(http.client.HTTPConnection('127.0.0.1', server.port, timeout=60))


def _run(connection, token, calls):
    answer = None
    with contextlib.suppress(StopIteration):
        while True:
            answer = _ask(connection, token, *calls.send(answer))


def _ask(connection, token, method, path, body):
    connection.request(method, f'/api/v1{path}', body, {
        'Girder-Token': token, 'Content-Length': str(len(body)), 'Content-Type': 'application/octet-stream'})
    response = connection.getresponse()
    answer = response.read()
    if response.status != http.client.OK:
        raise RuntimeError(f'{method} {path} was answered with {response.status}: {answer[:500]!r}')
    return json.loads(answer)


def nights(server, options):
    """The application that nights are uploaded to."""
    return archive.grow(server, options.drafts, options)


def night(server, _made, options):
    """Seconds in which build machines upload all extensions of a new draft, as six clients at the same time."""
    revision = str(_NIGHTS + next(_numbers))
    forms = [extensions.form(number, system, revision)
             for number, system in itertools.product(range(options.uploads), extensions.SYSTEMS)]
    shares = [forms[builder::_BUILDERS] for builder in range(_BUILDERS)]
    # The first one by itself, see data.catalog().
    _upload_all(server, [extensions.form(options.uploads, extensions.SYSTEMS[0], revision)])
    begun = time.perf_counter()
    with ThreadPoolExecutor(_BUILDERS) as pool:
        list(pool.map(lambda share: _upload_all(server, share), shares))
    return time.perf_counter() - begun


def _upload_all(server, forms):
    content = data.block()[:_ARCHIVE]
    with _connection(server) as connection:
        for form in forms:
            _run(connection, data.api(server).headers['Girder-Token'], _upload(server, form, content))


def _upload(server, form, content):
    item = yield from _post(server, form)
    name = f'{form["app_revision"]}-{form["os"]}-{form["baseName"]}.tar.gz'
    content = name.encode() + content[len(name):]  # another one for each
    query = {'parentType': 'item', 'parentId': item['_id'], 'name': name, 'size': len(content)}
    yield 'POST', f'/file?{urlencode(query)}', content


def memory(server, _made, _options):
    """MiB of the largest process of the server, after whatever it has done so far."""
    return processes.largest(server.process.pid)
