"""The published peer, in a virtual environment of its own."""
from __future__ import annotations

import subprocess
from pathlib import Path

import click
import platformdirs

#: What its users install, and what that needs today to install and start.
REQUIREMENTS = ['slicer-package-manager==0.11.0', 'girder~=3.1.25', 'pymongo>=4,<4.10', 'bcrypt<4']
_BUILD_TOOLS = ['setuptools<81', 'setuptools_scm<9', 'wheel']


def folder():
    """Where :func:`prepare` makes the environment."""
    return Path(platformdirs.user_cache_dir('slicer-package-manager'), 'benchmark-peer')


def prepare(python):
    """Create the environment with ``python``, a Python 3.10; return the path of its own Python."""
    found = subprocess.run([python, '-c', 'import sys; print(*sys.version_info[:2])'], check=True,
                           capture_output=True, text=True).stdout.split()
    if found != ['3', '10']:
        raise click.ClickException(f'The peer needs Python 3.10; {python} is {".".join(found)}.')
    subprocess.run([python, '-m', 'venv', '--clear', str(folder())], check=True)
    installed = folder() / 'bin' / 'python'
    for wanted in (_BUILD_TOOLS, REQUIREMENTS):
        subprocess.run([str(installed), '-m', 'pip', 'install', '--quiet', '--upgrade', *wanted, *_BUILD_TOOLS],
                       check=True)
    return installed


def python(given):
    """The Python of the peer's environment: ``given``, or that of one prepared before."""
    found = Path(given) if given else folder() / 'bin' / 'python'
    if not (found.parent / 'girder').exists():
        raise click.ClickException(f'The peer is not installed at {found}: name a Python 3.10 with --prepare-peer, '
                                   'or the Python of an environment that has the peer with --peer-python.')
    return found
