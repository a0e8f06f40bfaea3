"""The files in ``deploy/docker``, as far as they can be checked without a Docker daemon."""
import contextlib
import os
import re
import shutil
import subprocess
from urllib.parse import parse_qs, urlsplit

import pymongo
import pytest
import yaml

from plugin_tests import mongodb
from plugin_tests.deploy import compose, proxy
from plugin_tests.servers import poll
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.cli.serve import serve
from slicer_package_manager.registry.server import client_address

ONE, THREE = ('compose.yaml',), ('compose.yaml', 'compose.three.yaml')


def program():
    """The command that reads compose files: the plugin of the Docker client, or the older program."""
    plugin = shutil.which('docker') and subprocess.run(
        ['docker', 'compose', 'version'], capture_output=True, check=False).returncode == 0
    if plugin:
        return ['docker', 'compose']
    return ['docker-compose'] if shutil.which('docker-compose') else None


@pytest.fixture
def configured(tmp_path):
    """The configuration that compose reads from files and variables, without the ``.env`` of a developer."""
    (tmp_path / 'env').touch()

    def config(files, **variables):
        args = [argument for file in files for argument in ('-f', str(compose.DOCKER / file))]
        return subprocess.run([*program(), *args, '--env-file', str(tmp_path / 'env'), 'config'], capture_output=True,
                              text=True, timeout=PATIENCE, check=False, env={'PATH': os.environ['PATH'], **variables})
    return config


needs_compose = pytest.mark.skipif(program() is None, reason='neither docker compose nor docker-compose is installed')


@needs_compose
@pytest.mark.parametrize('files', [ONE, THREE], ids=['one member', 'three members'])
def test_compose_accepts_the_files(configured, files):
    found = configured(files, ADMIN_PASSWORD='of-the-site-admin')
    assert found.returncode == 0, found.stderr
    services = yaml.safe_load(found.stdout)['services']
    assert {name for name in services if name.startswith('mongo')} == {
        member.partition(':')[0] for member in services['replica-set']['command']}
    assert services['server1']['environment'] == services['server2']['environment']
    uri = urlsplit(services['server1']['environment']['SLICER_PACKAGE_MANAGER_DATABASE'])
    assert uri.netloc.split(',') == services['replica-set']['command']


@needs_compose
def test_without_a_password_compose_names_the_missing_variable(configured):
    found = configured(ONE)
    assert found.returncode != 0
    assert 'write ADMIN_PASSWORD' in found.stderr


@pytest.mark.parametrize('name', THREE)
def test_the_servers_read_and_write_on_a_majority(name):
    uri = urlsplit(compose.database(name))
    members = compose.read(name)['services']['replica-set']['command']
    assert uri.netloc.split(',') == members
    assert parse_qs(uri.query) == {'replicaSet': [compose.SET], 'readPreference': ['primary'], 'w': ['majority'],
                                   'retryWrites': ['true']}


def test_the_files_agree_with_each_other():
    found = compose.read('compose.yaml')
    servers = {name for name in found['services'] if re.fullmatch(r'server\d', name)}
    upstream = (compose.DOCKER / 'upstream.conf').read_text(encoding='utf-8')
    listed = re.findall(r'^server (\w+):8080 max_fails=0;$', upstream, re.MULTILINE)
    assert set(listed) == servers
    trusted = found['services']['server1']['environment']['SLICER_PACKAGE_MANAGER_TRUSTED_PROXIES']
    assert client_address.networks(trusted) == client_address.networks(
        found['networks']['inside']['ipam']['config'][0]['subnet'])
    for server in servers:
        assert set(found['services']['nginx']['networks']) & set(found['services'][server]['networks']) == {'inside'}
    for path, mounted in {'../nginx/slicer-packages.conf': proxy.CONFIGURATION / 'slicer-packages.conf',
                          './upstream.conf': compose.DOCKER / 'upstream.conf'}.items():
        assert (compose.DOCKER / path).resolve() == mounted
        assert any(volume.startswith(f'{path}:') for volume in found['services']['nginx']['volumes'])
    configuration = (proxy.CONFIGURATION / 'slicer-packages.conf').read_text(encoding='utf-8')
    for place in ('/etc/nginx/slicer-packages.upstream', '/etc/letsencrypt', '/var/www/html'):
        assert place in configuration
        assert any(f':{place}' in volume for volume in found['services']['nginx']['volumes'])
    published = {name for name, service in found['services'].items() if service.get('ports')}
    assert published == {'nginx'}


def test_the_image_starts_the_server_with_valid_options():
    (line,) = re.findall(r'^CMD \["serve", (.*)\]$', (compose.DOCKER / 'Dockerfile').read_text(), re.MULTILINE)
    args = re.findall(r'"([^"]*)"', line)
    options = serve.make_context('serve', [*args, '--database', compose.database()]).params
    assert (options['host'], options['port'], options['no_embedded']) == ('0.0.0.0', 8080, True)


def test_the_files_of_the_image_exist_and_are_not_ignored():
    root = compose.DOCKER.parent.parent
    text = (compose.DOCKER / 'Dockerfile').read_text()
    wanted = {'!' + source for line in re.findall(r'^COPY (?!--from)(.*)$', text, re.MULTILINE)
              for source in line.split()[:-1]}
    assert {one for one in wanted if not (root / one[1:]).exists()} == set()
    assert wanted <= set((compose.DOCKER / 'Dockerfile.dockerignore').read_text().splitlines())


@pytest.mark.database
def test_a_replica_set_of_one_member_grows():
    with mongodb.standalone('--replSet', compose.SET) as first, mongodb.standalone('--replSet', compose.SET) as second:
        members = [urlsplit(uri).netloc for uri in (first, second)]
        compose.make_replica_set(members[0])
        with pymongo.MongoClient(first, w='majority') as client:
            client.get_database().copies.insert_one({'_id': 1})
        for _ in range(2):
            compose.make_replica_set(*members)
        with pymongo.MongoClient(second, directConnection=True, readPreference='secondaryPreferred') as client:
            poll(lambda: copied(client, members), 'the new member has all')


def copied(client, members):
    """Whether the member that ``client`` is connected to knows all ``members`` and has their data."""
    # It answers nothing before it has copied what the others have.
    with contextlib.suppress(pymongo.errors.PyMongoError):
        config = client.admin.command('replSetGetConfig')['config']
        return ([member['host'] for member in config['members']] == members
                and client.get_database().copies.count_documents({}) == 1)
    return False


@pytest.mark.parametrize('name', THREE)
def test_no_service_fills_the_disk_with_its_logs(name):
    services = compose.read(name)['services']
    lasting = [service for service in services.values() if service.get('restart') == 'unless-stopped']
    assert lasting
    assert all(service['logging']['options'].keys() == {'max-size', 'max-file'} for service in lasting)
