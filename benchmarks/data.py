"""The data that cases run on, alike on both servers, loaded through REST; see :mod:`archive` for the rest of it."""
from __future__ import annotations

import functools
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx

from benchmarks import extensions
from benchmarks.servers import FORMER, LOGIN, PASSWORD

REVISION = '33000'
RELEASE = '5.8.1'
SMALL = 10 * 1024
MIB = 1024 * 1024
CHUNK = 64 * MIB  # as girder-client uploads
_LOADERS = 4
_OTHER_RELEASES = 8
_names = itertools.count(1)


class Api(httpx.Client):
    """Speaks to a server as its administrator, whom it makes, with an assetstore in the server's folder.

    A server that ``serve`` has started has both already.
    """

    def __init__(self, server):
        super().__init__(base_url=server.api, timeout=600)
        if server.side != FORMER:
            self.ask('POST', '/user', login=LOGIN, password=PASSWORD, email='admin@example.org', firstName='A',
                     lastName='B')
        login = self.get('/user/authentication', auth=(LOGIN, PASSWORD)).raise_for_status().json()
        self.headers['Girder-Token'] = login['authToken']['token']
        if server.side != FORMER:
            self.ask('POST', '/assetstore', name='files', type=0, root=str(server.folder / 'assetstore'))

    def ask(self, method, path, content=None, **params):
        """The answer to a request that must not fail."""
        headers = {'Content-Type': 'application/octet-stream'} if content is not None else {}
        answer = self.request(method, path, params=params, content=content, headers=headers)
        if answer.is_error:
            raise RuntimeError(f'{method} {answer.url} was answered with {answer.status_code}: {answer.text[:500]}')
        return answer.json()


class Catalog(NamedTuple):
    """The extensions of the release: the items with a small file, and those with a link."""

    files: list[str]
    links: list[str]

    def paths(self, items):
        """The paths under which Slicer downloads ``items``."""
        return [f'/api/v1/item/{item}/download' for item in items]


def api(server):
    return server.once('api', Api)


def app(server):
    """The id of the application, which has the release that is measured, and some more."""
    def make(server):
        made = api(server).ask('POST', '/app', name='Slicer', app_description='benchmark')['_id']
        for number in range(1, _OTHER_RELEASES + 1):
            api(server).ask('POST', f'/app/{made}/release', name=f'5.{number}.0', app_revision=f'{31000 + number}')
        api(server).ask('POST', f'/app/{made}/release', name=RELEASE, app_revision=REVISION)
        return made
    return server.once('app', make)


def catalog(server, options):
    """The extensions of the release, each of which was downloaded once; every tenth is a link."""
    return server.once('catalog', lambda server: _load_catalog(server, options))


def _load_catalog(server, options):
    systems = extensions.SYSTEMS[:options.systems]
    for system in systems:
        package(server, system, REVISION)
    wanted = list(itertools.product(range(options.listed), systems))
    # The first two by themselves: the peer refuses those that come while the folders of the release are made.
    items = [_add(server, one) for one in wanted[:2]]
    with ThreadPoolExecutor(_LOADERS) as pool:
        items += pool.map(functools.partial(_add, server), wanted[2:])
    return Catalog([item for item, linked in items if not linked], [item for item, linked in items if linked])


def _add(server, wanted):
    number, system = wanted
    linked = number % 10 == 1
    form = extensions.form(number, system, REVISION)
    name = f'{REVISION}-{system[0]}-{form["baseName"]}.tar.gz'
    if linked:
        item = linked_extension(server, form, f'https://github.com/owner/name/releases/download/v/{name}')
    else:
        item = post(server, 'extension', form)
        store(server, item, name, name.encode().ljust(SMALL, b'.'))
    api(server).get(f'/item/{item}/download')
    return item, linked


def package(server, system, revision):
    """An installer of the application with a small file; its id."""
    item = post(server, 'package', extensions.package_form(system, revision))
    store(server, item, f'Slicer-{revision}-{system[0]}.tar.gz', b'installer')
    api(server).get(f'/item/{item}/download')
    return item


def post(server, package_type, form):
    """Create a package or an extension, without a file; its id."""
    return api(server).ask('POST', f'/app/{app(server)}/{package_type}', **form)['_id']


def extension(server, revision=REVISION):
    """A new extension of the application's ``revision``, without a file; its id."""
    return post(server, 'extension', another_form(revision))


def another_form(revision):
    """A form for an extension that no server has."""
    number = next(_names)
    return {**extensions.form(number, extensions.SYSTEMS[0], revision), 'baseName': f'Another{number}'}


def linked_extension(server, form, url, **more):
    """A new extension whose file is hosted at ``url``; the peer stores such files as Girder's link files."""
    name = url.rsplit('/', 1)[-1]
    if server.is_ours:
        return post(server, 'extension', {**form, 'url': url, 'file_name': name, **more})
    item = post(server, 'extension', form)
    api(server).ask('POST', '/file', parentType='item', parentId=item, name=name, linkUrl=url)
    return item


def store(server, item, name, content):
    """Upload a small file; its document."""
    return api(server).ask('POST', '/file', content=content, parentType='item', parentId=item, name=name,
                           size=len(content))


@functools.cache
def block():
    """64 MiB that do not compress."""
    return os.urandom(CHUNK)


def chunks(size, number):
    """``size`` bytes in the chunks of an upload; another ``number`` makes another content."""
    stamp = f'{number:>16}'.encode()
    for start in range(0, size, CHUNK):
        part = stamp + block()[len(stamp):]
        yield part[:min(CHUNK, size - start)]


def large(server, size):
    """An extension with a stored file of ``size`` bytes; its id."""
    def make(server):
        item = extension(server)
        begun = api(server).ask('POST', '/file', parentType='item', parentId=item, name='large.bin', size=size)
        sent = 0
        for chunk in chunks(size, 0):
            api(server).ask('POST', '/file/chunk', content=chunk, uploadId=begun['_id'], offset=sent)
            sent += len(chunk)
        return item
    return server.once(f'large {size}', make)
