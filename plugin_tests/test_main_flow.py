"""The main job on real input: build machines upload all extensions, Slicers list and download them."""
import hashlib
import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import girder_client
import httpx
import pytest

from plugin_tests.servers import Server

pytestmark = [pytest.mark.database, pytest.mark.process]

EXTENSIONS = json.loads(Path(__file__).with_name('data').joinpath('extensions.json').read_text(encoding='utf-8'))
SYSTEMS = [('linux', 'amd64', 'tar.gz'), ('win', 'amd64', 'zip'), ('macosx', 'arm64', 'tar.gz')]
APP_ID = '5f4474d0e1d8c75dfc705482'
REVISION = '33000'
OPTIONAL = {'category', 'description', 'dependency', 'tier', 'homepage', 'icon_url', 'screenshots', 'contributors'}


def archive(name, system):
    """A real archive, whose content names the extension and the system."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode='w:gz', compresslevel=1) as tar:
        content = f'{name} for {system} '.encode() * 500
        member = tarfile.TarInfo(f'{name}/lib/{name}.py')
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def form(extension, system, arch):
    values = {key: extension[key] for key in OPTIONAL & extension.keys()}
    return {'description': '', **values, 'os': system, 'arch': arch, 'baseName': extension['name'],
            'repository_type': 'git', 'repository_url': extension['repository_url'],
            'revision': extension['scm_revision'], 'app_revision': REVISION}


class Uploader:
    """A build machine of one system, with an API key."""

    def __init__(self, url, key):
        self.client = girder_client.GirderClient(apiUrl=f'{url}/api/v1')
        self.client.authenticate(apiKey=key)

    def upload(self, extension, system, arch, ending):
        content = archive(extension['name'], system)
        item = self.client.post(f'app/{APP_ID}/extension', parameters=form(extension, system, arch))
        name = f'{REVISION}-{system}-{arch}-{extension["name"]}-git{extension["scm_revision"]}.{ending}'
        self.client.uploadFile(item['_id'], io.BytesIO(content), name, len(content))
        return item['_id'], hashlib.sha512(content).hexdigest()


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('server')


@pytest.fixture(scope='module')
def start(data_dir):
    """Start the server, unless it runs; gives it."""
    running = []

    def begin():
        if not running or running[-1].exit_code is not None:
            running.append(Server(data_dir, env={'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': 'a-password-for-tests'}))
        return running[-1].ready()
    yield begin
    for server in running:
        server.end()


def listed_as_slicer_does(client, system, arch):
    return client.get(f'/app/{APP_ID}/extension', params={
        'app_revision': REVISION, 'arch': arch, 'limit': 0, 'os': system}).raise_for_status().json()


def downloaded_as_slicer_does(client, entry):
    """As Slicer does: exactly one file of the item, read whole. Gives the checksum of what came."""
    (file,) = client.get(f'/item/{entry["_id"]}/files').raise_for_status().json()
    assert file['name'].startswith(REVISION)
    return hashlib.sha512(client.get(f'/file/{file["_id"]}/download').raise_for_status().content).hexdigest()


def test_all_extensions_are_uploaded_listed_downloaded_counted_and_survive_a_restart(start):
    server = start()
    with server.client('admin', 'a-password-for-tests') as admin:
        admin.post('/app', params={'name': 'Slicer', 'app_id': APP_ID}).raise_for_status()
        key = admin.post('/api_key', params={'name': 'build machines'}).raise_for_status().json()['key']

    def build(system):
        uploader = Uploader(server.url, key)
        return [uploader.upload(extension, *system) for extension in EXTENSIONS]

    with ThreadPoolExecutor(len(SYSTEMS)) as pool:
        checksums = dict(pair for pairs in pool.map(build, SYSTEMS) for pair in pairs)
    assert len(checksums) == len(EXTENSIONS) * len(SYSTEMS) == 765

    def use(system):
        with server.client() as slicer:
            entries = listed_as_slicer_does(slicer, *system[:2])
            assert sorted(entry['meta']['baseName'] for entry in entries) == sorted(e['name'] for e in EXTENSIONS)
            return {entry['_id']: (downloaded_as_slicer_does(slicer, entry), entry['meta']['sha512'])
                    for entry in entries}

    with ThreadPoolExecutor(3) as pool:
        got = {item: pair for found in pool.map(use, SYSTEMS) for item, pair in found.items()}
    assert got == {item: (checksum, checksum) for item, checksum in checksums.items()}
    server.stop()

    server = start()
    with server.client() as slicer:
        for system, arch, _ in SYSTEMS:
            assert {entry['_id']: entry['meta']['sha512'] for entry in listed_as_slicer_does(slicer, system, arch)
                    }.items() <= checksums.items()
        stats = slicer.get(f'/app/{APP_ID}/downloadstats').json()
        assert stats == {REVISION: {'extensions': {
            extension['name']: {system: {arch: 1} for system, arch, _ in SYSTEMS} for extension in EXTENSIONS}}}
        entry = listed_as_slicer_does(slicer, 'linux', 'amd64')[0]
        assert downloaded_as_slicer_does(slicer, entry) == checksums[entry['_id']]


def test_slicer_can_use_every_entry(start):
    with start().client() as slicer:
        for entry in listed_as_slicer_does(slicer, 'linux', 'amd64'):
            meta = entry['meta']
            assert all([entry['_id'], entry['name'], meta['app_id'], meta['app_revision'], meta['arch'],
                        meta['baseName'], meta['os']])
            assert all(isinstance(value, (str, int, float)) and '\n' not in str(value) for value in meta.values())
            assert meta['description'] is not None


def test_a_doubled_slash_is_accepted(start):
    server = start()
    response = httpx.get(f'{server.url}//api/v1/app/{APP_ID}/extension', params={'os': 'linux', 'limit': 1})
    assert (response.status_code, len(response.json())) == (200, 1)


def test_a_description_of_64_kib_fits_into_the_query_as_girder_client_sends_it(start):
    server = start()
    client = girder_client.GirderClient(apiUrl=f'{server.url}/api/v1')
    client.authenticate('admin', 'a-password-for-tests')
    long = {**form(EXTENSIONS[0], 'linux', 'amd64'), 'baseName': 'Long', 'description': 'ü ' * 20_000}
    item = client.post(f'app/{APP_ID}/extension', parameters=long)
    assert item['meta']['description'] == long['description'].strip()
    with pytest.raises(girder_client.HttpError, match='description: is longer than 64 KiB'):
        client.post(f'app/{APP_ID}/extension', parameters={**long, 'description': 'x' * 70_000})
    client.delete(f'app/{APP_ID}/extension/{item["_id"]}')
