"""The commands of ``slicer-package-manager``, run as an administrator runs them."""
import os
import subprocess
import sys

from plugin_tests.waiting import PATIENCE


def environment(**variables):
    """Ours with ``variables``, without what is meant for the tests or a server of the developer."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(('GIRDER_', 'SLICER_PACKAGE_MANAGER_', 'GITHUB_'))} | variables


def started(*args):
    """The command, running, with pipes for what it says."""
    return subprocess.Popen([sys.executable, '-m', 'slicer_package_manager.cli', *map(str, args)], env=environment(),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*args, **variables):
    """The command after its end, with what it said; ``variables`` are added to its environment."""
    return subprocess.run([sys.executable, '-m', 'slicer_package_manager.cli', *map(str, args)],
                          env=environment(**variables), capture_output=True, text=True, timeout=PATIENCE, check=False)
