"""Receipts of uploads, errors as JSON, and what CI services recognize in the log of a job."""
import hashlib
import json
import re

import pytest

from slicer_package_manager_client import transfer
from slicer_package_manager_client.publish import Outcome
from slicer_package_manager_client.receipts import receipt

EXTENSION = ['--os', 'linux', '--arch', 'amd64', '--name', 'Foo', '--revision', 'r1', '--app_revision', '33000']


@pytest.fixture
def upload(run, make_file):
    def send(*args, seed=0, **kwargs):
        return run('extension', 'upload', 'Slicer', make_file(seed=seed), *EXTENSION, *args, **kwargs)

    return send


@pytest.fixture
def actions(monkeypatch, tmp_path):
    monkeypatch.setenv('GITHUB_ACTIONS', 'true')
    for name in ('GITHUB_STEP_SUMMARY', 'GITHUB_OUTPUT'):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def test_a_receipt_follows_on_stderr(upload, girder):
    done = upload()
    item, root = girder.items[0]['_id'], girder.url.removesuffix('/api/v1')
    item_line, download_line, sent_line = done.stderr.splitlines()[-3:]
    assert (item_line, download_line) == (f'Item: {root}/#item/{item}', f'Download: {girder.url}/item/{item}/download')
    assert re.fullmatch(r'Sent 1000 B in \d+\.\d s \([\d.]+ (B|KiB|MiB)/s\)\.', sent_line)
    assert 'Sent' not in upload().stderr


@pytest.mark.parametrize('change', ['uploaded', 'unchanged', 'updated', 'replaced'])
def test_json_has_the_file_and_its_addresses(change, upload, girder, make_file):
    if change != 'uploaded':
        upload()
    seed, more = (1 if change == 'replaced' else 0), (['--category', 'IGT'] if change == 'updated' else [])
    document = json.loads(upload(*more, '--json', seed=seed).stdout)
    [file] = girder.files
    assert document['status'] == change
    assert document['file'] == {
        '_id': file['_id'], 'name': file['name'], 'size': 1000, 'url': f'{girder.url}/file/{file["_id"]}/download',
        'sha512': hashlib.sha512(make_file(seed=seed).read_bytes()).hexdigest()}
    assert document['bytes'] == (1000 if change in {'uploaded', 'replaced'} else 0)
    assert ('bytes_per_second' in document) == bool(document['bytes'])


def test_json_of_a_link_has_its_address(run, girder):
    url = 'https://github.com/o/r/releases/download/t/a.tar.gz'
    done = run('extension', 'upload', 'Slicer', *EXTENSION, '--url', url, '--json')
    assert json.loads(done.stdout)['file']['url'] == url


def test_only_bytes_of_this_run_count(run, girder, make_file, monkeypatch):
    monkeypatch.setattr(transfer, 'CHUNK', 400)
    girder.fail('POST', '/file/chunk', 403, skip=1)
    command = ['extension', 'upload', 'Slicer', make_file(), *EXTENSION, '--json']
    assert run(*command).exit_code == 4
    assert json.loads(run(*command).stdout)['bytes'] == 600


def test_json_of_many_files_has_receipts(run, girder, make_archive):
    paths = [make_archive(f'33000-linux-amd64-Ext{number}-git1.tar.gz') for number in range(2)]
    document = json.loads(run('extension', 'upload', 'Slicer', *paths, '--json').stdout)
    assert {file['file']['_id'] for file in document['files']} == {file['_id'] for file in girder.files}
    assert [file['bytes'] for file in document['files']] == [path.stat().st_size for path in paths]


@pytest.mark.parametrize('url', ['https://x/api/v1', 'https://x/api/v1/', 'https://x'])
def test_the_page_of_an_item_is_below_the_root(url):
    assert receipt(url, Outcome('uploaded', {'_id': '1'}), 1)['url'] == 'https://x/#item/1'


@pytest.mark.parametrize(('args', 'code', 'parts'), [
    (['extension', 'list', 'Nothing'], 'not_found', {'message', 'server', 'hint'}),
    (['extension', 'list', 'Slicer', '--os', 'beos'], 'invalid_request', {'message'}),
    (['extension', 'upload', 'Slicer', 'missing.tar.gz', *EXTENSION], 'invalid_request', {'message'}),
    (['extension', 'list', 'Slicer', '--bogus'], 'invalid_request', {'message'}),
])
def test_errors_are_json_if_the_result_would_be(args, code, parts, run):
    done = run(*args, '--json')
    error = json.loads(done.stdout)['error']
    assert error['code'] == code
    assert set(error) == {'code', *parts}
    assert len(done.stderr.splitlines()) == 1
    assert run(*args).stdout == ''


def test_a_secret_is_in_no_json(invoke, girder):
    girder.fail('POST', 'api_key/token', 400, body=json.dumps({'message': f'{girder.key} is wrong'}))
    done = invoke('--api-url', girder.url, '--api-key', girder.key, 'app', 'list', '--json')
    assert girder.key not in done.stdout + done.stderr
    assert json.loads(done.stdout)['error']['code'] == 'refused'


def test_github_actions_gets_annotations(actions, run, upload, girder):
    done = run('extension', 'list', 'No%thing')
    assert done.stderr.startswith('::error title=slicer_package_manager_client::There is no application "No%25thing".')
    girder.warning = 'left out'
    assert '::warning title=slicer_package_manager_client::left out' in upload().stderr.splitlines()


def test_github_actions_gets_a_summary_and_outputs(actions, upload, girder):
    done = upload('--json')
    document, item = json.loads(done.stdout), girder.items[0]['_id']
    lines = done.stderr.splitlines()
    assert lines[0] == '::group::Upload 33000-linux-amd64-Foo-git1.tar.gz'
    assert '::endgroup::' in lines
    assert (actions / 'GITHUB_STEP_SUMMARY').read_text().splitlines() == [
        '| File | Result | Address | Problem |', '| --- | --- | --- | --- |',
        (f'| 33000-linux-amd64-Foo-git1.tar.gz | uploaded | [item]({document["url"]}), '
         f'[download]({document["download_url"]}) |  |'), '']
    assert dict(line.split('=', 1) for line in (actions / 'GITHUB_OUTPUT').read_text().splitlines()) == {
        'status': 'uploaded', 'item-id': item, 'url': document['url'], 'download-url': document['download_url'],
        'file-id': document['file']['_id'], 'file-url': document['file']['url'], 'sha512': document['file']['sha512']}


def test_github_actions_gets_a_summary_of_many_files(actions, run, make_archive):
    paths = [make_archive(f'33000-linux-amd64-Ext{number}-git1.tar.gz') for number in range(2)]
    run('extension', 'upload', 'Slicer', *paths, paths[0].with_name('a|b.tar.gz'))
    rows = (actions / 'GITHUB_STEP_SUMMARY').read_text().splitlines()[2:]
    assert [row.split(' | ')[1] for row in rows if row] == ['uploaded', 'uploaded', 'refused']
    assert rows[2].startswith('| a\\|b.tar.gz | refused |  | There is no file')
    outputs = dict(line.split('=', 1) for line in (actions / 'GITHUB_OUTPUT').read_text().splitlines())
    assert (outputs['uploaded'], outputs['refused']) == ('2', '1')
    assert [file['status'] for file in json.loads(outputs['files'])] == ['uploaded', 'uploaded', 'refused']


def test_a_dry_run_has_no_outputs(actions, upload):
    upload('--dry-run')
    assert not (actions / 'GITHUB_OUTPUT').exists()


def test_gitlab_gets_a_section(upload, monkeypatch):
    monkeypatch.setenv('GITLAB_CI', 'true')
    done = upload()
    name = 'upload_33000_linux_amd64_foo_git1_tar_gz'
    first = done.stderr.splitlines(keepends=True)[0]
    assert re.match(rf'\x1b\[0Ksection_start:\d+:{name}\r', first)
    assert re.search(rf'\x1b\[0Ksection_end:\d+:{name}\r\x1b\[0K\n', done.stderr)
    assert '\x1b' not in done.stdout
