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


def printed(run, code=0):
    """The standard output of ``run``, a command that is to exit with ``code`` and to print something."""
    assert (run.returncode, bool(run.stdout)) == (code, True), (
        f'{run.args[3:]} has exited with {run.returncode}.\n{run.stdout}\nOn standard error:\n{run.stderr}')
    return run.stdout


def last_line(run, code=0):
    """The last line of what ``run`` has :func:`printed`."""
    return printed(run, code).splitlines()[-1]
