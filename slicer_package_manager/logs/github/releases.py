"""Assets of releases, uploaded so that any step may be repeated.

Each attempt first lists the assets. One that has the same size and checksum is left, any other of the same name is
deleted: it is older, or an upload that broke off (its state is ``starter``). Then the file is sent, and the checksum
that GitHub reports is compared.
"""
from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.github.api import GitHub, RefusedError
from slicer_package_manager.progress import Steps
from slicer_package_manager.retries import BusyError

_MISSING, _UNPROCESSABLE = 404, 422
_PER_PAGE = 100
#: The size in bytes that GitHub refuses.
LIMIT = 2 << 30


class File(NamedTuple):
    """What an asset should be: its size in bytes, and its SHA-256."""

    size: int
    sha256: str


class Releases:
    """The releases of a repository."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    def find(self, tag: str) -> dict[str, Any] | None:
        """Return the release ``tag``, or ``None``."""
        try:
            return dict(self._github.get(f'/releases/tags/{tag}'))
        except RefusedError as error:
            if error.status != _MISSING:
                raise
            return None

    def create(self, tag: str, title: str) -> dict[str, Any]:
        """Create the release ``tag``; return the one that is there if it exists already."""
        try:
            return dict(self._github.send('POST', '/releases', json={
                'tag_name': tag, 'name': title, 'make_latest': 'false'}))
        except RefusedError as error:
            found = self.find(tag) if error.status == _UNPROCESSABLE else None
            if not found:
                raise
            return found  # an attempt whose answer was lost, or another process, has created it

    def all(self) -> Iterator[dict[str, Any]]:
        """Yield all releases."""
        yield from self._pages('/releases')

    def assets(self, release: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the assets of ``release`` by their names."""
        return {one['name']: one for one in self._pages(f'/releases/{release["id"]}/assets')}

    def has(self, release: dict[str, Any], name: str, file: File) -> bool:
        """Whether the asset ``name`` of ``release`` is ``file``."""
        there = self.assets(release).get(name)
        return there is not None and is_same(there, file)

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        for page in count(1):
            found = self._github.get(path, per_page=_PER_PAGE, page=page)
            yield from found
            if len(found) < _PER_PAGE:
                return

    def put(self, release: dict[str, Any], name: str, path: Path, file: File, steps: Steps) -> bool:
        """Make the file ``path`` the asset ``name``, unless it is; return whether it was sent.

        :raises LogsError: it is too large, or GitHub has received other bytes or refuses it.
        """
        if file.size >= LIMIT:
            raise LogsError(f'{name} has {file.size} bytes; GitHub takes less than 2 GiB in one file.')
        return self._github.repeat(lambda: self._put_once(release, name, path, file, steps))

    def _put_once(self, release: dict[str, Any], name: str, path: Path, file: File, steps: Steps) -> bool:
        there = self.assets(release).get(name)
        if there and is_same(there, file):
            return False
        if there:
            self.remove(there)
        with steps(f'Sending {name}', file.size, True) as advance:
            made = self._upload(release, name, path, advance)
        if not is_same(made, file):
            self.remove(made)
            raise LogsError(f'GitHub has received other bytes of {name} (digest {made.get("digest")}, '
                            f'{made.get("size")} bytes as {made.get("name")}); they were deleted there. Run the '
                            'command again.')
        return True

    def _upload(self, release: dict[str, Any], name: str, path: Path, advance: Any) -> dict[str, Any]:
        try:
            return dict(self._github.upload(release['upload_url'], name, path, advance))
        except RefusedError as error:
            if error.status == _UNPROCESSABLE and 'already_exists' in str(error):
                raise BusyError(f'another process has sent {name}') from error
            raise

    def remove(self, asset: dict[str, Any]) -> None:
        """Delete ``asset``, unless it was deleted already.

        :raises LogsError: the release cannot be changed any more.
        """
        self._delete(f'/releases/assets/{asset["id"]}')

    def remove_release(self, release: dict[str, Any]) -> None:
        """Delete ``release`` and its tag."""
        self._delete(f'/releases/{release["id"]}')
        self._delete(f'/git/refs/tags/{release["tag_name"]}')

    def _delete(self, path: str) -> None:
        try:
            self._github.send('DELETE', path)
        except RefusedError as error:
            if error.status == _UNPROCESSABLE and 'immutable' in str(error).lower():
                raise LogsError(f'A release of {self._github.repository} cannot be changed: turn off "release '
                                'immutability" in the settings of the repository.') from error
            if error.status not in (_MISSING, _UNPROCESSABLE):
                raise


def is_same(asset: dict[str, Any], file: File) -> bool:
    """Whether an asset is complete, and has this size and, as far as GitHub reports it, this checksum."""
    return (asset.get('state') == 'uploaded' and asset.get('size') == file.size
            and asset.get('digest') in (None, '', f'sha256:{file.sha256}'))
