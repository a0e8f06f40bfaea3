"""The data that cases run on, loaded through REST, alike on both servers."""
from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx

from benchmarks.servers import OURS

REVISION = '33000'
SMALL = 10 * 1024
MIB = 1024 * 1024
CHUNK = 64 * MIB  # as girder-client uploads
_LOADERS = 4
_SYSTEMS = [('linux', 'amd64'), ('win', 'amd64'), ('macosx', 'amd64')]


class Api(httpx.Client):
    """Speaks to a server as its administrator, whom it makes, with an assetstore in the server's folder."""

    def __init__(self, server):
        super().__init__(base_url=server.api, timeout=600)
        self.ask('POST', '/user', login='admin', password='admin-password', email='admin@example.org',
                 firstName='A', lastName='B')
        login = self.get('/user/authentication', auth=('admin', 'admin-password')).raise_for_status().json()
        self.headers['Girder-Token'] = login['authToken']['token']
        self.ask('POST', '/assetstore', name='files', type=0, root=str(server.folder / 'assetstore'))

    def ask(self, method, path, content=None, **params):
        """The answer to a request that must not fail."""
        headers = {'Content-Type': 'application/octet-stream'} if content is not None else {}
        answer = self.request(method, path, params=params, content=content, headers=headers)
        if answer.is_error:
            raise RuntimeError(f'{method} {answer.url} was answered with {answer.status_code}: {answer.text[:500]}')
        return answer.json()


class Catalog(NamedTuple):
    """An application with extensions: the items with a small file, and those with a link."""

    app: str
    files: list[str]
    links: list[str]

    def paths(self, items):
        """The paths under which Slicer downloads ``items``."""
        return [f'/api/v1/item/{item}/download' for item in items]


def api(server):
    return server.once('api', Api)


def app(server):
    """The id of the application, which has one release."""
    def make(server):
        made = api(server).ask('POST', '/app', name='Slicer', app_description='benchmark')['_id']
        api(server).ask('POST', f'/app/{made}/release', name='5.8.1', app_revision=REVISION)
        return made
    return server.once('app', make)


def catalog(server, things):
    """An application with ``things`` extensions, each of which was downloaded once; every tenth is a link."""
    return server.once('catalog', lambda server: _load_catalog(server, things))


def _load_catalog(server, things):
    made = app(server)
    # The first by itself: the peer refuses those that come while the folders of the release are made.
    items = [_add(server, 0)]
    with ThreadPoolExecutor(_LOADERS) as pool:
        items += pool.map(functools.partial(_add, server), range(1, things))
    links = items[::10]
    files = [item for number, item in enumerate(items) if number % 10]
    return Catalog(made, files, links)


def _add(server, number):
    if number % 10 == 0:
        item = linked_extension(server, f'Linked{number}', f'https://github.com/owner/name/releases/download/v/{number}')
    else:
        item = extension(server, f'Extension{number}')
        store(server, item, f'{number}.tar.gz', str(number).encode().ljust(SMALL, b'.'))
    api(server).get(f'/item/{item}/download')
    return item


def extension(server, name, **more):
    """A new extension of the release, without a file; its id."""
    system, arch = _SYSTEMS[len(name) % len(_SYSTEMS)]
    return api(server).ask(
        'POST', f'/app/{app(server)}/extension', os=system, arch=arch, baseName=name, repository_type='git',
        repository_url='https://github.com/owner/name', revision='ab12cd3', app_revision=REVISION,
        description=f'The extension {name} is there to be measured.', **more)['_id']


def linked_extension(server, name, url, **more):
    """A new extension whose file is hosted at ``url``; the peer keeps such files as Girder's link files."""
    if server.side == OURS:
        return extension(server, name, url=url, file_name=f'{name}.tar.gz', **more)
    item = extension(server, name)
    api(server).ask('POST', '/file', parentType='item', parentId=item, name=f'{name}.tar.gz', linkUrl=url)
    return item


def store(server, item, name, content):
    """Upload a small file."""
    api(server).ask('POST', '/file', content=content, parentType='item', parentId=item, name=name, size=len(content))


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
        item = extension(server, f'Large{size}')
        begun = api(server).ask('POST', '/file', parentType='item', parentId=item, name='large.bin', size=size)
        sent = 0
        for chunk in chunks(size, 0):
            api(server).ask('POST', '/file/chunk', content=chunk, uploadId=begun['_id'], offset=sent)
            sent += len(chunk)
        return item
    return server.once(f'large {size}', make)
