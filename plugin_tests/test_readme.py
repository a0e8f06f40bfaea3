"""The tour in the README works: its commands run as they stand, and the answers shown are the real ones."""
import json
import re
import subprocess
from pathlib import Path

import pytest

from plugin_tests.servers import Server
from plugin_tests.shown import assert_shown
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.database, pytest.mark.process]

README = Path(__file__).parent.parent / 'README.md'
PASSWORD = 'a-password-for-tests'
_END_OF_BLOCK = 'end of block'
_BLOCK = re.compile(r'^```(bash|json)\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def tour():
    """The tour's blocks, each a pair of language and text, in their order."""
    text = README.read_text(encoding='utf-8').partition('## Five-minute tour')[2].partition('\n## ')[0]
    return _BLOCK.findall(text)


def script(commands, server):
    """``commands`` for ``server``, where the README has the values of a reader's server."""
    text = f'echo; echo {_END_OF_BLOCK!r}\n'.join([*commands, ''])
    for shown, real in (('http://127.0.0.1:8080', server.url), ("'the admin password'", PASSWORD)):
        assert text.count(shown) == 1
        text = text.replace(shown, real)
    return text


@pytest.fixture
def server(tmp_path):
    started = Server(tmp_path / 'data', env={'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD})
    yield started.ready()
    started.end()


def test_the_tour_works_and_shows_the_real_answers(server, tmp_path):
    blocks = tour()
    directory = tmp_path / 'empty'
    directory.mkdir()
    run = subprocess.run(['bash', '-euo', 'pipefail'], cwd=directory, text=True, capture_output=True, timeout=PATIENCE,
                         input=script([text for language, text in blocks if language == 'bash'], server), check=False)
    assert (run.returncode, run.stderr) == (0, '')

    outputs = iter(run.stdout.split(_END_OF_BLOCK))
    real = None
    for language, text in blocks:
        if language == 'bash':
            real = next(outputs)
        else:
            assert_shown(json.loads(text), json.loads(real))
    assert json.loads(real) == {'33000': {'extensions': {'SlicerIGT': {'linux': {'amd64': 1}}}}}


def test_the_upload_on_the_first_screen_is_that_of_the_tour():
    first_screen = README.read_text(encoding='utf-8').partition('## Five-minute tour')[0]
    (command,) = re.findall(r'^```\n(curl .*?)^```$', first_screen, re.MULTILINE | re.DOTALL)
    assert any(text.endswith(command) for language, text in tour() if language == 'bash')
