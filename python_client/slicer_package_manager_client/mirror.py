"""Local mirror of a release or draft: its packages and extensions, with their checksums.

1. :data:`STATE` in the directory records the release and, for each file, the item, checksum, size and time. A file that
   is as recorded, and as the server lists it, is neither read nor requested.
2. Other files are downloaded as :mod:`download` does: resumed, verified, and then renamed.
3. :data:`SUMS` lists the checksums of all files, for ``sha512sum --check``.
4. Files of earlier runs that the server does not have any more are obsolete. Other files are never touched.
"""
from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from slicer_package_manager_client import registry
from slicer_package_manager_client.download import Download, file_of, local_errors, local_name
from slicer_package_manager_client.errors import Conflict, InvalidRequest
from slicer_package_manager_client.fields import PACKAGE_TYPES
from slicer_package_manager_client.registry import DRAFT, Document, given

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.fields import PackageType

STATE = '.slicer-package-manager-sync.json'
SUMS = 'SHA512SUMS'


@dataclass(frozen=True)
class Entry:
    """An item of the release or draft."""

    package_type: PackageType
    item: Document

    @property
    def folder(self) -> str:
        """Where its file is in the mirror."""
        meta = self.item['meta']
        system = f'{meta.get("os")}-{meta.get("arch")}'
        return f'{self.package_type.label}s/{local_name(system)}'


def entries(client: Connection, app: Document, *, release: Document | None, revision: str | None,
            **filters: Any) -> list[Entry]:
    """Return the items of ``release``, or of the draft of ``revision``."""
    found = []
    for package_type in PACKAGE_TYPES:
        where = {package_type.release_filter: release['_id'] if release else DRAFT,
                 package_type.app_revision: None if release else revision}
        found += [Entry(package_type, item) for item in registry.packages(
            client, package_type, app, **given(**where, **filters), limit=0)]
    return found


class Mirror:
    """The mirror in ``directory``.

    :param origin: what is mirrored, such as the ids of application and release.
    :raises Conflict: the directory has the mirror of another release.
    """

    def __init__(self, directory: Path, origin: Document) -> None:
        self._directory = directory
        self._origin = origin
        self._current: dict[str, str] = {}  # item by path
        self._lock = threading.Lock()
        state = self._read()
        if state and state['origin'] != origin:
            raise Conflict(f'"{directory}" has a mirror of something else: {state["origin"]}.',
                           advice='Give another directory.')
        self._files: dict[str, Document] = state['files'] if state else {}
        self._by_item = {file['item']: path for path, file in self._files.items()}

    def is_current(self, entry: Entry) -> bool:
        """Whether the file of ``entry`` is there, judged by the record of an earlier run."""
        path = self._by_item.get(entry.item['_id'])
        if path is None or PurePosixPath(entry.folder) not in PurePosixPath(path).parents:
            return False
        recorded = self._files[path]
        current = (recorded['sha512'] == (entry.item['meta'].get('sha512') or None)
                   and _stamp(self._directory / path) == (recorded['size'], recorded['mtime_ns']))
        if current:
            self._current[path] = entry.item['_id']
        return current

    def fetch(self, client: Connection, entry: Entry, *, dry_run: bool = False) -> tuple[str, str, int]:
        """Download the file of ``entry`` if it is not there; return its path in the mirror, the status and the size."""
        file = file_of(client, entry.item)
        path = self._reserve(entry, local_name(file['name']))
        target = self._directory / path
        download = Download(client, file, target, force=path in self._files)
        status = download.plan() if dry_run else download.run()
        if not dry_run:
            size, mtime_ns = _stamp(target) or (0, 0)
            self._files[path] = {'item': entry.item['_id'], 'sha512': file.get('sha512'), 'size': size,
                                 'mtime_ns': mtime_ns}
        return path, status, file.get('size') or 0

    def _reserve(self, entry: Entry, name: str) -> str:
        """Return the path of the file; files of the same name are in folders named after their items."""
        path = f'{entry.folder}/{name}'
        with self._lock:
            # Windows and macOS ignore the case of names.
            taken = {one.lower(): item for one, item in self._current.items()}
            if taken.get(path.lower(), entry.item['_id']) != entry.item['_id']:
                path = f'{entry.folder}/{entry.item["_id"]}/{name}'
            self._current[path] = entry.item['_id']
        return path

    def obsolete(self) -> list[str]:
        """Return the paths of earlier runs whose item neither :meth:`fetch` nor :meth:`is_current` has seen."""
        return sorted(path for path in self._files if path not in self._current)

    def delete(self, path: str) -> None:
        """Delete a file of the mirror, and the folders that are empty then."""
        target = self._directory / path
        target.unlink(missing_ok=True)
        del self._files[path]
        for folder in list(target.relative_to(self._directory).parents)[:-1]:
            if any((self._directory / folder).iterdir()):
                break
            (self._directory / folder).rmdir()

    def save(self) -> None:
        """Record the state, and list the checksums."""
        with local_errors(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
        sums = ''.join(f'{file["sha512"]}  {path}\n' for path, file in sorted(self._files.items()) if file['sha512'])
        self._write(SUMS, sums)
        self._write(STATE, json.dumps({'origin': self._origin, 'files': self._files}, indent=1, sort_keys=True))

    def _write(self, name: str, text: str) -> None:
        target, scratch = self._directory / name, self._directory / f'{name}.new'
        with local_errors(target), contextlib.ExitStack() as stack:
            stack.callback(scratch.unlink, missing_ok=True)
            scratch.write_bytes(text.encode())  # sha512sum does not know the line ends of Windows
            scratch.replace(target)

    def _read(self) -> Document | None:
        path = self._directory / STATE
        try:
            state = json.loads(path.read_text('utf-8'))
            return state if isinstance(state['files'], dict) and isinstance(state['origin'], dict) else None
        except FileNotFoundError:
            return None
        except NotADirectoryError as error:
            raise InvalidRequest(f'"{self._directory}" is no directory.') from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidRequest(f'"{path}" cannot be read: {error}.',
                                 advice='Delete it; the next run verifies all files.') from error


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns
