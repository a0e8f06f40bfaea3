"""The commands of the pages for operation work as they stand, and show what the pages show."""
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_tests import commands
from plugin_tests.conftest import EXTENSION_FORM, PACKAGE_FORM
from plugin_tests.deploy import proxy
from plugin_tests.servers import starter
from plugin_tests.waiting import PATIENCE

#: What the commands of the pages are.
_PROGRAMS = ('curl', 'jq', 'openssl', 'ss', 'ps')
_MISSING = [*([] if proxy.program() else ['nginx']), *(name for name in _PROGRAMS if shutil.which(name) is None)]
pytestmark = [pytest.mark.database, pytest.mark.process,
              pytest.mark.skipif(bool(_MISSING), reason=f'{", ".join(_MISSING)}: not installed')]

ROOT = Path(__file__).parent.parent
PASSWORD = 'of-the-site-admin'
BYTES = {'Content-Type': 'application/octet-stream'}
NAME = 'packages.example.org'
#: Who may read the metrics, which is not this machine.
MONITOR = '192.0.2.1'
_BLOCK = re.compile(r'^```(bash)?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_END = 'end of block'


def blocks(page, heading=None):
    """The commands of a page, or below one of its headings, that are to be run, each with what is shown after it."""
    text = (ROOT / 'docs' / 'how-to' / page).read_text(encoding='utf-8')
    if heading:
        text = text.partition(f'\n## {heading}\n')[2].partition('\n## ')[0]
    found = _BLOCK.findall(text)
    following = [*found[1:], ('bash', '')]
    return [(code, '' if language_after else shown)
            for (language, code), (language_after, shown) in zip(found, following, strict=True) if language == 'bash']


def run(codes, replacements, variables, cwd):
    """What each of ``codes`` writes, run in one shell; ``replacements`` are of a reader's machine by this one."""
    script = f'\necho {_END!r}\n'.join([*codes, ''])
    for shown, real in replacements.items():
        assert shown in script, shown
        script = script.replace(shown, real)
    binaries = Path(sys.executable).parent
    done = subprocess.run(
        ['bash', '-uo', 'pipefail'], input=script, text=True, capture_output=True, check=False, timeout=PATIENCE,
        cwd=cwd,
        env={**commands.environment(), 'PATH': f'{binaries}:{os.environ["PATH"]}', **variables})
    assert done.returncode == 0, done.stderr
    outputs = done.stdout.split(f'{_END}\n')
    assert len(outputs) == len(codes) + 1, done.stderr
    return outputs, done.stderr


@pytest.fixture(scope='module')
def start(tmp_path_factory):
    with starter(tmp_path_factory.mktemp('servers')) as maker:
        yield maker


@pytest.fixture(scope='module')
def server(start):
    return start('--workers', '1', env={
        'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD, 'SLICER_PACKAGE_MANAGER_AUDIT_DAYS': '365',
        'SLICER_PACKAGE_MANAGER_METRICS': MONITOR, 'SLICER_PACKAGE_MANAGER_TRUSTED_PROXIES': '127.0.0.1',
        'SLICER_PACKAGE_MANAGER_RATE_LIMIT': '120/minute;2000/hour'}).ready()


@pytest.fixture(scope='module')
def site(server, tmp_path_factory):
    with proxy.Proxy(tmp_path_factory.mktemp('nginx'), [server.url]).running() as running:
        yield running


@pytest.fixture(scope='module')
def admin(server):
    with server.client('admin', PASSWORD) as client:
        yield client


@pytest.fixture(scope='module')
def app(admin):
    """An application with a package, two extensions, one of them a link, and a release."""
    one = admin.post('/app', params={'name': 'Slicer', 'app_description': 'Images & more'}).raise_for_status().json()
    path = f'/app/{one["_id"]}'
    admin.post(f'{path}/release', params={'name': '5.8 "a" & b', 'app_revision': '33000'}).raise_for_status()
    packages = [admin.post(f'{path}/{package_type}', params=form).raise_for_status().json() for package_type, form in (
        ('package', PACKAGE_FORM), ('extension', {**EXTENSION_FORM, 'description': '\u00e4 & <b>b</b>; 100 %'}))]
    for package in packages:
        admin.post('/file', content=package['name'].encode() * 1000, headers=BYTES, params={
            'parentType': 'item', 'parentId': package['_id'], 'name': 'a & b.tar.gz',
            'size': len(package['name']) * 1000}).raise_for_status()
    admin.post(f'{path}/extension', params={
        **EXTENSION_FORM, 'baseName': 'Linked', 'url': 'https://github.com/a/b/c.zip', 'size': 5}).raise_for_status()
    return one


@pytest.fixture(scope='module')
def backups(server, app, tmp_path_factory):
    place = tmp_path_factory.mktemp('backups') / 'place'
    made = commands.run('backup', place, '--data-dir', server.data_dir)
    assert made.returncode == 0, made.stderr
    return place


def test_the_security_checklist_shows_what_a_safe_server_answers(server, site, app, backups, tmp_path):
    settings = tmp_path / 'settings.env'
    settings.touch(mode=0o600)
    # The list uses up what a stranger's address may ask for: one of its own, not that of the other tests.
    (tmp_path / '.curlrc').write_text('interface = 127.0.0.2\n')
    user = subprocess.check_output(['id', '-un'], text=True).strip()
    found = blocks('security-checklist.md')
    outputs, errors = run([code for code, _ in found], {
        f'https://{NAME}': site.url, f'{NAME}:443': f'localhost:{site.port}', 'http://127.0.0.1:8080': server.url,
        '/var/lib/slicer-packages': str(server.data_dir), '/srv/backups': str(backups),
        'PATH=/opt/slicer-packages/bin:$PATH\n': '',
        'X-Forwarded-For: 127.0.0.1': f'X-Forwarded-For: {MONITOR}', 'read -rs PASSWORD': f'PASSWORD={PASSWORD}',
        '/etc/slicer-packages/settings.env': str(settings), '/var/log/nginx/access.log': f'{site.folder}/access.log',
    }, {'CURL_CA_BUNDLE': f'{site.folder}/certificate.pem', 'CURL_HOME': str(tmp_path)}, tmp_path)
    here = {'127.0.0.1:8080\n': server.url.removeprefix('http://') + '\n', 'slicer-packages\n': f'{user}\n',
            '600 root\n': f'600 {user}\n'}
    expected = [here.get(shown, shown) for _, shown in found]
    assert outputs[:-1] == expected, errors


def test_tls_is_set_up_and_checked_as_the_page_says(server, tmp_path):
    folder = tmp_path / 'nginx'
    folder.mkdir()
    requested, made, checked, end = blocks('set-up-tls.md')
    own = proxy.Proxy(folder, [server.url])
    outputs, errors = run([requested[0], made[0]], {NAME: 'localhost'}, {}, tmp_path)
    assert outputs[1] == 'certificate.pem: OK\n', errors
    (tmp_path / 'privkey.pem').replace(folder / 'key.pem')
    (tmp_path / 'fullchain.pem').replace(folder / 'certificate.pem')
    with own.running() as site:
        outputs, errors = run([checked[0], end[0]], {
            f'https://{NAME}': site.url, f'{NAME}:443': f'localhost:{site.port}', f'servername {NAME}':
                'servername localhost'}, {}, tmp_path)
    assert outputs[:2] == [checked[1], end[1]], errors


def test_files_that_are_gone_come_back_from_a_backup(server, admin, app, backups, tmp_path):
    ((code, shown),) = blocks('recover-from-disasters.md', 'The files are lost')
    store = Path(server.data_dir, 'assetstore')
    store.rename(tmp_path / 'lost')
    item = admin.get(f'/app/{app["_id"]}/package').json()[0]
    assert admin.get(f'/item/{item["_id"]}/download').status_code == 503
    outputs, errors = run([f'set -e\n{code}'], {'/srv/backups': str(backups), '/var/tmp/beside': f'{tmp_path}/beside'},
                          {'SLICER_PACKAGE_MANAGER_DATA_DIR': str(server.data_dir)}, tmp_path)
    assert outputs[0].splitlines()[-1] == shown.splitlines()[-1], errors
    assert admin.get(f'/item/{item["_id"]}/download').content == item['name'].encode() * 1000


def contents(client, app):
    """What clients see of an application: its packages, without the values that a copy gets anew."""
    path = f'/app/{app["_id"]}'
    packages = [one for package_type in ('package', 'extension') for one in client.get(f'{path}/{package_type}').json()]
    return {
        'app': {key: client.get(path).json()[key] for key in ('_id', 'name', 'description', 'public', 'meta')},
        'releases': [(one['name'], one['meta']) for one in client.get(f'{path}/release').json()],
        'packages': [(one['name'], one['size'], one['description'], one['meta']) for one in packages],
        'files': [(file['name'], file['size'], file.get('linkUrl')) for one in packages
                  for file in client.get(f'/item/{one["_id"]}/files').json()]}


def test_an_application_that_was_deleted_is_copied_from_a_backup(start, server, admin, app, backups, tmp_path):
    ((code, _),) = blocks('recover-from-disasters.md', 'An application was deleted by mistake')
    expected = contents(admin, app)
    admin.delete(f'/app/{app["_id"]}').raise_for_status()
    restored = commands.run('restore', backups, '--data-dir', tmp_path / 'beside')
    assert restored.returncode == 0, restored.stderr
    beside = start('--workers', '1', data_dir=tmp_path / 'beside').ready()
    try:
        run([f'set -e\n{code}'], {'http://127.0.0.1:8099': beside.url, f'https://{NAME}': server.url, 'deploy/recovery':
            f'{ROOT}/deploy/recovery'}, {'OLD_PASSWORD': PASSWORD, 'NEW_PASSWORD': PASSWORD}, tmp_path)
        assert contents(admin, app) == expected
        assert len(expected['packages']) == 3
    finally:
        beside.stop(signal.SIGTERM)
