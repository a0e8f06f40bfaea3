import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from plugin_tests import site as sites
from plugin_tests.conftest import upload
from plugin_tests.waiting import PATIENCE, poll

_PROGRAM = Path(__file__).with_name('desktop.py')
#: The end of the reason of a skip, which continuous integration accepts (plugin_tests/conftest.py).
_CANNOT_RUN = 'the web engine of Slicer cannot run here'
#: What the program prints where PyQt, or a library that it needs, is not installed.
_ABSENT = ('ModuleNotFoundError', 'cannot open shared object file', 'Could not load the Qt platform plugin')
# No window, no graphics card, and also as root.
_ENVIRONMENT = {'QT_QPA_PLATFORM': 'offscreen', 'QTWEBENGINE_DISABLE_SANDBOX': '1', 'QT_QUICK_BACKEND': 'software',
                'QTWEBENGINE_CHROMIUM_FLAGS': '--disable-gpu --disable-dev-shm-usage --no-sandbox'}


class Desktop:
    """A running ``desktop.py`` with Qt 5 or Qt 6."""

    def __init__(self, engine, *args):
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        self._process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), str(engine), *map(str, args)], env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True)

    def answer(self):
        """What the program answers next; the first time, the version of Qt."""
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(PATIENCE)
            raise OSError(self.errors.strip())
        return json.loads(line)

    @property
    def errors(self):
        self._errors.seek(0)
        return self._errors.read().decode(errors='replace')

    def __call__(self, command, *values):
        self._process.stdin.write(json.dumps([command, *values]) + '\n')
        self._process.stdin.flush()
        return self.answer()

    def state(self, key):
        return self('state')[key]

    def page(self, code):
        """The value of JavaScript in the page."""
        return self('evaluate', code)

    def buttons(self, name):
        """The labels of the buttons on the card of an extension."""
        return self._texts(name, 'button')

    def notes(self, name):
        return self._texts(name, '.note')

    def _texts(self, name, selector):
        return self.page(f"""[...document.querySelectorAll('.card')]
            .filter((card) => card.querySelector('h2').textContent === {json.dumps(name)})
            .flatMap((card) => [...card.querySelectorAll('{selector}')].map((one) => one.textContent))""")

    def wait_for_buttons(self, name, *labels):
        poll(lambda: self.buttons(name) == list(labels), f'{name} has {labels}')

    def press(self, label, name):
        assert self.page(f"""[...document.querySelectorAll('button')]
            .filter((one) => one.getAttribute('aria-label') === {json.dumps(f'{label}: {name}')})
            .map((one) => one.click()).length""") == 1

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._errors.close()


@pytest.fixture(scope='session')
def registry(mongo_uri, tmp_path_factory):
    """A server with the application of Slicer."""
    with sites.running(tmp_path_factory.mktemp('registry'), mongo_uri, 'desktop') as running:
        running.application('Slicer', app_id=sites.SLICER)
        yield running


@pytest.fixture
def publish(registry):
    """Upload an extension for both architectures of a revision; gives nothing."""
    def make(app_revision, name, revision, **values):
        for arch in 'amd64', 'arm64':
            item = registry.extension(sites.SLICER, baseName=name, revision=revision, app_revision=app_revision,
                                      arch=arch, url='', size='', **values)
            top = f'{app_revision}-linux-{arch}-{name}-git{revision}-2026-11-01'
            upload(registry.client, item['_id'], archive(top, name, f'{name} {revision} {arch}'), f'{top}.tar.gz')
    return make


def archive(top, name, text):
    """An archive as Slicer's build machines make them, with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w:gz') as one:
        member = tarfile.TarInfo(f'{top}/share/{name}.s4ext')
        member.size = len(text)
        one.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture(params=[5, 6], ids=['qt5', 'qt6'])
def start(request, registry, tmp_path):
    """A maker of Slicers; skips where the web engine or the libraries that it needs are not there."""
    desktops = []

    def make(revision, arch):
        desktops.append(Desktop(request.param, registry.url, tmp_path / arch, revision, 'linux', arch))
        try:
            desktops[-1].answer()
        except OSError as error:
            if not any(one in str(error) for one in _ABSENT):
                raise
            pytest.skip(f'{str(error).splitlines()[-1]}: {_CANNOT_RUN}')
        return desktops[-1]
    yield make
    for one in desktops:
        one.end()
