"""The units in ``deploy/systemd``, as systemd reads them."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_tests.waiting import PATIENCE
from slicer_package_manager.cli.logs import logs
from slicer_package_manager.cli.serve import serve

UNITS = Path(__file__).parents[2] / 'deploy' / 'systemd'
PROGRAM = '/opt/slicer-packages/bin/slicer-package-manager'
SERVER = 'slicer-packages.service'
INSTANCES = {SERVER: SERVER, 'slicer-packages@.service': 'slicer-packages@8081.service',
             'slicer-packages-ingest.service': 'slicer-packages-ingest.service',
             'slicer-packages-publish.service': 'slicer-packages-publish.service'}
needs_systemd = pytest.mark.skipif(shutil.which('systemd-analyze') is None, reason='systemd is not installed')


@pytest.fixture(params=sorted(INSTANCES))
def unit(request, tmp_path):
    """A unit file whose program exists."""
    text = (UNITS / request.param).read_text(encoding='utf-8')
    assert PROGRAM in text
    file = tmp_path / INSTANCES[request.param]
    file.write_text(text.replace(PROGRAM, sys.executable))
    return file


def analyze(*args):
    return subprocess.run(['systemd-analyze', *map(str, args)], capture_output=True, text=True, timeout=PATIENCE,
                          check=False)


@needs_systemd
def test_systemd_accepts_the_unit(unit):
    done = analyze('verify', unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, '')


@needs_systemd
def test_systemd_accepts_the_timer(tmp_path):
    for path in UNITS.glob('slicer-packages-*'):
        text = path.read_text(encoding='utf-8')
        (tmp_path / path.name).write_text(text.replace(PROGRAM, sys.executable))
    done = analyze('verify', tmp_path / 'slicer-packages-publish.timer')
    assert (done.returncode, done.stdout + done.stderr) == (0, '')
    (moment,) = re.findall('^OnCalendar=(.*)$', (UNITS / 'slicer-packages-publish.timer').read_text(), re.MULTILINE)
    assert 'Next elapse' in analyze('calendar', moment).stdout


@needs_systemd
def test_the_unit_restricts_its_command(unit):
    done = analyze('security', '--offline=true', '--threshold=20', unit)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(('name', 'wanted'), [
    ('slicer-packages.service', {'port': 8080, 'no_embedded': False}),
    ('slicer-packages@.service', {'port': 8081, 'no_embedded': True})])
def test_the_server_accepts_the_arguments(name, wanted):
    text = (UNITS / name).read_text(encoding='utf-8').replace('\\\n', '').replace('%i', '8081')
    (line,) = re.findall(rf'^ExecStart={PROGRAM} serve (.*)$', text, re.MULTILINE)
    options = serve.make_context('serve', line.split()).params
    assert {key: options[key] for key in wanted} == wanted
    assert options['data_dir'] == Path('/var/lib/slicer-packages')


def permissions(name):
    """The lines of a unit that restrict what it may do."""
    text = (UNITS / name).read_text(encoding='utf-8').partition('# Permissions')[2].partition('[Install]')[0]
    return {line for line in text.splitlines()[1:] if line}


def test_the_statistics_may_do_no_more_than_the_server():
    ingest, publish = permissions('slicer-packages-ingest.service'), permissions('slicer-packages-publish.service')
    assert permissions(SERVER) == publish
    assert ingest - publish == {'IPAddressDeny=any', 'IPAddressAllow=localhost'}


@pytest.mark.parametrize(('command', 'wanted'), [
    (logs.commands['ingest'], {'directory': Path('/var/log/nginx'), 'match': '*access*', 'raw_logs': 'pseudonyms'}),
    (logs.commands['publish'], {'repository': 'example/statistics', 'keep_raw_days': 90, 'raw': False})])
def test_the_commands_accept_the_arguments(command, wanted, tmp_path, monkeypatch):
    monkeypatch.setenv('SLICER_PACKAGE_MANAGER_STATISTICS_REPOSITORY', setting('REPOSITORY'))
    text = (UNITS / f'slicer-packages-{command.name}.service').read_text(encoding='utf-8').replace('\\\n', '')
    (line,) = re.findall(rf'^ExecStart={PROGRAM} logs {command.name} (.*)$', text, re.MULTILINE)
    (tmp_path / 'github-token').write_text('token')
    line = line.replace('${CREDENTIALS_DIRECTORY}', str(tmp_path)).replace('/var/log/nginx', str(tmp_path))
    options = command.make_context(command.name, line.split()).params
    wanted = {key: tmp_path if key == 'directory' else value for key, value in wanted.items()}
    assert {key: options[key] for key in wanted} == wanted
    assert options['data_dir'] == Path('/var/lib/slicer-packages')


def setting(name):
    """The value in ``statistics.env`` of a variable of statistics."""
    (value,) = re.findall(rf'^SLICER_PACKAGE_MANAGER_STATISTICS_{name}=(.*)$',
                          (UNITS / 'statistics.env').read_text(encoding='utf-8'), re.MULTILINE)
    return value


def test_the_token_is_in_no_argument_and_no_variable():
    text = (UNITS / 'slicer-packages-publish.service').read_text(encoding='utf-8')
    assert 'LoadCredential=github-token:/etc/slicer-packages/github-token' in text
    assert 'TOKEN=' not in text + (UNITS / 'statistics.env').read_text(encoding='utf-8')
