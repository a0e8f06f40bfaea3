"""The units in ``deploy/systemd``, as systemd reads them."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_tests.waiting import PATIENCE
from slicer_package_manager.cli.serve import serve

UNITS = Path(__file__).parents[2] / 'deploy' / 'systemd'
PROGRAM = '/opt/slicer-packages/bin/slicer-package-manager'
INSTANCES = {'slicer-packages.service': 'slicer-packages.service',
             'slicer-packages@.service': 'slicer-packages@8081.service'}
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
def test_the_unit_restricts_the_server(unit):
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
