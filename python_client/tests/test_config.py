import pytest

from slicer_package_manager_client import config
from slicer_package_manager_client.errors import InvalidRequest

GOOD = """
default_profile = "test"

[profiles.test]
api_url = "https://test.example.org/api/v1"
api_key_file = "test.key"
timeout = 30
ssl_verify = false

[profiles.main]
api_url = "https://example.org/api/v1"
"""


@pytest.fixture
def write(home):
    def write(text, path=None):
        path = path or config.default_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
        return path

    return write


def test_no_file_is_no_configuration():
    assert config.load(None, None) == {}


def test_reads_the_default_profile_from_the_default_place(write):
    path = write(GOOD)
    assert config.load(None, None) == {
        'api_url': 'https://test.example.org/api/v1', 'timeout': 30, 'ssl_verify': False,
        'api_key_file': str(path.parent / 'test.key')}


def test_reads_the_named_profile(write):
    write(GOOD)
    assert config.load(None, 'main') == {'api_url': 'https://example.org/api/v1'}


@pytest.mark.parametrize(('text', 'profile', 'said'), [
    pytest.param(GOOD, 'other', 'no profile "other".*main, test', id='unknown profile'),
    pytest.param('x = 1', None, 'no x', id='unknown value'),
    pytest.param('[profiles.a]\ncolour = 1', 'a', '"colour" is unknown', id='unknown key'),
    pytest.param('[profiles.a]\ntimeout = "1"', 'a', '"timeout" is no int', id='wrong type'),
    pytest.param('[profiles.a]\nretries = true', 'a', '"retries" is no int', id='boolean for a number'),
    pytest.param('[profiles]\na = 1', 'a', 'no table', id='profile that is no table'),
    pytest.param('[', None, 'cannot be read', id='no TOML'),
])
def test_says_what_is_wrong_in_the_file(text, profile, said, write):
    path = write(text)
    with pytest.raises(InvalidRequest, match=said) as raised:
        config.load(None, profile)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize('arguments', [('nowhere.toml', None), (None, 'main')])
def test_what_was_asked_for_must_be_there(arguments):
    with pytest.raises(InvalidRequest, match='no configuration file'):
        config.load(*arguments)


def test_a_key_is_the_first_word_of_its_file(tmp_path):
    path = tmp_path / 'key'
    path.write_text('\n abc def\n', encoding='utf-8')
    assert config.read_secret(str(path), 'API key') == 'abc'


@pytest.mark.parametrize('text', [None, '', ' \n'])
def test_a_file_without_a_key_is_a_usage_error(text, tmp_path):
    path = tmp_path / 'key'
    if text is not None:
        path.write_text(text, encoding='utf-8')
    with pytest.raises(InvalidRequest, match='API key'):
        config.read_secret(str(path), 'API key')


@pytest.mark.parametrize(('options', 'env', 'url'), [
    pytest.param([], {}, 'https://test.example.org/api/v1', id='configuration'),
    pytest.param([], {'SLICER_PACKAGE_MANAGER_API_URL': 'http://127.0.0.1:9/env'}, 'http://127.0.0.1:9/env',
                 id='environment over configuration'),
    pytest.param(['--api-url', 'http://127.0.0.1:9/opt'],
                 {'SLICER_PACKAGE_MANAGER_API_URL': 'http://127.0.0.1:9/env'}, 'http://127.0.0.1:9/opt',
                 id='option over environment'),
    pytest.param(['--host', '127.0.0.1', '--port', '9', '--scheme', 'http'], {}, 'http://127.0.0.1:9/api/v1',
                 id='host over configuration'),
    pytest.param(['--profile', 'main'], {}, 'https://example.org/api/v1', id='profile'),
    pytest.param(['--api-url', ''], {}, 'https://test.example.org/api/v1', id='empty option'),
])
def test_options_come_before_environment_before_configuration(options, env, url, write, invoke, monkeypatch):
    path = write(GOOD)
    (path.parent / 'test.key').write_text('k', encoding='utf-8')
    asked = []
    monkeypatch.setattr('slicer_package_manager_client.client.SlicerPackageClient.authenticate',
                        lambda self, **_credentials: asked.append(self.urlBase))
    monkeypatch.setattr('slicer_package_manager_client.client.SlicerPackageClient.listApp',
                        lambda self, **_filters: asked.append(self.urlBase) or [])
    assert invoke(*options, 'app', 'list', env=env).exit_code == 0
    assert asked[-1] == f'{url}/'
