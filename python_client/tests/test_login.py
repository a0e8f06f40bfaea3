"""Keys in the keyring of the system, and the precedence of credentials."""
import json
import sys
import threading

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from slicer_package_manager_client import config, logins
from slicer_package_manager_client.cli import output
from slicer_package_manager_client.errors import SlicerPackageManagerError


class Memory(KeyringBackend):
    """A keyring that encrypts, as far as the client can see."""

    priority = 5
    name = 'keyring of the tests'

    def __init__(self):
        self.keys = {}
        self.problem = None

    def _open(self):
        if self.problem:
            raise self.problem

    def get_password(self, service, username):
        self._open()
        return self.keys.get((service, username))

    def set_password(self, service, username, password):
        self._open()
        self.keys[service, username] = password

    def delete_password(self, service, username):
        self._open()
        if (service, username) not in self.keys:
            raise PasswordDeleteError('not there')
        del self.keys[service, username]


class Plain(Memory):
    """A keyring that writes plain text, such as the files of keyrings.alt."""

    priority = 0.5
    name = 'plain text'


class Forgetful(Memory):
    """A keyring that keeps nothing, such as the null backend."""

    def get_password(self, service, username):
        return None


@pytest.fixture
def memory(monkeypatch):
    backend = Memory()
    use(monkeypatch, backend)
    return backend


def use(monkeypatch, backend):
    monkeypatch.setattr(keyring, 'get_keyring', lambda: backend)


@pytest.fixture
def at(invoke, girder):
    """Run a command against the fake server, without a key on the command line."""
    def command(*args, **kwargs):
        return invoke('--api-url', girder.url, '--retries', 0, *args, **kwargs)

    return command


def everything_in(directory):
    return b''.join(path.read_bytes() for path in directory.rglob('*') if path.is_file())


def test_a_login_is_stored_and_used(at, girder, memory, home):
    done = at('login', stdin=f'{girder.key}\n')
    assert (done.exit_code, 'as builder' in done.stdout) == (0, True), done.stderr
    assert memory.keys == {(logins.SERVICE, girder.url): girder.key}
    assert girder.key not in done.stdout + done.stderr
    assert girder.key.encode() not in everything_in(home)
    assert 'credentials: keyring' in at('whoami').stdout.splitlines()
    assert girder.asked('GET', '/token/current')[-1].headers['Girder-Token'] == girder.token


def test_json_states_what_was_stored(at, girder, memory):
    stored = json.loads(at('login', '--json', stdin=girder.key).stdout)
    assert (stored['status'], stored['user'], stored['keyring']) == ('stored', 'builder', memory.name)
    assert girder.key not in json.dumps(stored)
    assert json.loads(at('logout', '--json').stdout) == {'status': 'removed', 'server': girder.url}
    assert json.loads(at('logout', '--json').stdout)['status'] == 'unchanged'


def test_a_key_that_the_server_refuses_is_not_stored(at, memory, home):
    done = at('login', stdin='wrongwrongwrong')
    assert (done.exit_code, memory.keys, everything_in(home)) == (4, {}, b'')
    assert 'refused' in done.stderr
    assert 'wrongwrongwrong' not in done.stderr


def test_nothing_is_stored_while_the_server_cannot_be_reached(invoke, memory):
    done = invoke('--api-url', 'http://127.0.0.1:9/api/v1', '--retries', 0, 'login', stdin='somekeysomekey')
    assert (done.exit_code, memory.keys) == (6, {})


@pytest.mark.parametrize('options', [['--api-key', 'SECRETSECRET'], ['--api-key-file', 'x'], ['--username', 'me'],
                                     ['--password', 'SECRETSECRET']])
def test_a_key_on_the_command_line_is_a_mistake(options, at, girder, memory):
    done = at(*options, 'login', stdin=girder.key)
    assert (done.exit_code, memory.keys) == (2, {})
    assert f'Leave out {options[0]}' in done.stderr
    assert 'SECRET' not in done.stderr


@pytest.mark.parametrize('stdin', ['', ' \n', '\0'])
def test_without_a_key_on_standard_input_nothing_happens(stdin, at, girder, memory):
    done = at('login', stdin=stdin)
    assert (done.exit_code, memory.keys, girder.requests) == (2, {}, [])


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_a_key_may_come_from_a_shell_that_marks_its_encoding(encoding, at, girder, memory):
    assert at('login', stdin=f'{girder.key}\r\n'.encode(encoding)).exit_code == 0
    assert set(memory.keys.values()) == {girder.key}


def test_a_terminal_does_not_show_the_key(at, girder, memory, monkeypatch):
    asked = []
    monkeypatch.setattr('click.testing._NamedTextIOWrapper.isatty', lambda _stream: True, raising=False)
    monkeypatch.setattr(output.click, 'prompt', lambda text, **more: asked.append((text, more)) or f' {girder.key} ')
    assert at('login').exit_code == 0
    assert asked == [('API key', {'hide_input': True, 'err': True})]
    assert set(memory.keys.values()) == {girder.key}


@pytest.mark.parametrize(('given', 'same'), [
    ('HTTPS://Example.ORG:443/api/v1/', 'https://example.org/api/v1'),
    ('http://example.org:80/api/v1', 'http://example.org/api/v1'),
    ('http://localhost:8080/api/v1/', 'http://localhost:8080/api/v1'),
    ('https://me:secret@example.org/girder/api/v1', 'https://example.org/girder/api/v1'),
    ('https://[::1]:443/api/v1', 'https://[::1]/api/v1'),
])
def test_all_ways_to_write_an_address_are_one(given, same):
    assert logins.address(given) == logins.address(same) == same


def test_each_server_has_its_own_key(at, invoke, girder, memory):
    logins.store('https://other.example.org/api/v1', 'otherkey', 'me')
    assert 'not logged in' in at('whoami').stderr
    at('login', stdin=girder.key)
    assert len(memory.keys) == 2
    assert at('logout').exit_code == 0
    assert set(memory.keys.values()) == {'otherkey'}
    done = at('logout')
    assert (done.exit_code, 'https://other.example.org/api/v1' in done.stderr) == (0, True)


def test_another_login_replaces_the_first(at, girder, memory):
    logins.store(girder.url, 'old', 'other')
    at('login', stdin=girder.key)
    assert set(memory.keys.values()) == {girder.key}
    assert logins.recorded()[girder.url]['user'] == 'builder'


def test_the_keyring_is_left_alone_without_a_login(at, memory, monkeypatch):
    monkeypatch.setattr(keyring, 'get_keyring', lambda: pytest.fail('the keyring was opened'))
    assert at('app', 'list').exit_code == 0
    assert at('logout').exit_code == 0


@pytest.fixture
def ladder(girder, memory, write, tmp_path):
    """All sources of credentials, those with the lowest precedence first, and how each is given."""
    logins.store(girder.url, girder.key, 'builder')
    key = tmp_path / 'key'
    key.write_text(girder.key)
    key.chmod(0o600)
    write(f'[profiles.p]\nusername = "admin"\napi_key_file = "{key.as_posix()}"\n')
    return [
        ('keyring', [], {}),
        ('username of the profile', ['--profile', 'p'], {}), ('api_key_file of the profile', [], {}),  # both at once
        ('GIRDER_API_KEY_FILE', [], {'GIRDER_API_KEY_FILE': str(key)}), ('GIRDER_API_KEY', [], {
            'GIRDER_API_KEY': girder.key}),
        ('--username', ['--username', 'admin', '--password', 'secretpass'], {}),
        ('--api-key-file', ['--api-key-file', key], {}), ('--api-key', ['--api-key', girder.key], {}),
    ]


@pytest.fixture
def write(home):
    def write(text):
        path = config.default_path()
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding='utf-8')

    return write


@pytest.mark.parametrize('count', [1, *range(3, 9)])
def test_the_precedence_of_credentials_is_shown(count, ladder, at, girder):
    options, env = [], {}
    for _source, more, variables in ladder[:count]:
        options += more
        env.update(variables)
    expected = [source for source, _more, _variables in reversed(ladder[:count])]
    assert json.loads(at(*options, 'whoami', '--json', env=env).stdout)['credentials'] == expected
    checks = json.loads(at(*options, 'doctor', '--json', env=env).stdout)['checks']
    (detail,) = [one['detail'] for one in checks if one['check'] == 'credentials']
    assert detail == '; not used: '.join(filter(None, (expected[0], ', '.join(expected[1:]))))


def test_a_login_that_others_precede_is_pointed_out(at, girder, memory):
    done = at('login', stdin=girder.key, env={'GIRDER_API_KEY': girder.key})
    assert 'Other credentials have precedence: GIRDER_API_KEY.' in done.stderr
    assert 'precedence' not in at('login', stdin=girder.key).stderr


@pytest.mark.parametrize(('source', 'env', 'advice'), [
    ('keyring', {}, 'It comes from keyring. Store another one with "login".'),
    ('GIRDER_API_KEY', {'GIRDER_API_KEY': 'expiredexpired'}, 'It comes from GIRDER_API_KEY.'),
])
def test_a_refused_key_is_named_by_its_source(source, env, advice, at, girder, memory):
    logins.store(girder.url, 'expiredexpired', 'builder')
    done = at('app', 'list', env=env)
    assert (done.exit_code, advice in done.stderr) == (4, True)
    assert 'expiredexpired' not in done.stderr


# Keyrings that do not work


def test_without_the_package_the_message_names_it(at, girder, monkeypatch):
    monkeypatch.setitem(sys.modules, 'keyring', None)
    done = at('login', stdin=girder.key)
    assert (done.exit_code, girder.requests) == (2, [])
    assert f'{sys.executable} -m pip install keyring' in done.stderr
    assert '--api-key-file' in done.stderr
    assert at('app', 'list').exit_code == at('logout').exit_code == 0


@pytest.mark.parametrize('backend', [Plain(), fail.Keyring(), null.Keyring()])
def test_a_keyring_that_does_not_encrypt_is_not_used(backend, at, girder, monkeypatch, home):
    use(monkeypatch, backend)
    done = at('login', stdin=girder.key)
    assert (done.exit_code, everything_in(home), getattr(backend, 'keys', {})) == (2, b'', {})
    assert 'no keyring that encrypts' in done.stderr


@pytest.mark.parametrize(('chain', 'status'), [([Memory(), Plain()], 0), ([Plain(), Plain()], 2)])
def test_only_the_first_of_a_chain_of_keyrings_is_used(chain, status, at, girder, monkeypatch):
    monkeypatch.setattr(ChainerBackend, 'backends', chain)
    use(monkeypatch, ChainerBackend())
    assert at('login', stdin=girder.key).exit_code == status
    assert chain[1].keys == {}


def test_a_keyring_that_keeps_nothing_is_an_error(at, girder, monkeypatch):
    use(monkeypatch, Forgetful())
    done = at('login', stdin=girder.key)
    assert (done.exit_code, 'did not keep the key' in done.stderr, logins.recorded()) == (4, True, {})


def test_a_configured_keyring_that_is_missing_is_an_error(at, monkeypatch):
    monkeypatch.setattr(keyring, 'get_keyring', lambda: (_ for _ in ()).throw(ModuleNotFoundError("No module 'vault'")))
    done = at('login', stdin='k')
    assert (done.exit_code, "cannot be used: No module 'vault'" in done.stderr) == (2, True)


@pytest.mark.parametrize('problem', [KeyringLocked('Failed to unlock the collection!'), OSError('no D-Bus'),
                                     ValueError()])
@pytest.mark.parametrize('command', ['app list', 'logout', 'login'])
def test_a_keyring_that_is_locked_is_an_error(problem, command, at, girder, memory):
    logins.store(girder.url, girder.key, 'builder')
    memory.problem = problem
    done = at(*command.split(), stdin=girder.key)
    assert done.exit_code == 4
    assert ('delete "' if command == 'logout' else 'Is it unlocked?') in done.stderr
    assert (str(problem).rstrip('.!') or 'ValueError') in done.stderr
    assert list(logins.recorded()) == [girder.url]
    assert at('app', 'list', env={'GIRDER_API_KEY': girder.key}).exit_code == 0


def test_a_key_that_was_removed_elsewhere_is_an_error(at, girder, memory):
    logins.store(girder.url, girder.key, 'builder')
    memory.keys.clear()
    done = at('app', 'list')
    assert (done.exit_code, 'Run "login" again' in done.stderr) == (4, True)
    assert at('logout').exit_code == at('app', 'list').exit_code == 0


def test_a_key_is_not_left_in_the_keyring_without_a_record(girder, memory, home):
    (home / 'state').write_text('a file is in the way')
    with pytest.raises(SlicerPackageManagerError, match='cannot be recorded'):
        logins.store(girder.url, girder.key, 'builder')
    assert memory.keys == {}


@pytest.mark.parametrize('text', ['{', '[]', '{"https://x": 1}', '\udcff'])
def test_a_damaged_record_is_named(text, at, girder, memory):
    logins.store(girder.url, girder.key, 'builder')
    path = logins.state_directory() / logins.RECORD
    path.write_text(text, 'utf-8', 'surrogateescape')
    done = at('app', 'list')
    assert (done.exit_code, str(path) in done.stderr) == (2, True)


def test_a_home_directory_that_cannot_be_read_has_no_logins(at, home):
    (home / 'state').write_text('a file is in the way')
    assert at('app', 'list').exit_code == 0


def test_an_address_that_is_none_is_a_mistake(invoke, memory):
    logins.store('https://example.org/api/v1', 'key', 'me')
    for command in ('login', 'logout', 'whoami'):
        done = invoke('--api-url', 'http://[bad/api/v1', command, stdin='k')
        assert (done.exit_code, 'not the URL of a server' in done.stderr) == (2, True)


def test_logins_at_the_same_time_are_all_recorded(memory):
    servers = [f'https://{number}.example.org/api/v1' for number in range(8)]
    threads = [threading.Thread(target=logins.store, args=(server, 'key', 'me')) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(logins.recorded()) == servers
