"""The command line: what it takes, what it prints, and with which status it ends."""
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from conftest import ARCHIVE

from slicer_package_manager_client.cli import cli, failures, output
from slicer_package_manager_client.errors import EXIT_CODES, SlicerPackageManagerError

IDENTITY = ['--os', 'linux', '--arch', 'amd64', '--name', 'Foo', '--repo_type', 'git', '--repo_url', 'https://x',
            '--revision', 'r1']
EXTENSION = [*IDENTITY, '--app_revision', '33000']
PACKAGE = [*IDENTITY, '--version', '5.9.0']

#: What the published client 0.11 takes, by its --help.
PUBLISHED = {
    (): '--api-url --api-key --username --password --host --scheme --port --api-root --no-ssl-verify --certificate '
        '--version',
    ('app', 'create'): 'name --desc --coll_id --coll_name --coll_desc --public --private',
    ('app', 'list'): '--coll_id --name',
    ('app', 'delete'): 'name --coll_id',
    ('release', 'create'): 'app_name name revision --coll_id --desc',
    ('release', 'list'): 'app_name --coll_id',
    ('release', 'delete'): 'app_name name --coll_id',
    ('draft', 'list'): 'app_name --coll_id --revision --limit --offset',
    ('draft', 'delete'): 'app_name revision --coll_id',
    ('package', 'list'): 'app_name --coll_id --name --os --arch --revision --version --release --limit',
    ('package', 'delete'): 'app_name id_or_name --coll_id',
    ('package', 'download'): 'app_name id_or_name --coll_id --dir_path',
    ('package', 'upload'): 'app_name filepath --os --arch --name --repo_type --repo_url --revision --version '
                           '--build_date --coll_id --desc --pre_release',
    ('extension', 'list'): 'app_name --coll_id --name --os --arch --app_revision --release --query --limit --all',
    ('extension', 'delete'): 'app_name id_or_name --coll_id',
    ('extension', 'download'): 'app_name id_or_name --coll_id --dir_path',
    ('extension', 'upload'): 'app_name filepath --os --arch --name --repo_type --repo_url --revision --app_revision '
                             '--desc --icon_url --category --tier --homepage --screenshots --contributors '
                             '--dependency --recommends --dicom_support_rule --keywords --coll_id --force',
}


def leaves(command=cli, path=()):
    """Every command that is no group."""
    if not isinstance(command, click.Group):
        return [(path, command)]
    return [leaf for name, one in command.commands.items() for leaf in leaves(one, (*path, name))]


LEAVES = dict(leaves())
#: Commands about the keyring of this machine (test_login.py).
LOGINS = {('login',), ('logout',)}
REQUESTS = [path for path in LEAVES if path not in LOGINS]
CHANGING = {path for path, command in LEAVES.items() if any(one.name == 'dry_run' for one in command.params)}


@pytest.fixture
def full(girder, tmp_path, make_archive):
    """A server with one object of each type, and matching arguments for each command."""
    girder.apps[0]['_accessLevel'] = 1
    girder.make_release('5.8', '32000')
    girder.make_draft('33000')
    girder.make_item('package', {'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64', 'revision': '33000'}, b'pkg')
    girder.make_item('extension', {'baseName': 'Foo', 'os': 'linux', 'arch': 'amd64', 'revision': 'r0',
                                   'app_revision': '33000'}, b'ext')
    file = tmp_path / 'a.tar.gz'
    file.write_bytes(ARCHIVE)
    return {
        ('app', 'create'): ['New'], ('app', 'list'): [], ('app', 'delete'): ['Slicer'],
        ('release', 'create'): ['Slicer', '5.9', '34000'], ('release', 'list'): ['Slicer'],
        ('release', 'delete'): ['Slicer', '5.8'],
        ('draft', 'list'): ['Slicer'], ('draft', 'delete'): ['Slicer', '33000'],
        ('draft', 'prune'): ['Slicer', '--keep', '0'],
        ('package', 'list'): ['Slicer'], ('package', 'delete'): ['Slicer', 'Slicer_linux_33000'],
        ('package', 'download'): ['Slicer', 'Slicer_linux_33000', '--dir_path', str(tmp_path / 'out')],
        ('package', 'upload'): ['Slicer', str(file), *PACKAGE],
        ('extension', 'list'): ['Slicer'], ('extension', 'delete'): ['Slicer', 'Foo_linux_r0'],
        ('extension', 'download'): ['Slicer', 'Foo_linux_r0', '--dir_path', str(tmp_path / 'out')],
        ('extension', 'upload'): ['Slicer', str(file), *EXTENSION],
        ('stats',): ['Slicer'],
        ('release', 'promote'): ['Slicer', '5.8'], ('release', 'ready'): ['Slicer', '5.8'],
        ('draft', 'ready'): ['Slicer', '33000', 'auto'],
        ('package', 'show'): ['Slicer', 'Slicer'], ('extension', 'show'): ['Slicer', 'Foo', '--os', 'linux'],
        ('sync',): ['Slicer', str(tmp_path / 'out'), '--draft', '33000'], ('open',): ['Slicer'],
        ('check',): [str(make_archive('33000-linux-amd64-Foo-git1.tar.gz')), '--against', 'Slicer'],
        ('verify',): ['Slicer', '--draft', '33000'],
        ('whoami',): ['Slicer'], ('doctor',): ['Slicer'],
    }


@pytest.mark.parametrize('path', PUBLISHED, ids=' '.join)
def test_takes_what_the_published_client_takes(path):
    command = cli if not path else LEAVES[path]
    taken = {name for one in command.params for name in (
        [one.name] if isinstance(one, click.Argument) else [*one.opts, *one.secondary_opts])}
    assert set(PUBLISHED[path].split()) <= taken


@pytest.mark.parametrize('path', REQUESTS, ids=' '.join)
def test_every_command_has_json_and_the_collection(path):
    assert {'as_json', 'coll_id'} <= {one.name for one in LEAVES[path].params}


@pytest.mark.parametrize('path', REQUESTS, ids=' '.join)
def test_every_command_answers_json_when_asked(path, full, run):
    done = run(*path, *full[path], '--json')
    assert done.exit_code == 0, done.stderr
    json.loads(done.stdout)


@pytest.mark.parametrize('path', sorted(CHANGING), ids=' '.join)
def test_a_dry_run_changes_nothing(path, full, run, girder, tmp_path):
    done = run(*path, *full[path], '--dry-run')
    assert done.exit_code == 0, done.stderr
    assert 'ould' in done.stdout + done.stderr or 'to delete' in done.stdout
    assert [one.path for one in girder.requests if one.method != 'GET'] == ['/api/v1/api_key/token']
    assert not (tmp_path / 'out').exists()


def test_commands_that_change_something_have_a_dry_run():
    assert set(LEAVES) - CHANGING == {('app', 'list'), ('release', 'list'), ('draft', 'list'), ('package', 'list'),
                                      ('extension', 'list'), ('package', 'show'), ('extension', 'show'), ('open',),
                                      ('whoami',), ('doctor',), ('check',), ('verify',),
                                      ('stats',), *LOGINS}


@pytest.mark.parametrize('path', sorted({*REQUESTS} - {('app', 'create')}), ids=' '.join)
def test_every_command_passes_the_collection_on(path, full, run, girder):
    run(*path, *full[path], '--coll_id', 'c' * 24)
    assert girder.asked('GET', '/app$')[0].args['collection_id'] == 'c' * 24


def test_an_application_is_created_in_the_collection(run, girder):
    assert run('app', 'create', 'New', '--coll_id', 'c' * 24, '--private', '--desc', 'd').exit_code == 0
    assert girder.asked('POST', '/app$')[0].form.to_dict() == {
        'name': 'New', 'collection_id': 'c' * 24, 'public': 'false', 'app_description': 'd'}


@pytest.mark.parametrize('path', sorted({*REQUESTS} - {('doctor',)}), ids=' '.join)
def test_every_command_that_fails_says_so_on_one_line(path, full, run, girder):
    girder.fail('GET', '/api/v1/app', 500, times=999)
    done = run('--retries', 0, *path, *full[path])
    assert done.exit_code == 6
    assert len(done.stderr.strip().splitlines()) == 1
    assert girder.url in done.stderr
    assert 'Traceback' not in done.stderr


def test_drafts_are_printed_as_the_retention_script_reads_them(run, girder):
    for revision in ('9', '10000'):
        girder.make_draft(revision)
    lines = run('draft', 'list', 'Slicer', '--limit', '0').stdout.splitlines()
    assert lines[0] == 'APP REVISION    NAME    RELEASE ID'
    assert lines[1] == f'{"-" * 14}  {"-" * 6}  {"-" * 24}'
    assert [line.split(' ')[0] for line in lines[2:]] == ['10000', '9']


@pytest.mark.parametrize(('args', 'shown'), [
    pytest.param(['--offset', '1'], ['9'], id='offset'),
    pytest.param(['--limit', '1'], ['10'], id='limit'),
    pytest.param(['--limit', '0'], ['10', '9'], id='no limit'),
    pytest.param(['--limit', '', '--offset', '', '--revision', ''], ['10', '9'], id='empty'),
    pytest.param(['--revision', '9'], ['9'], id='revision'),
])
def test_lists_of_drafts_are_cut_as_asked(args, shown, run, girder):
    for revision in ('9', '10'):
        girder.make_draft(revision)
    lines = run('draft', 'list', 'Slicer', *args).stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == shown


@pytest.mark.parametrize('options', [
    ['--tier', ''], ['--force', ''], ['--coll_id', ''], ['--url', ''], ['--size', ''], ['--github-repo', ''],
    ['--github-tag', ''], ['--metadata', ''], ['--enabled', ''], ['--desc', ''],
    ['--repo_url', ''], ['--keywords', '']])
def test_an_empty_option_is_dropped(options, run, girder, make_file):
    done = run('extension', 'upload', 'Slicer', make_file(), *EXTENSION, *options)
    assert done.exit_code == 0, done.stderr
    assert options[0].strip('-') not in girder.items[0]['meta']


@pytest.mark.parametrize('options', [['--api-key', ''], ['--username', ''], ['--host', ''], ['--port', ''],
                                     ['--certificate', ''], ['--timeout', ''], ['--retries', ''], ['--profile', '']])
def test_an_empty_global_option_is_dropped(options, invoke, girder):
    assert invoke('--api-url', girder.url, *options, 'app', 'list').exit_code == 0


@pytest.mark.parametrize(('args', 'status', 'said'), [
    pytest.param(['package', 'list', 'Slicer', '--os', 'beos'], 2, "'beos' is not one of", id='value'),
    pytest.param(['package', 'list', 'Slicer', '--limit', '-1'], 2, 'limit', id='negative limit'),
    pytest.param(['package', 'list'], 2, 'APP_NAME', id='argument'),
    pytest.param(['package', 'fly'], 2, 'No such command', id='command'),
    pytest.param(['package', 'list', 'None'], 3, 'no application "None"', id='application'),
    pytest.param(['release', 'delete', 'Slicer', '9'], 3, 'no release "9"', id='release'),
    pytest.param(['draft', 'delete', 'Slicer', '9'], 3, 'no draft of revision "9"', id='draft'),
    pytest.param(['extension', 'delete', 'Slicer', 'None'], 3, 'no extension "None"', id='extension'),
    pytest.param(['release', 'create', 'Slicer', 'other', '32000'], 5, 'exists already', id='conflict'),
    pytest.param(['extension', 'upload', 'Slicer', 'none', *EXTENSION], 2, 'no file "none"', id='file'),
    pytest.param(['extension', 'upload', 'Slicer', *EXTENSION], 2, 'FILEPATH', id='no file'),
    pytest.param(['extension', 'upload', 'Slicer', __file__, *IDENTITY], 2, '--app_revision', id='missing option'),
    pytest.param(['extension', 'upload', 'Slicer', 'x', *EXTENSION, '--url', 'https://x', '--github-repo', 'a/b'], 2,
                 'not both', id='two ways'),
    pytest.param(['extension', 'upload', 'Slicer', 'x', *EXTENSION, '--sha512', '0'], 2,
                 '--sha512 can only be used with --url', id='stray'),
    pytest.param(['extension', 'upload', 'Slicer', 'x', *EXTENSION, '--github-tag', 'x', '--github-api-url', 'y'], 2,
                 '--github-tag, --github-api-url can only be used with --github-repo', id='stray on GitHub'),
    pytest.param(['extension', 'upload', 'Slicer', *EXTENSION, '--url', 'https://x', '--force', '1'], 2, '--force',
                 id='force'),
    pytest.param(['extension', 'upload', 'Slicer', *EXTENSION, '--url', 'http://x'], 2, 'no https', id='url'),
    pytest.param(['extension', 'upload', 'Slicer', *EXTENSION, '--url', 'https://x/y', '--sha512', '0'], 2,
                 '128', id='checksum'),
    pytest.param(['stats', 'Slicer', '--csv', '--json'], 2, 'not both', id='formats'),
    pytest.param(['stats', 'Slicer', '--from', 'soon'], 2, 'soon', id='date'),
])
def test_says_what_is_wrong(args, status, said, full, run):
    done = run(*args)
    assert done.exit_code == status
    assert said in done.stderr
    assert (done.stdout == '') == ('--json' not in args)
    assert len(done.stderr.splitlines()) == 1


def test_what_exists_as_asked_is_no_failure(run, girder):
    girder.make_release('5.8', '32000')
    for args in (['app', 'create', 'Slicer'], ['release', 'create', 'Slicer', '5.8', '32000']):
        done = run(*args)
        assert (done.exit_code, 'already exists' in done.stdout) == (0, True)
    assert [one.path for one in girder.requests if one.method == 'POST'] == ['/api/v1/api_key/token'] * 2


@pytest.mark.parametrize('what', ['app', 'release'])
def test_another_description_changes_nothing_and_is_said(what, run, girder):
    girder.make_release('5.8', '32000')
    args = {'app': ['app', 'create', 'Slicer'], 'release': ['release', 'create', 'Slicer', '5.8', '32000']}[what]
    folder = {'app': girder.apps, 'release': girder.releases}[what][0]
    folder['description'] = 'old'
    done = run(*args, '--desc', 'new')
    assert done.exit_code == 0
    assert 'stays "old"' in done.stderr
    assert f'PUT {girder.url}/folder/{folder["_id"]}?description=' in done.stderr
    assert run(*args, '--desc', 'old').stderr == run(*args).stderr == ''


def test_an_application_that_exists_otherwise_is_a_conflict(run):
    assert run('app', 'create', 'Slicer', '--private').exit_code == 5


def test_a_wrong_key_is_refused_and_never_printed(invoke, girder):
    done = invoke('--api-url', girder.url, '--api-key', 'wrongkey', '--verbose', 'app', 'list')
    assert done.exit_code == 4
    assert 'Traceback' in done.stderr
    assert 'wrongkey' not in done.output + done.stderr


def test_no_secret_is_printed_however_much_is_said(run, full, girder):
    girder.fail('GET', '/app', 500, body=f'{{"message": "{girder.key} {girder.token}"}}', times=99)
    done = run('--retries', 1, '--verbose', 'package', 'list', 'Slicer')
    assert girder.key not in done.stderr
    assert girder.token not in done.stderr
    assert 'GET' in done.stderr


def test_the_log_says_each_request(run):
    assert 'GET app' in run('--verbose', 'app', 'list').stderr


def test_a_defect_is_one_line_too(invoke, monkeypatch):
    monkeypatch.setattr('slicer_package_manager_client.config.load', lambda *_args: 1 / 0)
    done = invoke('app', 'list')
    assert done.exit_code == 1
    assert done.stderr.startswith('Error: ZeroDivisionError: division by zero. This is a defect')
    assert len(done.stderr.splitlines()) == 1


def test_an_interruption_has_its_own_status(run, monkeypatch):
    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr('slicer_package_manager_client.client.SlicerPackageClient.listApp', interrupt)
    done = run('app', 'list')
    assert done.exit_code == 130
    assert 'Interrupted' in done.stderr


def test_every_kind_of_error_has_a_documented_status_of_its_own():
    kinds = [SlicerPackageManagerError, *SlicerPackageManagerError.__subclasses__()]
    codes = [kind.exit_code for kind in kinds]
    assert sorted(codes) == sorted(set(codes))
    assert {status for status, _code, _meaning in EXIT_CODES} == {0, 130, *codes}
    assert len({code for _status, code, _meaning in EXIT_CODES}) == len(EXIT_CODES)


@pytest.mark.parametrize(('options', 'logged_in'), [
    pytest.param(['--username', 'admin', '--password', 'secretpass'], True, id='password'),
    pytest.param(['--username', 'admin', '--password', 'wrongpass'], False, id='wrong password'),
    pytest.param(['--api-key-file', 'FILE'], True, id='key file'),
])
def test_logs_in_with_the_given_credentials(options, logged_in, invoke, girder, tmp_path):
    (tmp_path / 'key').write_text(girder.key)
    options = [str(tmp_path / 'key') if one == 'FILE' else one for one in options]
    done = invoke('--api-url', girder.url, *options, 'app', 'list')
    assert done.exit_code == (0 if logged_in else 4)
    assert 'wrongpass' not in done.stderr


def test_the_more_explicit_credentials_count(invoke, girder):
    done = invoke('--api-url', girder.url, '--username', 'admin', '--password', 'secretpass', 'app', 'list',
                  env={'GIRDER_API_KEY': 'wrong'})
    assert done.exit_code == 0


def test_without_a_terminal_no_password_is_asked_for(invoke, girder):
    done = invoke('--api-url', girder.url, '--username', 'admin', 'app', 'list')
    assert done.exit_code == 2
    assert '--password' in done.stderr


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(output, 'interactive', lambda: True)


def test_a_deletion_asks_on_a_terminal(terminal, run, girder):
    done = run('app', 'delete', 'Slicer', stdin='n\n')
    assert (done.exit_code, len(girder.apps)) == (1, 1)
    assert run('app', 'delete', 'Slicer', stdin='y\n').exit_code == 0
    assert girder.apps == []


def test_a_deletion_with_yes_does_not_ask(terminal, run, girder):
    assert run('app', 'delete', 'Slicer', '--yes').exit_code == 0


def test_a_missing_name_is_asked_for_on_a_terminal(terminal, run, girder, make_file):
    index = EXTENSION.index('--name')
    without = EXTENSION[:index] + EXTENSION[index + 2:]
    assert run('extension', 'upload', 'Slicer', make_file(), *without, stdin='Bar\n').exit_code == 0
    assert girder.items[0]['meta']['baseName'] == 'Bar'


@pytest.mark.parametrize('answers', ['Bar\n33000\n', 'Bar\r\n33000'])
def test_what_is_missing_is_read_from_a_pipe_like_the_published_client_does(run, girder, make_file, answers):
    assert run('extension', 'upload', 'Slicer', make_file(), stdin=answers).exit_code == 0
    assert (girder.items[0]['meta']['baseName'], girder.items[0]['meta']['app_revision']) == ('Bar', '33000')


@pytest.mark.parametrize('answers', ['', 'Bar\n'])
def test_what_is_missing_and_not_in_the_pipe_either_is_named(run, girder, make_file, answers):
    done = run('extension', 'upload', 'Slicer', make_file('foo.tar.gz'), stdin=answers)
    assert (done.exit_code, girder.items) == (2, [])
    assert '--app_revision' in done.stderr
    assert ('--name' in done.stderr) == (not answers)


def test_host_and_url_contradict_each_other(invoke):
    done = invoke('--api-url', 'http://127.0.0.1:9', '--host', 'localhost', 'app', 'list')
    assert done.exit_code == 2


def test_the_parts_of_a_url_are_put_together(invoke, girder, httpserver):
    assert invoke('--host', httpserver.host, '--port', httpserver.port, '--scheme', 'http', '--api-root', 'api/v1',
                  'app', 'list').exit_code == 0


@pytest.mark.parametrize('path', LEAVES, ids=' '.join)
def test_the_help_of_every_command_names_all_its_options(path, invoke):
    done = invoke(*path, '--help')
    assert done.exit_code == 0
    assert all(one.opts[-1] in done.stdout for one in LEAVES[path].params if isinstance(one, click.Option))


#: Modules that take long to import.
SLOW = {'girder_client', 'requests', 'urllib3', 'tqdm', 'tenacity', 'keyring', 'platformdirs', 'filelock', 'logging',
        'tarfile', 'zipfile', 'traceback', 'tomllib', 'tomli'}


@pytest.mark.parametrize('args', [['--help'], *([*path, '--help'] for path in LEAVES)], ids=' '.join)
def test_help_imports_nothing_that_takes_long(args, home):
    loaded = ('import sys; before = set(sys.modules); from slicer_package_manager_client.cli import cli;'
              f'cli({args}, standalone_mode=False);'
              'print(*sorted(set(sys.modules) - before))')
    # Not what the installation of this environment imports.
    done = subprocess.run([sys.executable, '-c', loaded], capture_output=True, text=True, check=True)
    imported = set(done.stdout.splitlines()[-1].split())
    assert imported & SLOW == set()
    ours = {name for name in imported if name.startswith('slicer_package_manager_client.cli.')}
    if args == ['--help']:
        assert 'slicer_package_manager_client.cli.upload' not in ours
        assert 'slicer_package_manager_client.cli.channels' not in ours


@pytest.mark.parametrize('name', cli.commands)
def test_the_summary_that_help_prints_is_that_of_the_command(name, invoke):
    assert cli._summaries[name] == cli.commands[name].short_help


@pytest.mark.parametrize('module', [['-m', 'slicer_package_manager_client']], ids=['module'])
def test_prints_utf8_whatever_the_locale_says(module, girder):
    girder.make_app('Ünïcode \u2603')
    done = subprocess.run([sys.executable, *module, '--api-url', girder.url, 'app', 'list'], check=True,
                          capture_output=True, env={**os.environ, 'PYTHONIOENCODING': 'ascii', 'LC_ALL': 'C'})
    assert 'Ünïcode \u2603' in done.stdout.decode('utf-8')


def test_a_key_in_a_url_is_not_printed():
    assert failures.Reporter().redacted('GET http://x/api_key/token?key=abc&x=1') == (
        'GET http://x/api_key/token?key=***&x=1')


@pytest.mark.parametrize('name', ['slicer_package_manager_client', 'slicer-package-manager-client'])
def test_completion_is_offered(name):
    script = Path(sys.executable).with_name(name)
    done = subprocess.run([script], capture_output=True, text=True, check=True, env={
        **os.environ, '_SLICER_PACKAGE_MANAGER_CLIENT_COMPLETE': 'zsh_source'})
    assert f'compdef _{name.replace("-", "_")}_completion {name}' in done.stdout


def test_a_table_has_one_line_for_each_row():
    text = output.table(['A', 'LONGER'], [['1\n2', None], ['x' * 9, 'y']])
    assert text.splitlines() == ['A          LONGER', '---------  --------', '1 2', 'xxxxxxxxx  y']
