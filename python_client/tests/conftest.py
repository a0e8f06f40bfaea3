from __future__ import annotations

import inspect
import io
import os
import random
import re
import signal
import sys
import tarfile
import zipfile

import pytest
from click.testing import CliRunner
from fakes import FakeGirder, FakeGitHub
from hypothesis import settings
from pytest_httpserver import HTTPServer

from slicer_package_manager_client import retry
from slicer_package_manager_client.cli import cli
from slicer_package_manager_client.client import SlicerPackageClient

# A shell lets the commands in its background ignore interruptions, and what these start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)

VARIABLES = ('GIRDER_API_KEY', 'GIRDER_API_KEY_FILE', 'GITHUB_TOKEN', 'SLICER_PACKAGE_MANAGER_API_URL',
             'SLICER_PACKAGE_MANAGER_CONFIG', 'SLICER_PACKAGE_MANAGER_PROFILE', 'SLICER_PACKAGE_MANAGER_TIMEOUT',
             'SLICER_PACKAGE_MANAGER_RETRIES', 'SLICER_PACKAGE_MANAGER_RETRY_FOR', 'REQUESTS_CA_BUNDLE',
             'CURL_CA_BUNDLE', 'GITHUB_ACTIONS', 'GITHUB_STEP_SUMMARY', 'GITHUB_OUTPUT', 'GITLAB_CI', 'SSL_CERT_FILE',
             'SSL_CERT_DIR', 'ACTIONS_ID_TOKEN_REQUEST_URL',
             'ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'SLICER_PACKAGE_MANAGER_ID_TOKEN',
             'SLICER_PACKAGE_MANAGER_TRUSTED_PUBLISHING', 'SLICER_PACKAGE_MANAGER_OIDC_AUDIENCE')
# No example has to be quick: a loaded machine takes long for any.
settings.register_profile('patient', deadline=None)
settings.load_profile('patient')

#: The library that verifies attestations requires Python 3.10.
collect_ignore = ['test_provenance.py'] if sys.version_info < (3, 10) else []

ARCHIVE = b'(\xb5/\xfd'  # an archive compressed with Zstandard begins so


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With ``CI=true`` a skipped test fails, since nothing may be skipped unseen."""
    report = (yield).get_result()
    if report.skipped and os.environ.get('CI') and not hasattr(report, 'wasxfail'):
        report.outcome, report.longrepr = 'failed', f'Skipped in continuous integration: {report.longrepr}'


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A home directory of its own, and nothing in the environment that the user of this machine has there."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    directory = tmp_path / 'home'
    directory.mkdir()
    for name, place in (('HOME', ''), ('XDG_CONFIG_HOME', 'config'), ('XDG_STATE_HOME', 'state'),
                        ('APPDATA', 'config'), ('LOCALAPPDATA', 'state')):
        monkeypatch.setenv(name, str(directory / place))
    return directory


@pytest.fixture
def invoke():
    """Run the command line in this process."""
    separate = {'mix_stderr': False} if 'mix_stderr' in inspect.signature(CliRunner).parameters else {}
    runner = CliRunner(**separate)

    def run(*args, env=None, stdin=''):
        return runner.invoke(cli, [str(arg) for arg in args], env=env, input=stdin)

    return run


@pytest.fixture
def girder(httpserver):
    return FakeGirder(httpserver)


@pytest.fixture
def run(invoke, girder):
    """Run a command against the fake server, logged in."""
    def command(*args, **kwargs):
        return invoke('--api-url', girder.url, '--api-key', girder.key, '--retry-pause', 0, *args, **kwargs)

    return command


@pytest.fixture
def pauses():
    """The seconds that were waited between attempts."""
    return []


@pytest.fixture
def retries(pauses):
    return retry.Retries(times=3, pause=1, sleep=pauses.append)


@pytest.fixture
def client(girder, retries):
    made = SlicerPackageClient(apiUrl=girder.url, retries=retries)
    made.authenticate(apiKey=girder.key)
    return made


@pytest.fixture
def make_file(tmp_path):
    def make(name='33000-linux-amd64-Foo-git1.tar.gz', size=1000, seed=0):
        path = tmp_path / f'{size}-{seed}' / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((ARCHIVE + random.Random(seed).randbytes(size))[:size])
        return path

    return make


@pytest.fixture
def make_archive(tmp_path):
    """Make an archive with files, by default one, in a folder of its name."""
    def make(name, content=None, folder='builds'):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        top = re.sub(r'(\.tar\.gz|\.zip)$', '', name)
        files = {f'{top}/{member}': data for member, data in (content or {'README': name.encode()}).items()}
        (write_zip if name.endswith('.zip') else write_tar)(path, files)
        return path

    return make


def write_zip(path, files):
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def write_tar(path, files):
    with tarfile.open(path, 'w:gz') as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


@pytest.fixture(scope='session')
def two_origins():
    with HTTPServer() as api, HTTPServer() as uploads:
        yield api, uploads


@pytest.fixture
def github(two_origins):
    """GitHub as two origins: the API, and the host that uploads go to."""
    for server in two_origins:
        server.clear()
    return FakeGitHub(*two_origins)
