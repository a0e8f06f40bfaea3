"""Records of unfinished uploads, so that the next run resumes them."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from typing import TYPE_CHECKING, Any

from slicer_package_manager_client.directories import state_directory

if TYPE_CHECKING:
    from pathlib import Path

#: Days after which a record expires; Girder deletes unfinished uploads after some days, too.
EXPIRY_DAYS = 7


class Journal:
    """One record for each unfinished upload: the file, the destination and the upload id.

    Without a writable home directory, uploads work but cannot be resumed by the next run.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory: Path | None = None
        with contextlib.suppress(RuntimeError):  # there is no home directory
            self._directory = directory or state_directory() / 'uploads'

    def recall(self, target: dict[str, Any]) -> str | None:
        """Return the id of the unfinished upload of ``target``, or ``None``."""
        try:
            record = json.loads(self._path(target).read_text('utf-8'))
        except (OSError, ValueError, TypeError):
            return None
        matches = isinstance(record, dict) and record.get('target') == target
        return str(record['upload']) if matches and record.get('upload') else None

    def remember(self, target: dict[str, Any], upload: str) -> None:
        """Record that ``target`` is uploaded under the id ``upload``."""
        with contextlib.suppress(OSError, TypeError):
            path = self._path(target)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._delete_expired(path.parent)
            scratch = path.with_suffix(f'.{os.getpid()}')
            scratch.write_text(json.dumps({'target': target, 'upload': upload}), 'utf-8')
            scratch.replace(path)

    def forget(self, target: dict[str, Any]) -> None:
        """Delete the record of ``target``."""
        with contextlib.suppress(OSError, TypeError):
            self._path(target).unlink()

    def _path(self, target: dict[str, Any]) -> Path:
        if self._directory is None:
            raise TypeError('there is no home directory')
        name = hashlib.sha256(json.dumps(target, sort_keys=True).encode()).hexdigest()[:32]
        return self._directory / f'{name}.json'

    @staticmethod
    def _delete_expired(directory: Path) -> None:
        limit = time.time() - EXPIRY_DAYS * 86400
        for path in directory.iterdir():
            if path.stat().st_mtime < limit:
                path.unlink()
