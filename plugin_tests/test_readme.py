"""The tour in the README works: its commands run as they stand, and the answers shown are the real ones."""
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from plugin_tests import commands
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
    # A reader types the last command after the count is stored, which takes some milliseconds.
    counted = 'until curl -sS $API/app/$APP/downloadstats | grep -q linux; do sleep 0.1; done\n'
    text = f'echo; echo {_END_OF_BLOCK!r}\n'.join([*commands[:-1], counted + commands[-1], ''])
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


def test_what_a_command_needs_was_given_before_it():
    known = set()
    for block in re.findall(r'^```\w*\n(.*?)^```$', README.read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            defined = set(re.findall(r'^\s*(\w+)=|^(\w+)\(\)', line))
            known |= {name for pair in defined for name in pair if name}
            used = set(re.findall(r'\$\{?([A-Z_]+)', line)) | ({'pick'} & set(re.findall(r'\w+', line)))
            assert used <= known, line


def test_the_key_of_a_build_machine_can_upload_and_nothing_else(server):
    (command,) = re.findall(r'^venv/bin/slicer-package-manager (key create .*)$', README.read_text(encoding='utf-8'),
                            re.MULTILINE)
    made = commands.run(*shlex.split(command), '--data-dir', server.data_dir)
    assert made.returncode == 0, made.stderr
    assert re.fullmatch(r'Key \w+ of admin expires on [\d-]+\. It is not shown again:\n', made.stderr)
    with server.client() as client:
        token = client.post('/api_key/token', data={'key': made.stdout.strip()}).raise_for_status().json()['authToken']
    assert token['scope'] == ['slicer_package_manager.upload']


def test_options_that_are_named_exist():
    named = set(re.findall(r'slicer-package-manager serve (--[\w-]+)', README.read_text(encoding='utf-8')))
    assert {'--data-dir', '--port', '--host'} <= named
    assert {one for one in named if one not in commands.run('serve', '--help').stdout} == set()
