"""What the commands ``logs`` have in common."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from slicer_package_manager.cli.errors import ServeError

Command = Callable[..., Any]  # its parameters are its options
#: The type of an option that is a day.
DAY = click.DateTime(['%Y-%m-%d'])
_DIRECTORY = click.Path(file_okay=False, path_type=Path)


def place_option(command: Command) -> Command:
    """Add to ``command`` the option that names the directory of the statistics."""
    return click.option(
        '--statistics-dir', type=_DIRECTORY, envvar='SLICER_PACKAGE_MANAGER_STATISTICS_DIR', show_envvar=True,
        help='Directory of the statistics; by default "statistics" in the data directory.')(command)


@contextmanager
def failures() -> Iterator[None]:
    """Turn the errors of statistics into messages of the command.

    :raises ServeError: the statistics cannot be made.
    """
    from slicer_package_manager.logs.errors import LogsError  # noqa: PLC0415 - most commands need not load it
    # Facts name private packages, and records of open days have hashes of clients.
    mask = os.umask(0o077)
    try:
        yield
    except ModuleNotFoundError as error:
        raise ServeError(f'Statistics from logs require the package {error.name}. Install the extra "logs": '
                         'pip install ".[logs]" in a clone.') from error
    except LogsError as error:
        raise ServeError(str(error)) from error
    except OSError as error:
        raise ServeError(f'{error.filename or "The statistics"}: {error.strerror}.') from error
    finally:
        os.umask(mask)
