"""What ``deploy/docker`` says, and its program for replica sets."""
import subprocess
import sys
from pathlib import Path

import yaml

from plugin_tests.waiting import PATIENCE

DOCKER = Path(__file__).parents[2] / 'deploy' / 'docker'
SET = 'slicer-packages'


def read(name):
    """The compose file ``name``, with its anchors resolved."""
    return yaml.safe_load((DOCKER / name).read_text(encoding='utf-8'))


def database(name='compose.yaml'):
    """The URI of the database that the servers of a compose file use."""
    return read(name)['services']['server1']['environment']['SLICER_PACKAGE_MANAGER_DATABASE']


def make_replica_set(*members):
    """Run the program of the service ``replica-set`` for these members, written as host:port."""
    done = subprocess.run([sys.executable, str(DOCKER / 'replica_set.py'), *members], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
