"""Sends a file to an item in pieces, and goes on where an earlier attempt was cut off."""
from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Callable, cast

import requests
from girder_client import HttpError

from slicer_package_manager_client.connection import is_transient
from slicer_package_manager_client.errors import NetworkProblem

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.journal import Journal
    from slicer_package_manager_client.localfile import LocalFile

#: Girder refuses pieces under 5 MiB, but the last.
CHUNK = 8 << 20

_BAD_REQUEST = 400
_TYPES = {'.gz': 'application/gzip', '.tgz': 'application/gzip', '.zip': 'application/zip',
          '.dmg': 'application/x-apple-diskimage', '.exe': 'application/vnd.microsoft.portable-executable'}


def content_type(name: str) -> str:
    """The media type of a package by its file name."""
    return next((kind for ending, kind in _TYPES.items() if name.lower().endswith(ending)),
                'application/octet-stream')


class _OutOfStep(requests.ConnectionError):
    """Client and server do not agree on how much has arrived."""


class Transfer:
    """One file on its way into an item.

    :param replaces: the id of the file whose contents are replaced, if the item has one.
    :param before_last: is called when all but the last piece has arrived; what it raises ends the upload.
    """

    def __init__(self, client: Connection, journal: Journal, source: LocalFile, item_id: str, *,
                 replaces: str | None = None, before_last: Callable[[], None] | None = None) -> None:
        self._client = client
        self._journal = journal
        self._source = source
        self._item_id = item_id
        self._replaces = replaces
        self._before_last = before_last
        self._upload = ''
        self.interrupted = False  # whether it is made of more than one attempt

    @property
    def _target(self) -> dict[str, Any]:
        return {'server': self._client.urlBase, 'item': self._item_id, 'replaces': self._replaces,
                **self._source.stamp}

    def run(self) -> dict[str, Any]:
        """Send what the server does not have yet; the document of the finished file.

        :raises ChecksumMismatch: the file changed on disk meanwhile; the server keeps nothing of it.
        """
        with self._client.progressReporterCls(label=self._source.name,
                                              length=self._source.size) as reporter:
            document: dict[str, Any] | None = None
            offset = self._client.retries.attempts(is_transient)(self._resume)
            reporter.update(offset)
            while document is None:
                document, reached = self._advance(offset)
                reporter.update(reached - offset)
                offset = reached
        self._journal.forget(self._target)
        return document

    def cancel(self) -> None:
        """Let the server forget what has arrived."""
        self._journal.forget(self._target)
        with contextlib.suppress(requests.RequestException):
            self._client.delete(f'file/upload/{self._upload}')

    def _resume(self) -> int:
        """Begin, or go on with what was begun; how many bytes the server has."""
        self._upload = self._journal.recall(self._target) or ''
        offset = self._offset() if self._upload else None
        if offset is None:
            self._begin()
            return 0
        self.interrupted = True
        return offset

    def _begin(self) -> None:
        self._upload = (self._begin_replacing() or self._begin_new())['_id']
        self._journal.remember(self._target, self._upload)

    def _begin_replacing(self) -> dict[str, Any] | None:
        if not self._replaces:
            return None
        try:
            answer = self._client.sendOnce('PUT', f'file/{self._replaces}/contents', {'size': self._source.size})
        except HttpError as error:
            if error.status not in {400, 404}:
                raise
            self._replaces = None  # somebody else replaced or removed that file meanwhile
            return None
        return cast('dict[str, Any]', answer)

    def _begin_new(self) -> dict[str, Any]:
        return cast('dict[str, Any]', self._client.sendOnce('POST', 'file', {
            'parentType': 'item', 'parentId': self._item_id, 'name': self._source.name,
            'size': self._source.size, 'mimeType': content_type(self._source.name)}))

    def _advance(self, offset: int) -> tuple[dict[str, Any] | None, int]:
        """Send the next piece; the file's document when it was the last, and how much has arrived."""
        for attempt in self._client.retries.attempts(is_transient):
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    self.interrupted = True
                    done, offset = self._catch_up()
                    if done is not None:
                        return done, offset
                return self._send(offset)
        raise AssertionError('the last error is raised when no attempt is left')

    def _catch_up(self) -> tuple[dict[str, Any] | None, int]:
        """After a failed attempt: find out where the server is."""
        offset = self._offset()
        if offset is not None:
            return None, offset
        done = self._arrived()
        if done is not None:
            return done, self._source.size
        self._begin()
        return None, 0

    def _send(self, offset: int) -> tuple[dict[str, Any] | None, int]:
        end = min(offset + CHUNK, self._source.size)
        if end == self._source.size:
            self._prepare_last()
        if offset == end:  # all has arrived, but the server was stopped before it made a file of it
            return self._client.sendOnce('POST', 'file/completion', {'uploadId': self._upload}), end
        try:
            answer = self._client.sendOnce(
                'POST', 'file/chunk', {'offset': offset, 'uploadId': self._upload},
                data=self._source.read(offset, end - offset),
                headers={'Content-Type': 'application/octet-stream'})
        except HttpError as error:
            if error.status == _BAD_REQUEST and self._offset() != offset:
                raise _OutOfStep(str(error)) from error
            raise
        return (answer if end == self._source.size else None), end

    def _prepare_last(self) -> None:
        try:
            self._source.digest()
            self._source.require_unchanged()
            if self._before_last:
                self._before_last()
        except NetworkProblem:
            raise  # what has arrived is of use to the next run
        except Exception:
            self.cancel()
            raise

    def _offset(self) -> int | None:
        """How much of the upload has arrived; ``None`` if the server does not know it (any more)."""
        try:
            answer = self._client.sendOnce('GET', 'file/offset', {'uploadId': self._upload})
        except HttpError as error:
            if error.status in {400, 403, 404}:
                return None
            raise
        offset = answer.get('offset')
        return offset if isinstance(offset, int) and 0 <= offset <= self._source.size else None

    def _arrived(self) -> dict[str, Any] | None:
        """The finished file, if it was only the answer that got lost."""
        files = self._client.sendOnce('GET', f'item/{self._item_id}/files')
        return next((file for file in files if file.get('size') == self._source.size
                     and file.get('sha512') == self._source.digest()), None)
