"""Remembers uploads that were begun, so that the next run can go on where one was killed."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

#: Girder itself forgets unfinished uploads after some days.
KEPT_DAYS = 7


def state_directory() -> Path:
    """Where the client keeps what it remembers between runs."""
    if sys.platform == 'win32':
        base = os.environ.get('LOCALAPPDATA') or str(Path.home() / 'AppData' / 'Local')
    else:
        base = os.environ.get('XDG_STATE_HOME') or str(Path.home() / '.local' / 'state')
    return Path(base) / 'slicer-package-manager'


class Journal:
    """One note for each upload that is under way: what is sent where, under which upload id.

    A machine without a writable home directory works too; it only cannot resume after a kill.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory: Path | None = None
        with contextlib.suppress(RuntimeError):  # there is no home directory
            self._directory = directory or state_directory() / 'uploads'

    def recall(self, target: dict[str, Any]) -> str | None:
        """The upload id under which ``target`` was begun, if it was."""
        try:
            note = json.loads(self._path(target).read_text('utf-8'))
        except (OSError, ValueError, TypeError):
            return None
        known = isinstance(note, dict) and note.get('target') == target
        return str(note['upload']) if known and note.get('upload') else None

    def remember(self, target: dict[str, Any], upload: str) -> None:
        """Note that ``target`` is being sent as ``upload``."""
        with contextlib.suppress(OSError, TypeError):
            path = self._path(target)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._forget_old(path.parent)
            scratch = path.with_suffix(f'.{os.getpid()}')
            scratch.write_text(json.dumps({'target': target, 'upload': upload}), 'utf-8')
            scratch.replace(path)

    def forget(self, target: dict[str, Any]) -> None:
        """The upload of ``target`` is over."""
        with contextlib.suppress(OSError, TypeError):
            self._path(target).unlink()

    def _path(self, target: dict[str, Any]) -> Path:
        if self._directory is None:
            raise TypeError('there is no home directory')
        name = hashlib.sha256(json.dumps(target, sort_keys=True).encode()).hexdigest()[:32]
        return self._directory / f'{name}.json'

    @staticmethod
    def _forget_old(directory: Path) -> None:
        limit = time.time() - KEPT_DAYS * 86400
        for path in directory.iterdir():
            if path.stat().st_mtime < limit:
                path.unlink()
