"""Daily files whose checksums are those that the manifest states.

To read all files of years every day would take long. So ``checked.json`` in the statistics directory notes which files
were checked, with their size and times: a file is read again if one of these has changed. What is sent to the
repository is always read and checked.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.github.commits import checksum
from slicer_package_manager.logs.place import Place, replaced

_NAME = 'checked.json'


class CheckedFiles:
    """The daily files in ``place``.

    :param days: what the manifest has of them.
    """

    def __init__(self, place: Place, days: Mapping[str, Any]) -> None:
        self._published, self._note = place.published, place.path / _NAME
        self._stated = {name: str(file['sha256']) for entry in days.values() for name, file in entry['files'].items()}
        self._known: dict[str, list[Any]] = json.loads(self._note.read_text()) if self._note.exists() else {}
        self._checked: dict[str, list[Any]] = {}

    def __iter__(self) -> Iterator[str]:
        """The names of the files, in order."""
        return iter(sorted(self._stated))

    def checksum(self, name: str) -> str:
        """Return the checksum that Git has of the file ``name``, which is read unless it was checked before.

        :raises LogsError: it is not what the manifest states.
        """
        mark = [self._stated[name], *_times(self._published / name)]
        known = self._known.get(name, [])
        git = known[-1] if known[:-1] == mark else checksum(self.content(name))
        self._checked[name] = [*mark, git]
        return str(git)

    def content(self, name: str) -> bytes:
        """Return the content of the file ``name``.

        :raises LogsError: it is not what the manifest states.
        """
        path = self._published / name
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self._stated[name]:
            raise LogsError(f'{path} has another checksum than manifest.json states. Copy it from the repository or '
                            'from a backup, or run "slicer-package-manager logs ingest" if its day is not sealed.')
        return content

    def note(self) -> None:
        """Note for the next run which files were checked."""
        if self._checked != self._known:
            with replaced(self._note) as new:
                new.write_text(json.dumps(self._checked))


def _times(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
