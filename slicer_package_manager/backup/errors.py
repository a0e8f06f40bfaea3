"""Why a backup cannot be made or used."""
from __future__ import annotations

from collections.abc import Iterable


class BackupError(Exception):
    """A backup cannot be made, found or restored; the message names the cause and the remedy."""


class MissingBytesError(Exception):
    """Bytes are missing, perhaps because their file was deleted since the moment of which the database was read."""


class DamagedError(BackupError):
    """A backup differs from what was written; ``problems`` names every difference."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__('The backup is damaged:\n  ' + '\n  '.join(self.problems))
