"""Attestations beside uploads: checked before anything is sent, stored after the file, and shown."""
import base64
import hashlib
import json

import pytest

NAME = '33000-linux-amd64-Foo-git1.tar.gz'
ARGUMENTS = ('--name', 'Foo', '--os', 'linux', '--arch', 'amd64', '--repo_type', 'git', '--repo_url', 'https://x/y',
             '--revision', '1', '--app_revision', '33000')


def bundle(*contents, **changes):
    statement = {'subject': [{'name': 'x', 'digest': {'sha256': hashlib.sha256(one).hexdigest()}} for one in contents]}
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return json.dumps({'dsseEnvelope': {'payload': payload}, **changes}).encode()


@pytest.fixture
def upload(run, make_file, tmp_path):
    """Upload a file with an attestation; by default, one about the file."""
    def command(*args, content=None, path=None):
        path = path or make_file(NAME)
        attestation = tmp_path / 'attestation.jsonl'
        attestation.write_bytes(bundle(path.read_bytes()) if content is None else content)
        return run('extension', 'upload', 'Slicer', path, *ARGUMENTS, '--attestation', attestation, *args)
    return command


def test_the_attestation_is_stored_after_the_file(upload, girder, make_file):
    done = upload('--json')
    assert done.exit_code == 0, done.stderr
    (item,) = girder.items
    assert girder.attestations == {item['_id']: bundle(make_file(NAME).read_bytes())}
    url = f'{girder.url}/app/{girder.apps[0]["_id"]}/extension/{item["_id"]}/attestation'
    assert json.loads(done.stdout)['attestation_url'] == url
    assert f'Attestation: {url}' in done.stderr
    paths = [one.path for one in girder.requests if one.method != 'GET']
    assert paths[-1].endswith('/attestation')
    (sent,) = girder.asked('PUT', 'attestation')
    assert sent.content_type == 'application/vnd.dev.sigstore.bundle.v0.3+json'


def test_a_file_that_is_there_already_gets_its_attestation(upload, girder, make_file):
    upload()
    girder.attestations.clear()
    assert upload().exit_code == 0
    assert len(girder.attestations) == 1
    assert len(girder.asked('POST', '/file$')) == 1


def test_json_lines_may_be_about_several_files(upload, girder, make_file):
    content = bundle(b'other') + b'\n\n' + bundle(b'x', make_file(NAME).read_bytes()) + b'\n'
    assert upload(content=content).exit_code == 0
    assert list(girder.attestations.values()) == [content]


def test_several_files_share_an_attestation(run, girder, make_archive, tmp_path):
    paths = [make_archive(f'33000-{os}-amd64-Foo-git1.tar.gz') for os in ('linux', 'win')]
    attestation = tmp_path / 'attestation.json'
    attestation.write_bytes(bundle(*(path.read_bytes() for path in paths)))
    done = run('extension', 'upload', 'Slicer', *paths, '--repo_url', 'https://x/y', '--attestation', attestation)
    assert done.exit_code == 0, done.stderr
    assert len(girder.attestations) == 2


@pytest.mark.parametrize(('content', 'reason'), [
    (bundle(b'other'), 'not about'), (b'', 'not about'), (b'{', 'no Sigstore bundle'), (b'[]', 'no Sigstore bundle'),
    (b'{}', 'no Sigstore bundle'), (b'\xff', 'no Sigstore bundle'), (bundle(dsseEnvelope=7), 'no Sigstore bundle'),
    (bundle(dsseEnvelope={'payload': '!'}), 'no Sigstore bundle'), (b' ' * 600_000, 'more than')], ids=repr)
def test_an_attestation_that_does_not_fit_is_refused_before_anything_is_sent(upload, girder, content, reason):
    done = upload(content=content)
    assert (done.exit_code, reason in done.stderr) == (2, True), done.stderr
    assert girder.items == []


def test_a_missing_attestation_is_refused(run, girder, make_file, tmp_path):
    done = run('extension', 'upload', 'Slicer', make_file(NAME), *ARGUMENTS, '--attestation', tmp_path / 'none')
    assert (done.exit_code, 'cannot be read' in done.stderr, girder.items) == (2, True, [])


def test_a_plan_sends_nothing(upload, girder):
    assert upload('--dry-run').exit_code == 0
    assert girder.attestations == {}


def test_links_have_no_attestation(upload):
    done = upload('--url', 'https://example.org/x.tar.gz')
    assert (done.exit_code, '--attestation is for files' in done.stderr) == (2, True)


def test_a_server_that_is_too_old_is_reported(upload, girder):
    girder.attestations = None
    done = upload()
    assert (done.exit_code, 'too old' in done.stderr, len(girder.files)) == (1, True, 1)


def test_a_refusal_of_the_server_is_reported(upload, girder):
    girder.fail('PUT', 'attestation', 409, body='{"message": "The file was replaced."}')
    done = upload()
    assert (done.exit_code, 'was replaced' in done.stderr) == (5, True), done.stderr


# What is shown

@pytest.fixture
def show(run, girder):
    item = girder.make_item('extension', {'baseName': 'Foo', 'os': 'linux', 'revision': '1'}, b'content')
    return item, lambda *args: run('extension', 'show', 'Slicer', item['_id'], *args)


def test_the_origin_of_a_file_is_shown(show, girder):
    item, command = show
    girder.attestations[item['_id']] = b'{}'
    girder.build = {'repository': 'a/b', 'commit': 'ab12', 'run': '42', 'run_url': 'https://github.com/a/b/runs/7'}
    url = f'{girder.url}/app/{girder.apps[0]["_id"]}/extension/{item["_id"]}/attestation'
    lines = command().stdout.splitlines()
    assert lines[-2:] == ['built by: a/b@ab12, run 42 (https://github.com/a/b/runs/7)', f'attestation: {url}']
    assert json.loads(command('--json').stdout)['provenance'] == {
        'build': girder.build, 'attestation': {'size': 2, 'url': url}}


@pytest.mark.parametrize('attestations', [None, {}])
def test_a_file_of_unknown_origin_is_shown(show, girder, attestations):
    _, command = show
    girder.attestations = attestations
    done = command()
    assert (done.exit_code, 'attestation' in done.stdout) == (0, False), done.stderr


def test_a_file_that_the_server_has_checked_is_not_sent_again(run, girder, make_file):
    body = json.dumps({'message': f'Invalid values: file: "{NAME}" does not pass the check for this application: '
                                  'Its top folder is "Bar".'})
    girder.fail('POST', '/file/chunk', 400, body=body, times=9)
    done = run('extension', 'upload', 'Slicer', make_file(NAME), *ARGUMENTS)
    assert (done.exit_code, 'top folder is "Bar"' in done.stderr) == (2, True), done.stderr
    assert len(girder.asked('POST', '/file/chunk')) == 1
