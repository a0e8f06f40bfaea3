"""The client as build machines run it: real processes, against a real server."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from proxy import FaultyProxy

from slicer_package_manager_client.client import SlicerPackageClient

pytestmark = pytest.mark.process

PASSWORD = 'adminadmin'
MIB = 1 << 20
URL = 'https://example.org/foo'


@pytest.fixture(scope='session')
def server_command():
    """The server's command: of SLICER_PACKAGE_MANAGER_SERVER, of this environment, or of the PATH."""
    beside = Path(sys.executable).with_name('slicer-package-manager')
    found = (os.environ.get('SLICER_PACKAGE_MANAGER_SERVER')
             or (beside.exists() and str(beside)) or shutil.which('slicer-package-manager'))
    if not found:
        pytest.skip('the server is not installed: pip install -e ".[embedded]" in the root of the repository')
    return found


@pytest.fixture(scope='session')
def server(server_command, tmp_path_factory):
    """The URL of a server that runs as long as the tests do."""
    directory = tmp_path_factory.mktemp('server')
    arguments = [server_command, 'serve', '--data-dir', str(directory / 'data'), '--port', '0']
    with (directory / 'stderr').open('w+') as stderr, subprocess.Popen(
            arguments, text=True, stdout=subprocess.PIPE, stderr=stderr,
            env={**os.environ, 'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD}) as process:
        ready = next(filter(None, (re.search(r'ready: (\S+)', line) for line in process.stdout)), None)
        if ready is None:
            pytest.fail((directory / 'stderr').read_text())
        yield f'{ready[1].rstrip("/")}/api/v1'
        process.send_signal(signal.SIGTERM)


@pytest.fixture(scope='session')
def admin(server):
    client = SlicerPackageClient(apiUrl=server)
    client.authenticate('admin', PASSWORD)
    client.createApp('Slicer')
    return client


@pytest.fixture(scope='session')
def key(admin):
    return admin.post('api_key', parameters={'name': 'build machine'})['key']


@pytest.fixture
def proxy(server):
    with FaultyProxy(server) as made:
        yield made


@pytest.fixture
def command():
    return [str(Path(sys.executable).with_name('slicer_package_manager_client')), '--retry-pause', '0.05']


@pytest.fixture
def start(command, server, key):
    """Start the client as a process."""
    def run(*args, url=server, key=key, **more):
        return subprocess.Popen([*command, '--api-url', url, '--api-key', key, *map(str, args)], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    return run


@pytest.fixture
def run(start):
    """Run the client to its end: exit status, stdout, stderr."""
    def run(*args, **more):
        with start(*args, **more) as process:
            out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    return run


@pytest.fixture
def identity(request):
    """Options of an extension that no other test uploads."""
    name = re.sub(r'\W', '', request.node.name)
    return ['--os', 'linux', '--arch', 'amd64', '--name', name, '--repo_type', 'git', '--repo_url', URL,
            '--revision', 'r1', '--app_revision', '700']


@pytest.fixture
def big_file(make_file):
    return make_file(size=24 * MIB)


def only_file(admin, identity):
    items = admin.listExtension('Slicer', all=True, name=identity[identity.index('--name') + 1])
    assert len(items) == 1
    files = admin.get(f'item/{items[0]["_id"]}/files')
    assert len(files) == 1
    assert files[0]['sha512'] == items[0]['meta']['sha512']
    return files[0]


def sha512(path):
    with path.open('rb') as stream:
        digest = hashlib.sha512()
        while block := stream.read(MIB):
            digest.update(block)
    return digest.hexdigest()


BUILD_SCRIPT = r"""
set -u
"$CLIENT" --api-url "$URL/api/v1" --api-key "$KEY" package upload Slicer "$FILE" \
  --repo_type git --repo_url https://example.org/slicer.git --os linux --arch amd64 --name Slicer --revision 33000 \
  --version 5.9.0 --pre_release 2>"$DIR/stderr1" || exit 11

"$CLIENT" --api-url "$URL/api/v1" --api-key "$KEY" extension upload Slicer "$FILE" \
  --os linux --arch amd64 --name SlicerIGT --repo_type git --repo_url https://example.org/igt.git --revision ab12cd3 \
  --app_revision 33000 --category IGT --desc "Bildgestützte Therapie" \
  --dependency "A B" --recommends "" --icon_url https://example.org/i.png --homepage https://example.org \
  --screenshots "https://example.org/1.png https://example.org/2.png" --contributors "A. Author" \
  --tier 1 --dicom_support_rule "" --keywords "" 2>"$DIR/stderr2" || exit 12

"$CLIENT" --api-url "$URL/api/v1" --api-key "$KEY" extension upload Slicer "$FILE" \
  --os linux --arch amd64 --name Bare --repo_type "" --repo_url "" --revision 1 --app_revision 33000 --category "" \
  --desc "" --dependency "" --recommends "" --icon_url "" --homepage "" --screenshots "" --contributors "" \
  --tier "" --dicom_support_rule "" --keywords "" 2>"$DIR/stderr3" || exit 13
"""


@pytest.fixture
def script(command, server, key, make_file, tmp_path):
    def bash(text, **more):
        env = {**os.environ, 'CLIENT': command[0], 'URL': server.removesuffix('/api/v1'), 'KEY': key,
               'DIR': str(tmp_path), 'FILE': str(make_file()), **more}
        return subprocess.run(['bash', '-c', text], env=env, text=True, capture_output=True, check=False,
                              encoding='utf-8', stdin=subprocess.DEVNULL)

    return bash


@pytest.mark.parametrize('locale', ['C', 'C.UTF-8'])
def test_the_build_machines_command_lines_work_as_they_stand(locale, script, admin, tmp_path):
    done = script(BUILD_SCRIPT, LC_ALL=locale, LANG=locale)
    assert (done.returncode, done.stderr) == (0, '')
    for number in '123':
        assert '\x1b' not in (tmp_path / f'stderr{number}').read_text()
    [package] = admin.listApplicationPackage('Slicer', revision='33000')
    assert package['meta']['pre_release'] is True
    igt, bare = (admin.listExtension('Slicer', name=name)[0]['meta'] for name in ('SlicerIGT', 'Bare'))
    assert (igt['description'], igt['dependency'], igt['tier']) == ('Bildgestützte Therapie', 'A B', 1)
    assert not {'recommends', 'keywords', 'dicom_support_rule'} & set(igt)
    assert not {'tier', 'category', 'icon_url'} & set(bare)


def test_the_retention_pipe_deletes_the_oldest_drafts(script, admin, run, make_file):
    for revision in range(101, 106):
        assert run('package', 'upload', 'Slicer', make_file(), '--os', 'win', '--arch', 'amd64', '--name', 'Old',
                   '--repo_type', 'git', '--repo_url', URL, '--revision', revision, '--version', '1')[0] == 0
    before = [draft['meta']['revision'] for draft in admin.listDraftRelease('Slicer', limit=0)]
    done = script("""
        export GIRDER_API_KEY="$KEY"
        doomed=$("$CLIENT" --api-url "$URL/api/v1" draft list Slicer --limit 0 --offset 3 \
                 | tail -n +3 | cut -d' ' -f1 | sort | head -n 10)
        echo "$doomed"
        for revision in $doomed; do
          "$CLIENT" --api-url "$URL/api/v1" draft delete Slicer "$revision" >/dev/null || exit 1
        done""")
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.split() == sorted(before[3:])[:10]
    assert [draft['meta']['revision'] for draft in admin.listDraftRelease('Slicer', limit=0)] == before[:3]


def test_an_upload_that_was_killed_goes_on_where_it_was(proxy, start, run, admin, big_file, identity):
    stalled = proxy.fail(b'/file/chunk?offset=16777216', 'hold')
    with start('extension', 'upload', 'Slicer', big_file, *identity, url=proxy.url) as process:
        assert stalled.happened.wait(300)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    before = proxy.sent
    assert run('extension', 'upload', 'Slicer', big_file, *identity, url=proxy.url)[0] == 0
    assert proxy.sent - before < 9 * MIB
    assert only_file(admin, identity)['sha512'] == sha512(big_file)


@pytest.mark.parametrize(('action', 'after'), [
    pytest.param('unavailable', 0, id='503'), pytest.param('reset', 0, id='reset at once'),
    pytest.param('reset', 3 * MIB, id='reset in mid-piece')])
def test_an_upload_survives_a_bad_network(action, after, proxy, run, admin, big_file, identity):
    proxy.fail(b'/file/chunk?offset=8388608', action, after=after, times=2)
    proxy.fail(b'/file/chunk?offset=16777216', action, after=after)
    status, _out, err = run('extension', 'upload', 'Slicer', big_file, *identity, url=proxy.url)
    assert status == 0, err
    assert 'Trying again' in err
    assert only_file(admin, identity)['sha512'] == sha512(big_file)


@pytest.mark.parametrize('pattern', [b'POST /api/v1/api_key/token', b'GET /api/v1/app', b'POST /api/v1/file?',
                                     b'POST /api/v1/app/', b'GET /api/v1/item/'])
def test_any_request_may_fail_on_the_way(pattern, proxy, run, admin, make_file, identity):
    proxy.fail(pattern, 'unavailable')
    proxy.fail(pattern, 'reset')
    assert run('extension', 'upload', 'Slicer', make_file(), *identity, url=proxy.url)[0] == 0
    assert only_file(admin, identity)['size'] == 1000


def test_many_files_are_uploaded_at_the_same_time_on_a_bad_network(proxy, run, admin, make_archive):
    paths = [make_archive(f'800-{system}-amd64-Many{number}-git1-2026-11-01.tar.gz')
             for number in range(8) for system in ('linux', 'win')]
    proxy.fail(b'POST /api/v1/file/chunk', 'reset', times=3)
    proxy.fail(b'POST /api/v1/app/', 'unavailable', times=2)
    status, out, err = run('extension', 'upload', 'Slicer', *paths, '-j', '8', '--json', url=proxy.url)
    assert status == 0, err
    assert json.loads(out)['totals']['uploaded'] == len(paths)
    found = admin.listExtension('Slicer', all=True, app_revision='800')
    assert {item['meta']['sha512'] for item in found} == {sha512(path) for path in paths}
    status, out, err = run('extension', 'upload', 'Slicer', *paths, '--json')
    assert (status, json.loads(out)['totals']['unchanged']) == (0, len(paths)), err


def test_a_command_with_many_files_that_is_interrupted_ends_at_once(proxy, start, run, make_archive):
    paths = [make_archive(f'801-linux-amd64-Cut{number}-git1-2026-11-01.tar.gz') for number in range(6)]
    stalled = proxy.fail(b'/file/chunk', 'hold')
    with start('extension', 'upload', 'Slicer', *paths, '-j', '2', url=proxy.url) as process:
        assert stalled.happened.wait(300)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()[-1]) == (
        130, 'Error: Interrupted. Run the same command again to resume.')
    assert 'SKIPPED' in out
    assert run('extension', 'upload', 'Slicer', *paths)[0] == 0


def test_a_draft_is_promoted_and_mirrored(run, proxy, make_archive, tmp_path):
    paths = [make_archive(f'810-{system}-amd64-Mirrored{number}-git1.tar.gz')
             for number in range(3) for system in ('linux', 'win')]
    assert run('extension', 'upload', 'Slicer', *paths)[0] == 0
    assert run('draft', 'ready', 'Slicer', '810', 'false')[0] == 0
    assert run('sync', 'Slicer', tmp_path / 'mirror', '--draft', '810', '--os', 'win')[0] == 0
    assert len(list((tmp_path / 'mirror').rglob('*.tar.gz'))) == 3
    assert run('release', 'create', 'Slicer', '8.1', '810')[0] == 0
    code, out, err = run('release', 'promote', 'Slicer', '8.1')
    assert (code, out.split()[:2]) == (0, ['8.1', '810']), err
    assert run('release', 'ready', 'Slicer', '8.1')[0] == 0
    proxy.fail(b'/download', 'reset', times=2)
    code, out, err = run('sync', 'Slicer', tmp_path / 'release', '--release', '8.1', '--json', url=proxy.url)
    assert (code, json.loads(out)['totals']['downloaded']) == (0, 6), err
    done = subprocess.run(['sha512sum', '--check', '--quiet', 'SHA512SUMS'], cwd=tmp_path / 'release', check=False)
    assert done.returncode == 0
    assert {sha512(path) for path in (tmp_path / 'release').rglob('*.tar.gz')} == {sha512(path) for path in paths}
    for arguments in (['--release', '8.1'], ['--release', '8.1', '--download'], paths):
        code, out, err = run('verify', 'Slicer', *arguments, '--json')
        assert (code, json.loads(out)['totals']['ok']) == (0, 6), err
    code, out, _err = run('extension', 'show', 'Slicer', 'Mirrored0', '--os', 'win', '--release', '8.1', '--json')
    item = json.loads(out)['item']
    assert (code, item['meta']['sha512']) == (0, sha512(paths[1]))
    assert run('extension', 'delete', 'Slicer', item['_id'])[0] == 0
    code, out, err = run('sync', 'Slicer', tmp_path / 'release', '--release', '8.1', '--delete', '--json')
    assert {key: json.loads(out)['totals'][key] for key in ('downloaded', 'unchanged', 'deleted')} == {
        'downloaded': 0, 'unchanged': 5, 'deleted': 1}, err


def test_a_key_that_can_only_upload_is_described(run, admin):
    limited = admin.post('api_key', parameters={'name': 'nightly', 'scope': '["slicer_package_manager.upload"]'})['key']
    code, out, err = run('whoami', 'Slicer', key=limited)
    lines = dict(line.split(': ', 1) for line in out.splitlines())
    assert (code, lines['user'], lines['expires'], lines['scopes'], lines['uploads to Slicer']) == (
        0, 'admin', 'never', 'slicer_package_manager.upload', 'allowed'), err
    assert lines['key'].startswith('nightly (')
    code, out, err = run('doctor', 'Slicer', '--json', key=limited)
    assert code == 0, out
    assert {one['check']: one['result'] for one in json.loads(out)['checks']} == dict.fromkeys(
        ('address', 'proxy', 'server', 'clock', 'credentials', 'login', 'application', 'journal'), 'ok')


def test_a_file_of_300_mib_goes_there_and_back(run, admin, tmp_path, identity):
    path = tmp_path / 'large.tar.gz'
    block = os.urandom(MIB)
    with path.open('wb') as stream:
        for number in range(300):
            stream.write(number.to_bytes(8, 'big') + block[8:])
    status, _out, err = run('extension', 'upload', 'Slicer', path, *identity, '--no-check')
    assert status == 0, err
    assert only_file(admin, identity)['sha512'] == sha512(path)
    item = admin.listExtension('Slicer', name=identity[5])[0]
    assert run('extension', 'download', 'Slicer', item['_id'], '--dir_path', tmp_path / 'back')[0] == 0
    assert sha512(tmp_path / 'back' / path.name) == sha512(path)
    shutil.rmtree(tmp_path / 'back')
    path.unlink()


def test_a_download_that_was_killed_goes_on_where_it_was(proxy, start, run, admin, big_file, identity, tmp_path):
    assert run('extension', 'upload', 'Slicer', big_file, *identity)[0] == 0
    item = admin.listExtension('Slicer', name=identity[5])[0]
    target = tmp_path / 'out' / big_file.name
    with start('extension', 'download', 'Slicer', item['_id'], '--dir_path', target.parent) as process:
        for line in process.stderr:
            if '10 %' in line:
                process.kill()
                break
    part = next(iter(target.parent.iterdir()))
    assert part != target
    assert run('extension', 'download', 'Slicer', item['_id'], '--dir_path', target.parent)[0] == 0
    assert sha512(target) == sha512(big_file)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize('again', [False, True], ids=['new', 'replaced'])
def test_two_machines_upload_the_same_extension_at_once(again, start, run, admin, make_file, identity):
    if again:
        assert run('extension', 'upload', 'Slicer', make_file(), *identity)[0] == 0
    files = [make_file(size=9 * MIB, seed=seed) for seed in (1, 2)]
    with contextlib.ExitStack() as stack:
        both = [stack.enter_context(start('extension', 'upload', 'Slicer', file, *identity)) for file in files]
        ended = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert only_file(admin, identity)['sha512'] in {sha512(file) for file in files}


def test_readers_always_find_one_file_while_it_is_replaced(run, server, admin, make_file, identity):
    files = [make_file(size=100_000, seed=seed) for seed in range(4)]
    assert run('extension', 'upload', 'Slicer', files[0], *identity)[0] == 0
    reader = SlicerPackageClient(apiUrl=server)
    item = admin.listExtension('Slicer', name=identity[5])[0]
    seen, ended = [], threading.Event()

    def read():
        with reader.session():
            while not ended.is_set():
                seen.append([file['sha512'] for file in reader.get(f'item/{item["_id"]}/files')])

    thread = threading.Thread(target=read)
    thread.start()
    for file in files[1:]:
        assert run('extension', 'upload', 'Slicer', file, *identity)[0] == 0
    ended.set()
    thread.join()
    assert {len(one) for one in seen} == {1}
    assert {one[0] for one in seen} <= {sha512(file) for file in files}
    assert admin.listExtension('Slicer', name=identity[5])[0]['_id'] == item['_id']


def test_publishes_on_github_and_registers_the_url(run, admin, github, make_file, identity):
    def publish():
        return run('extension', 'upload', 'Slicer', make_file('a b.tar.gz'), *identity, '--json',
                   '--github-repo', github.repo, '--github-api-url', github.url,
                   env={**os.environ, 'GITHUB_TOKEN': github.token})

    github.fail('POST', 'assets', 502)
    status, out, err = publish()
    assert status == 0, err
    assert github.token not in out + err
    file = only_file(admin, identity)
    assert file['linkUrl'] == 'https://github.com/owner/builds/releases/download/700-linux-amd64/a.b.tar.gz'
    assert (file['name'], file['size'], file['sha512']) == (
        'a b.tar.gz', 1000, hashlib.sha512(make_file('a b.tar.gz').read_bytes()).hexdigest())
    assert publish()[0] == 0
    assert json.loads(out)['status'] == 'registered'


@pytest.mark.parametrize(('arguments', 'status'), [
    pytest.param(['package', 'list', 'Nothing'], 3, id='not found'),
    pytest.param(['package', 'list', 'Slicer', '--os', 'beos'], 2, id='usage'),
    pytest.param(['release', 'create', 'Slicer', 'other', '42'], 5, id='conflict'),
])
def test_each_kind_of_failure_has_its_exit_status(arguments, status, run, admin):
    with contextlib.suppress(Exception):
        admin.createRelease('Slicer', '4.2', '42')
    code, out, err = run(*arguments)
    assert (code, out, len(err.splitlines())) == (status, '', 1)


def test_a_wrong_key_is_refused_and_not_printed(run):
    code, _out, err = run('app', 'list', key='wrongwrongwrong')
    assert code == 4
    assert 'wrongwrongwrong' not in err


def test_who_may_not_write_is_refused(command, server, admin, make_file, identity):
    with contextlib.suppress(Exception):
        admin.post('user', parameters={'login': 'visitor', 'email': 'v@example.org', 'firstName': 'V',
                                       'lastName': 'V', 'password': 'visitor1'})
    done = subprocess.run([*command, '--api-url', server, '--username', 'visitor', '--password', 'visitor1',
                           'extension', 'upload', 'Slicer', str(make_file()), *identity],
                          capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1


def test_a_stopped_server_is_reported(proxy, run):
    url = proxy.url
    proxy.__exit__()
    code, out, err = run('--retries', '1', 'app', 'list', url=url)
    assert (code, out) == (6, '')
    assert url in err.splitlines()[-1]


def test_drafts_are_pruned(run, admin, make_file):
    for revision in range(201, 204):
        run('package', 'upload', 'Slicer', make_file(), '--os', 'win', '--arch', 'amd64', '--name', 'Old',
            '--repo_type', 'git', '--repo_url', URL, '--revision', revision, '--version', '1')
    drafts = [draft['meta']['revision'] for draft in admin.listDraftRelease('Slicer', limit=0)]
    assert run('draft', 'prune', 'Slicer', '--keep', '2', '--dry-run')[0] == 0
    code, out, _err = run('draft', 'prune', 'Slicer', '--keep', '2', '--json')
    assert code == 0
    assert [draft['meta']['revision'] for draft in json.loads(out)['drafts']] == drafts[:1:-1]
    assert [draft['meta']['revision'] for draft in admin.listDraftRelease('Slicer', limit=0)] == drafts[:2]
