"""Directories of the user for configuration and state, where each system has them."""
from __future__ import annotations

from pathlib import Path
from typing import Any

_NAME = 'slicer-package-manager'


def config_directory() -> Path:
    """Return the directory of the configuration file.

    :raises RuntimeError: the user has no home directory.
    """
    return _absolute(_directories().user_config_dir)


def state_directory() -> Path:
    """Return the directory for state that outlives a run.

    :raises RuntimeError: the user has no home directory.
    """
    return _absolute(_directories(roaming=False).user_state_dir)


def _directories(*, roaming: bool = True) -> Any:
    import platformdirs  # noqa: PLC0415  # takes a while, and --help does without it

    return platformdirs.PlatformDirs(_NAME, appauthor=False, roaming=roaming)


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():  # "~" that could not be expanded
        raise RuntimeError('there is no home directory')
    return path
