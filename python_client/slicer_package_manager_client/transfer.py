"""Resumable upload of a file to an item.

1. Look up the upload id of an earlier run in the journal, and ask the server how many bytes it has.
2. Otherwise begin an upload: ``PUT /file/:id/contents`` replaces a file, ``POST /file`` creates one. Both state the
   checksum, so that the server refuses damaged bytes before readers see them. Record the upload id in the journal.
3. Send chunks of 8 MiB. After a failure, ask the server for its offset and continue there, or begin again. Where
   connections break off, chunks become smaller, since the server discards those that do not arrive whole.
4. Before the last chunk, check that the file did not change on disk, and update the metadata of the item.
5. The answer to the last chunk is the document of the file. If that answer was lost, look for the file in the item.
"""
from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, Callable, cast

import requests
from girder_client import HttpError

from slicer_package_manager_client.chunk_size import ChunkSize
from slicer_package_manager_client.errors import ChecksumMismatch, InvalidRequest, NetworkProblem
from slicer_package_manager_client.explain import answered_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.journal import Journal
    from slicer_package_manager_client.localfile import LocalFile

#: Bytes in each chunk, unless connections break off.
CHUNK = 8 << 20

_BAD_REQUEST = 400
#: Statuses for an upload, a file or an item that is missing, or that another request is using.
_LOST = frozenset({403, 404, 409, 410})
_GONE = re.compile(r'invalid (\w+ )?(id|file|upload|item)|no such|not found|does not exist|is gone', re.IGNORECASE)
_UNKNOWN_PARAMETER = re.compile(r'param|argument|unexpected|unknown', re.IGNORECASE)
#: The server has checked the file, and will refuse it again.
_WRONG = re.compile('does not pass the check')
_TOO_SMALL = re.compile('chunk .*(smaller than|too small)', re.IGNORECASE)
_CHECKSUM = re.compile(r'sha-?512|checksum', re.IGNORECASE)
_TYPES = {'.gz': 'application/gzip', '.tgz': 'application/gzip', '.zip': 'application/zip',
          '.dmg': 'application/x-apple-diskimage', '.exe': 'application/vnd.microsoft.portable-executable'}


def content_type(name: str) -> str:
    """Return the media type of a package by its file name."""
    return next((kind for ending, kind in _TYPES.items() if name.lower().endswith(ending)),
                'application/octet-stream')


class OffsetMismatch(requests.ConnectionError):
    """Client and server disagree about the offset or the upload."""


class ItemGone(Exception):
    """Another process deleted the item of the file, or its folder."""

    def __init__(self, error: HttpError) -> None:
        super().__init__(answered_message(error.responseText))


def is_gone(error: HttpError) -> bool:
    """Whether the server refused a request because its object does not exist any more."""
    return error.status in {404, 409, 410} or (
        error.status == _BAD_REQUEST and _GONE.search(answered_message(error.responseText)) is not None)


class Transfer:
    """Upload of one file to an item.

    :param replaces: the id of the file whose contents are replaced, if the item has one.
    :param before_last: called before the last chunk is sent; an exception cancels the upload.
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
        self._chunk = ChunkSize(CHUNK)
        self.sent = 0  # bytes that the server has accepted
        self.interrupted = False  # whether the file was sent in more than one attempt

    @property
    def _target(self) -> dict[str, Any]:
        return {'server': self._client.urlBase, 'item': self._item_id, 'replaces': self._replaces,
                **self._source.stamp}

    def run(self) -> dict[str, Any]:
        """Send the bytes that the server does not have yet; return the document of the file.

        :raises ChecksumMismatch: the file changed on disk during the upload; the upload is canceled.
        """
        with self._client.progressReporterCls(label=self._source.name,
                                              length=self._source.size) as reporter:
            document: dict[str, Any] | None = None
            offset = self._client.attempts()(self._resume)
            reporter.update(offset)
            while document is None:
                document, reached = self._advance(offset)
                reporter.update(reached - offset)
                offset = reached
        self._journal.forget(self._target)
        return document

    def cancel(self) -> None:
        """Delete the unfinished upload on the server."""
        self._journal.forget(self._target)
        with contextlib.suppress(requests.RequestException):
            self._client.delete(f'file/upload/{self._upload}')

    def _resume(self) -> int:
        """Begin the upload, or resume it; return how many bytes the server has."""
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
        """Begin to replace the file of the item; return ``None`` if it has none (any more).

        The request states the name and the checksum, so that both change together with the bytes, and damaged bytes
        are refused. A server that does not know these parameters ignores or refuses them.
        """
        while self._replaces:
            try:
                return self._replace({'name': self._source.name, 'sha512': self._source.digest()})
            except HttpError as error:
                if not is_gone(error):
                    raise
            self._replaces = self._file_now(unlike=self._replaces)
        return None

    def _replace(self, more: dict[str, Any]) -> dict[str, Any]:
        return self._ask_to_begin('PUT', f'file/{self._replaces}/contents', {'size': self._source.size}, more)

    def _ask_to_begin(self, method: str, path: str, parameters: dict[str, Any],
                      more: dict[str, Any]) -> dict[str, Any]:
        """Begin an upload with ``more`` parameters, or without them on a server that refuses unknown parameters."""
        try:
            return cast('dict[str, Any]', self._client.sendOnce(method, path, {**parameters, **more}))
        except HttpError as error:
            reason = answered_message(error.responseText)
            if error.status != _BAD_REQUEST or not _UNKNOWN_PARAMETER.search(reason):
                raise
        return cast('dict[str, Any]', self._client.sendOnce(method, path, parameters))

    def _file_now(self, *, unlike: str) -> str | None:
        """Return the id of the file that another process put in place of the file ``unlike``, or ``None``."""
        with self._item_required():
            files = self._client.sendOnce('GET', f'item/{self._item_id}/files')
        found = [file['_id'] for file in files if not file.get('linkUrl')]
        return found[0] if found and found[0] != unlike else None

    def _begin_new(self) -> dict[str, Any]:
        with self._item_required():
            return self._ask_to_begin('POST', 'file', {
                'parentType': 'item', 'parentId': self._item_id, 'name': self._source.name,
                'size': self._source.size, 'mimeType': content_type(self._source.name),
            }, {'sha512': self._source.digest()})

    @contextlib.contextmanager
    def _item_required(self) -> Iterator[None]:
        """Raise :class:`ItemGone` if a request in the ``with`` block fails because the item does not exist."""
        try:
            yield
        except HttpError as error:
            if is_gone(error):
                raise ItemGone(error) from error
            raise

    def _advance(self, offset: int) -> tuple[dict[str, Any] | None, int]:
        """Send the next chunk; return the document of the file after the last one, and the new offset."""
        for attempt in self._client.attempts():
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    self.interrupted = True
                    done, offset = self._catch_up()
                    if done is not None:
                        return done, offset
                return self._send(offset)
        raise AssertionError('the last error is raised when no attempt is left')

    def _catch_up(self) -> tuple[dict[str, Any] | None, int]:
        """Synchronize with the server after a failed attempt."""
        offset = self._offset()
        if offset is not None:
            return None, offset
        done = self._finished()
        if done is not None:
            return done, self._source.size
        self._begin()
        return None, 0

    def _send(self, offset: int) -> tuple[dict[str, Any] | None, int]:
        end = min(offset + self._chunk.bytes, self._source.size)
        if end == self._source.size:
            self._prepare_last()
        try:
            if offset == end:  # the server has all bytes, but stopped before it created the file
                return self._client.sendOnce('POST', 'file/completion', {'uploadId': self._upload}), end
            answer = self._client.sendOnce(
                'POST', 'file/chunk', {'offset': offset, 'uploadId': self._upload},
                data=self._source.read(offset, end - offset),
                headers={'Content-Type': 'application/octet-stream'})
        except HttpError as error:
            self._require_in_step(error, offset)
            raise
        except requests.RequestException:
            self._chunk.broke_off()
            raise
        self._chunk.arrived()
        self.sent += end - offset
        return (answer if end == self._source.size else None), end

    def _require_in_step(self, error: HttpError, offset: int) -> None:
        """Find out why the server refused a chunk.

        :raises ChecksumMismatch: the server received damaged bytes, and deleted them.
        :raises InvalidRequest: the server has checked the file, and deleted it.
        :raises OffsetMismatch: the server is at another offset, another request uses the upload, it does not exist, or
            the next chunk has to be larger.
        """
        reason = answered_message(error.responseText)
        if error.status == _BAD_REQUEST and _TOO_SMALL.search(reason) and self._chunk.refused():
            raise OffsetMismatch(reason) from error
        if error.status == _BAD_REQUEST and _WRONG.search(reason):
            self._journal.forget(self._target)
            raise InvalidRequest(reason, server=self._client.urlBase,
                                 advice='"check" finds the same before an upload.') from error
        if error.status in {_BAD_REQUEST, 409, 422} and _CHECKSUM.search(reason):
            self._journal.forget(self._target)
            raise ChecksumMismatch(f'The server received "{self._source.name}" damaged, and deleted it: {reason}',
                                   server=self._client.urlBase, advice='Run again.') from error
        if error.status in {_BAD_REQUEST, *_LOST} and (error.status == 409 or self._offset() != offset):  # noqa: PLR2004
            raise OffsetMismatch(reason) from error

    def _prepare_last(self) -> None:
        try:
            self._source.digest()
            self._source.require_unchanged()
            if self._before_last:
                self._before_last()
        except NetworkProblem:
            raise  # the next run resumes the upload
        except Exception:
            self.cancel()
            raise

    def _offset(self) -> int | None:
        """Return how many bytes the server has; ``None`` if it does not have the upload (any more)."""
        try:
            answer = self._client.sendOnce('GET', 'file/offset', {'uploadId': self._upload})
        except HttpError as error:
            if error.status in {_BAD_REQUEST, *_LOST}:
                return None
            raise
        offset = answer.get('offset')
        return offset if isinstance(offset, int) and 0 <= offset <= self._source.size else None

    def _finished(self) -> dict[str, Any] | None:
        """Return the finished file, if only the answer was lost."""
        files = self._client.sendOnce('GET', f'item/{self._item_id}/files')
        return next((file for file in files if file.get('sha512') == self._source.digest()), None)
