"""Sends a file to an item in pieces, and goes on where an earlier attempt was cut off."""
from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, Callable, cast

import requests
from girder_client import HttpError

from slicer_package_manager_client.errors import ChecksumMismatch, NetworkProblem
from slicer_package_manager_client.explain import answered_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.journal import Journal
    from slicer_package_manager_client.localfile import LocalFile

#: Girder refuses pieces under 5 MiB, but the last.
CHUNK = 8 << 20

_BAD_REQUEST = 400
#: A server says so of an upload, a file or an item that it does not have (any more), or that another request has.
_LOST = frozenset({403, 404, 409, 410})
_GONE = re.compile(r'invalid (\w+ )?(id|file|upload|item)|no such|not found|does not exist|is gone', re.IGNORECASE)
_UNKNOWN_PARAMETER = re.compile(r'param|argument|unexpected|unknown', re.IGNORECASE)
_CHECKSUM = re.compile(r'sha-?512|checksum', re.IGNORECASE)
_TYPES = {'.gz': 'application/gzip', '.tgz': 'application/gzip', '.zip': 'application/zip',
          '.dmg': 'application/x-apple-diskimage', '.exe': 'application/vnd.microsoft.portable-executable'}


def content_type(name: str) -> str:
    """The media type of a package by its file name."""
    return next((kind for ending, kind in _TYPES.items() if name.lower().endswith(ending)),
                'application/octet-stream')


class OutOfStep(requests.ConnectionError):
    """Client and server do not agree on how much has arrived, or on which upload it belongs to."""


class ItemGone(Exception):
    """The item that the file was for is not there any more; another process deleted it, or its folder."""

    def __init__(self, error: HttpError) -> None:
        super().__init__(answered_message(error.responseText))


def is_gone(error: HttpError) -> bool:
    """Whether the server refused because what the request was about is not there any more."""
    return error.status in {404, 409, 410} or (
        error.status == _BAD_REQUEST and _GONE.search(answered_message(error.responseText)) is not None)


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
            offset = self._client.attempts()(self._resume)
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
        """Begin to replace the file of the item; ``None`` if it has none (any more).

        The name and the checksum travel along, so that they change together with the bytes, and damaged bytes are
        refused before readers see them. A server that does not know these parameters ignores or refuses them.
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
        """Begin an upload with ``more`` parameters, or without them on a server that refuses what it does not know."""
        try:
            return cast('dict[str, Any]', self._client.sendOnce(method, path, {**parameters, **more}))
        except HttpError as error:
            said = answered_message(error.responseText)
            if error.status != _BAD_REQUEST or not _UNKNOWN_PARAMETER.search(said):
                raise
        return cast('dict[str, Any]', self._client.sendOnce(method, path, parameters))

    def _file_now(self, *, unlike: str) -> str | None:
        """The id of the file that the item has by now, if that is another one: another process replaced it."""
        with self._item_is_there():
            files = self._client.sendOnce('GET', f'item/{self._item_id}/files')
        found = [file['_id'] for file in files if not file.get('linkUrl')]
        return found[0] if found and found[0] != unlike else None

    def _begin_new(self) -> dict[str, Any]:
        with self._item_is_there():
            return self._ask_to_begin('POST', 'file', {
                'parentType': 'item', 'parentId': self._item_id, 'name': self._source.name,
                'size': self._source.size, 'mimeType': content_type(self._source.name),
            }, {'sha512': self._source.digest()})

    @contextlib.contextmanager
    def _item_is_there(self) -> Iterator[None]:
        """Raise :class:`ItemGone` if the requests inside fail because the item is not there."""
        try:
            yield
        except HttpError as error:
            if is_gone(error):
                raise ItemGone(error) from error
            raise

    def _advance(self, offset: int) -> tuple[dict[str, Any] | None, int]:
        """Send the next piece; the file's document when it was the last, and how much has arrived."""
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
        try:
            if offset == end:  # all has arrived, but the server was stopped before it made a file of it
                return self._client.sendOnce('POST', 'file/completion', {'uploadId': self._upload}), end
            answer = self._client.sendOnce(
                'POST', 'file/chunk', {'offset': offset, 'uploadId': self._upload},
                data=self._source.read(offset, end - offset),
                headers={'Content-Type': 'application/octet-stream'})
        except HttpError as error:
            self._require_in_step(error, offset)
            raise
        return (answer if end == self._source.size else None), end

    def _require_in_step(self, error: HttpError, offset: int) -> None:
        """Find out why a piece was refused.

        :raises ChecksumMismatch: the server has other bytes than were sent, and drops them.
        :raises OutOfStep: the server is elsewhere in this upload, another request has it, or it is gone.
        """
        said = answered_message(error.responseText)
        if error.status in {_BAD_REQUEST, 409, 422} and _CHECKSUM.search(said):
            self._journal.forget(self._target)
            raise ChecksumMismatch(f'The server received "{self._source.name}" damaged, and kept nothing of it: {said}',
                                   server=self._client.urlBase, advice='Run again.') from error
        if error.status in {_BAD_REQUEST, *_LOST} and (error.status == 409 or self._offset() != offset):  # noqa: PLR2004
            raise OutOfStep(said) from error

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
            if error.status in {_BAD_REQUEST, *_LOST}:
                return None
            raise
        offset = answer.get('offset')
        return offset if isinstance(offset, int) and 0 <= offset <= self._source.size else None

    def _arrived(self) -> dict[str, Any] | None:
        """The finished file, if it was only the answer that got lost."""
        files = self._client.sendOnce('GET', f'item/{self._item_id}/files')
        return next((file for file in files if file.get('size') == self._source.size
                     and file.get('sha512') == self._source.digest()), None)
