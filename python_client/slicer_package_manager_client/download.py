"""Resumable downloads: a file gets its name only after its checksum was verified."""
from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable

import requests

from slicer_package_manager_client import locks
from slicer_package_manager_client.errors import (
    ChecksumMismatch,
    Conflict,
    NetworkProblem,
    NotFound,
    SlicerPackageManagerError,
)
from slicer_package_manager_client.threaded_digest import ThreadedDigest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from pathlib import Path

    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.registry import Document

#: Bytes in each read; a connection that breaks loses fewer than that.
BLOCK = 1 << 16
DOWNLOADED, UNCHANGED = 'downloaded', 'unchanged'
_PARTIAL, _UNSATISFIABLE = 206, 416
#: What systems report about a full disk; Windows has no quotas of this kind.
_FULL = {errno.ENOSPC, getattr(errno, 'EDQUOT', errno.ENOSPC)}
#: Bytes of a file's name on the file systems of Linux, macOS and Windows.
LONGEST_NAME = 255
#: Names of devices on Windows, with any ending (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
_DEVICE = re.compile(r'(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)', re.IGNORECASE)
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')


def file_of(client: Connection, item: Document) -> Document:
    """Return the file of a package or extension, with its expected checksum.

    :raises NotFound: there is none yet.
    """
    files = client.get(f'item/{item["_id"]}/files')
    if not files:
        raise NotFound(f'"{item["name"]}" has no file yet.', server=client.urlBase)
    file: Document = files[0]
    file.setdefault('sha512', item['meta'].get('sha512'))
    return file


def local_name(name: str) -> str:
    """Return ``name`` as a safe file name on Linux, macOS and Windows."""
    safe = _UNSAFE.sub('_', name).rstrip('. ')
    if not safe.strip('.') or _DEVICE.match(safe):
        safe = f'_{safe}'
    return shortened(safe, LONGEST_NAME)


def shortened(name: str, size: int) -> str:
    """Return ``name`` in at most ``size`` bytes; a longer one is cut and gets a hash before its suffix."""
    if len(name.encode('utf-8', 'surrogateescape')) <= size:
        return name
    ending = re.search(r'(\.tar)?(\.\w{1,10})?$', name)[0]  # type: ignore[index]
    digest = hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:12]
    head = name.encode('utf-8', 'surrogateescape')[:size - len(ending.encode()) - len(digest) - 1]
    return f'{head.decode("utf-8", "ignore")}~{digest}{ending}'


def part_name(name: str, tag: str) -> str:
    """Return the name of the hidden file beside ``name`` for the bytes received so far."""
    ending = f'.{hashlib.sha256(tag.encode()).hexdigest()[:12]}.part'
    return f'.{shortened(name, LONGEST_NAME - len(ending) - 1)}{ending}'


class Download:
    """Download of a file to the path ``target``.

    :param force: whether a different file at ``target`` may be overwritten.
    :param accept: called with the SHA-256 of the whole file before it gets its name; raises an error to refuse it.
    """

    def __init__(self, client: Connection, file: Document, target: Path, *, force: bool = False,
                 accept: Callable[[str], None] | None = None) -> None:
        self._client = client
        self._file = file
        self._target = target
        self._force = force
        self._accept = accept
        self._size: int | None = file.get('size')
        self._sha512: str | None = (file.get('sha512') or '').lower() or None
        tag = (self._sha512 or f'{file["_id"]}-{file.get("updated", file.get("created", ""))}')
        self._part = target.with_name(part_name(target.name, tag))

    def run(self) -> str:
        """Download the file and return :data:`DOWNLOADED`, or :data:`UNCHANGED` if it was there.

        :raises Conflict: another file is there, or another process downloads this one.
        :raises SlicerPackageManagerError: ``accept`` has refused the file. What has arrived is deleted.
        :raises ChecksumMismatch: the received bytes were damaged twice; they are deleted.
        """
        self._client.retries.refill()
        with locks.exclusive(self._target, busy=f'Another process downloads to "{self._target}" now.'):
            return self._run()

    def _run(self) -> str:
        if self._is_there():
            self._require_accepted(self._target)
            return UNCHANGED
        with local_errors(self._target):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._require_room()
            resumed = self._part.exists()
            if not self._fetch() and not (resumed and self._fetch()):
                raise ChecksumMismatch(
                    f'"{self._file["name"]}" arrived damaged; it was deleted.', server=self._client.urlBase,
                    advice='Run the command again; if the error persists, inform the administrators of the server.')
            try:
                self._require_accepted(self._part)
            except SlicerPackageManagerError:
                self._part.unlink()
                raise
            self._part.replace(self._target)
        return DOWNLOADED

    def _require_accepted(self, path: Path) -> None:
        if self._accept:
            with path.open('rb') as stream:
                sha256 = _digest(stream, 'sha256').hexdigest()
            self._accept(sha256)

    def _require_room(self) -> None:
        """Check that the rest of the file fits on the disk, so that it is not filled in vain."""
        received = self._part.stat().st_size if self._part.exists() else 0
        required, free = (self._size or 0) - received, shutil.disk_usage(self._target.parent).free
        if required > free:
            raise SlicerPackageManagerError(
                f'"{self._target}" requires {required} bytes, but the disk has {free} left; nothing was received.',
                advice='Make room, and run the command again.')

    def plan(self) -> str:
        """Return what :meth:`run` would return, without changing anything.

        :raises Conflict: another file is there.
        """
        return UNCHANGED if self._is_there() else DOWNLOADED

    def _is_there(self) -> bool:
        if not self._target.exists():
            return False
        if self._target.is_file() and self._sha512 and self._target.stat().st_size == (
                self._size or self._target.stat().st_size):
            with self._target.open('rb') as stream:
                if _digest(stream).hexdigest() == self._sha512:
                    return True
        if self._force and self._target.is_file():
            return False
        raise Conflict(f'Another file is at "{self._target}" already.', advice='--force overwrites it.')

    def _fetch(self) -> bool:
        """Receive the rest of the file; return whether it is intact. A damaged file is deleted."""
        with self._part.open('a+b') as stream, ThreadPoolExecutor(1) as thread:
            stream.seek(0)
            digest = ThreadedDigest(thread, _digest(stream))
            with self._client.progressReporterCls(label=self._target.name, length=self._size or 0) as reporter:
                reporter.update(stream.tell())
                while not self._is_complete(stream.tell()):
                    digest = self._client.attempts()(self._pull, stream, digest, thread, reporter)
            stream.flush()
            os.fsync(stream.fileno())
            complete = self._size is None or stream.tell() == self._size
            intact = self._sha512 in {None, digest.hexdigest()}
        if complete and intact:
            return True
        self._part.unlink()
        return False

    def _is_complete(self, received: int) -> bool:
        if self._size is None:
            return self._file.get('_received') == received
        return received >= self._size

    def _pull(self, stream: Any, digest: ThreadedDigest, thread: Executor, reporter: Any) -> ThreadedDigest:
        """Receive one response; return the checksum of all bytes received so far, which ``thread`` computes.

        A connection that breaks counts as a failed attempt only if it delivered no bytes.
        """
        start = stream.tell()
        with contextlib.closing(self._open(start)) as answer:
            if answer.status_code != _PARTIAL or not _continues(answer, start):
                reporter.update(-start)
                stream.truncate(0)
                digest, start = ThreadedDigest(thread, hashlib.sha512()), 0
                if answer.status_code in {_PARTIAL, _UNSATISFIABLE}:
                    return digest
            try:
                for block in answer.iter_content(BLOCK):
                    stream.write(block)
                    digest.update(block)
                    reporter.update(len(block))
            except requests.RequestException:
                if stream.tell() == start:
                    raise
                return digest
        if self._size is None:
            self._file['_received'] = stream.tell()
        elif start == stream.tell():
            raise requests.ConnectionError('the connection was closed early')
        return digest

    def _open(self, start: int) -> requests.Response:
        headers = {'Accept-Encoding': 'identity'}
        if start:
            headers['Range'] = f'bytes={start}-'
        try:
            answer: requests.Response = self._client.sendOnce(
                'GET', f'file/{self._file["_id"]}/download', jsonResp=False, stream=True, headers=headers)
        except requests.HTTPError as error:
            if error.response is not None and error.response.status_code == _UNSATISFIABLE:
                return error.response
            raise
        if not answer.is_redirect:
            return answer
        answer.close()
        # Without the token of this server, which no other host may get.
        answer = requests.get(answer.headers['Location'], headers=headers, stream=True,
                              timeout=self._client.timeout, verify=self._client.verify)
        if not answer.ok and answer.status_code != _UNSATISFIABLE:
            answer.close()
            raise NetworkProblem(f'{answer.url.split("?")[0]} answered status {answer.status_code}; '
                                 f'"{self._file["name"]}" is hosted there.')
        return answer


def _continues(answer: requests.Response, start: int) -> bool:
    return answer.headers.get('Content-Range', '').startswith(f'bytes {start}-')


def _digest(stream: Any, algorithm: str = 'sha512') -> Any:
    digest = hashlib.new(algorithm)
    while block := stream.read(BLOCK):
        digest.update(block)
    return digest


@contextlib.contextmanager
def local_errors(target: Path) -> Iterator[None]:
    """Convert errors while ``target`` is written in the ``with`` block to :class:`SlicerPackageManagerError`."""
    try:
        yield
    except requests.RequestException:
        raise
    except OSError as error:
        advice = 'Make room, and run the command again to resume.' if error.errno in _FULL else ''
        raise SlicerPackageManagerError(
            f'"{target}" cannot be written: {error.strerror or error}.', advice=advice) from error
