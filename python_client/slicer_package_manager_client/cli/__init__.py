"""The command line. Failures are printed in one place, :mod:`failures`, which decides the exit status."""
from __future__ import annotations

import sys

from slicer_package_manager_client.cli.root import cli

__all__ = ['cli', 'main']


def main() -> None:
    """Entry point of the console scripts."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'):
            stream.reconfigure(encoding='utf-8', errors='backslashreplace')
    cli()
