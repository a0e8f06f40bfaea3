"""``deploy/cloud-init`` has the files of ``deploy``, and cloud-init and a shell accept it."""
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from plugin_tests.waiting import PATIENCE

DEPLOY = Path(__file__).parents[2] / 'deploy'
FILE = DEPLOY / 'cloud-init' / 'user-data.yaml'
WRITTEN = {one['path']: one for one in yaml.safe_load(FILE.read_text(encoding='utf-8'))['write_files']}


@pytest.mark.parametrize(('place', 'source'), [
    ('/etc/slicer-packages/settings.env', 'systemd/settings.env'),
    ('/etc/systemd/system/slicer-packages.service', 'systemd/slicer-packages.service'),
    ('/etc/nginx/slicer-packages.upstream', 'nginx/slicer-packages.upstream'),
    ('/etc/slicer-packages/nginx.conf', 'nginx/slicer-packages.conf')])
def test_the_files_are_those_of_the_other_folders(place, source):
    assert WRITTEN[place]['content'] == (DEPLOY / source).read_text(encoding='utf-8')


def test_only_root_can_read_files_with_secrets():
    assert {WRITTEN[f'/etc/slicer-packages/{name}.env']['permissions'] for name in ('settings', 'deploy')} == {'0600'}


@pytest.mark.parametrize('path', [path for path in WRITTEN if path.startswith('/usr/local/sbin/')])
def test_a_shell_accepts_the_programs(path):
    done = subprocess.run(['bash', '-n'], input=WRITTEN[path]['content'], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, '')
    assert WRITTEN[path]['permissions'] == '0755'
    assert path in FILE.read_text(encoding='utf-8').partition('runcmd:')[2]


def test_it_is_small_enough_for_user_data():
    assert FILE.stat().st_size < 16 * 1024  # of Amazon; DigitalOcean takes 64 KiB


@pytest.mark.skipif(shutil.which('cloud-init') is None, reason='cloud-init is not installed')
def test_cloud_init_accepts_the_file():
    done = subprocess.run(['cloud-init', 'schema', '--config-file', str(FILE)], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
