"""What differs between Linux, macOS and Windows, with simulated functions of the other systems."""
import errno
from pathlib import Path

import filelock
import platformdirs
import pytest
from platformdirs import windows
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from slicer_package_manager_client import config, diagnosis, directories, journal, locks, mirror
from slicer_package_manager_client.errors import InvalidRequest, SlicerPackageManagerError


@pytest.fixture
def on(monkeypatch, home):
    """Simulate where another system has the directories of the user."""
    def system(kind):
        for name in ('XDG_CONFIG_HOME', 'XDG_STATE_HOME'):
            monkeypatch.delenv(name)
        monkeypatch.setenv('APPDATA', str(home / 'Roaming'))
        monkeypatch.setenv('LOCALAPPDATA', str(home / 'Local'))
        monkeypatch.setattr(platformdirs, 'PlatformDirs', kind)
        monkeypatch.setattr(windows, 'get_win_folder', windows.get_win_folder_from_env_vars)  # instead of the shell's
        return home

    return system


@pytest.mark.parametrize(('system', 'config_at', 'state_at'), [
    (Unix, '.config', '.local/state'),
    (MacOS, 'Library/Application Support', 'Library/Application Support'),
    (windows.Windows, 'Roaming', 'Local'),
])
def test_each_system_has_its_own_directories(system, config_at, state_at, on):
    home = on(system)
    assert config.default_path() == home / config_at / 'slicer-package-manager' / 'client.toml'
    assert directories.state_directory() == home / state_at / 'slicer-package-manager'


def test_without_a_home_directory_the_client_works(monkeypatch):
    monkeypatch.setattr(platformdirs, 'PlatformDirs', lambda *_args, **_more: type('', (), {
        'user_config_dir': '~/.config/x', 'user_state_dir': '~/.local/state/x'}))
    made = journal.Journal()
    made.remember({'a': 1}, 'u')
    assert made.recall({'a': 1}) is None
    assert config.load(None, None) == {}
    assert config.profiles(None) == []
    with pytest.raises(InvalidRequest, match='no home directory'):
        config.load(None, 'main')
    assert diagnosis.of_machine().result == 'warning'
    assert not Path('~').exists()


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-be'])
def test_editors_and_shells_of_windows_write_key_files(encoding, tmp_path):
    path = tmp_path / 'key.txt'
    mark = '\ufeff' if encoding == 'utf-16-be' else ''
    path.write_bytes(f'{mark}abc\r\n'.encode(encoding))
    assert config.read_secret(str(path), 'API key') == 'abc'


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_editors_and_shells_of_windows_write_the_configuration(encoding, tmp_path):
    path = tmp_path / 'client.toml'
    path.write_bytes('[profiles.a]\r\napi_url = "http://exämple.org"\r\n'.encode(encoding))
    assert config.load(str(path), 'a') == {'api_url': 'http://exämple.org'}


def test_checksums_have_the_line_ends_that_sha512sum_reads(monkeypatch, tmp_path):
    def write_as_windows_does(path, text, encoding=None):
        path.write_bytes(text.replace('\n', '\r\n').encode(encoding))

    monkeypatch.setattr(Path, 'write_text', write_as_windows_does)
    made = mirror.Mirror(tmp_path, {'app': 'a'})
    made._files = {'x': {'sha512': 'ab', 'item': 'i'}}
    made.save()
    assert (tmp_path / mirror.SUMS).read_bytes() == b'ab  x\n'


@pytest.mark.parametrize('error', [OSError(45, 'Operation not supported'), NotImplementedError()])
def test_a_file_system_without_locks_is_used_without_them(error, monkeypatch, tmp_path):
    def fail(*_args, **_more):
        raise error

    monkeypatch.setattr(filelock.FileLock, 'acquire', fail)
    with locks.exclusive(tmp_path / 'x', busy='busy'):
        pass


def test_an_error_inside_of_a_lock_is_not_hidden(tmp_path):
    with pytest.raises(OSError, match='mine'), locks.exclusive(tmp_path / 'x'):
        raise OSError('mine')


@pytest.mark.parametrize('name', [mirror.SUMS, mirror.STATE])
def test_a_full_disk_is_explained_when_a_mirror_is_recorded(name, monkeypatch, tmp_path):
    def fill(path, data):
        with path.open('wb') as stream:
            stream.write(data[:1])
        if path.name == f'{name}.new':
            raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', fill)
    with pytest.raises(SlicerPackageManagerError, match='Make room') as raised:
        mirror.Mirror(tmp_path, {'app': 'a'}).save()
    assert str(tmp_path / name) in str(raised.value)
    assert list(tmp_path.glob('*.new')) == []
