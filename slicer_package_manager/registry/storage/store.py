"""The protocol of object stores: what the server requires of the place that has the bytes of files.

Girder has one *assetstore adapter* for each type of assetstore. A store is such an adapter that also implements
:class:`Store`. To support another type of object store:

1. Write one class that inherits from Girder's ``AbstractAssetstoreAdapter`` (or one of its subclasses) and from
   :class:`Store`, in this order. Girder's part covers uploads: ``initUpload``, ``uploadChunk``, ``requestOffset``,
   ``finalizeUpload``, ``cancelUpload``, ``deleteFile``, ``downloadFile``, ``capacityInfo``, ``validateInfo``.
2. Add one line for it to ``STORES`` in :mod:`stores`.

All other code gets a store from :func:`stores.of_file`, :func:`stores.of_assetstore` or
:func:`stores.every_store`, and never looks at the type of an assetstore or at the fields that belong to one type.

Contract between a store and the uploads in the database:

- ``upload['tempFile']`` (Girder's key), if there is one, is the path of a local file with the bytes that have arrived.
  Requests lock this file while they append to it; its modification time shows that an upload is alive.
- ``upload['sha512state']`` (Girder's key) is the state of the checksum of what has arrived; a store that learns the
  checksum in another way sets ``upload['sha512']``.
"""
from __future__ import annotations

import hashlib
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any, BinaryIO, ClassVar, NamedTuple, Protocol

from girder.exceptions import GirderException, ValidationException
from girder.utility import _hash_state

from slicer_package_manager.registry.schema.errors import Unavailable
from slicer_package_manager.registry.schema.types import Document

#: Bytes that are read or written at once. Each transfer in progress has one or two such pieces in memory.
PIECE = 64 * 1024
#: ``Retry-After`` of responses while a store cannot be reached, in seconds.
RETRY_AFTER = 30


class LostError(GirderException):  # type: ignore[misc] # Girder has no types
    """The store does not have the bytes of a file, or another number of them."""


def received_digest(upload: Document) -> Any:
    """Return the SHA-512 object of what has arrived of ``upload``, with ``update`` and ``hexdigest``."""
    state = upload.get('sha512state')
    return _hash_state.restoreHex(state, 'sha512') if state else hashlib.sha512()


def opened(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """Return ``pieces`` after the first one was made, so that a failure to open them shows now.

    The result closes ``pieces`` when it is closed. The garbage collector may do that late.
    """
    first = list(islice(pieces, 1))

    def rest() -> Generator[bytes, None, None]:
        with closing(pieces):
            while first:
                yield first.pop()  # not in memory any longer than needed
            yield from pieces
    return rest()


class Leftover(NamedTuple):
    """Bytes in a store that no document refers to.

    :param place: path or URL of the bytes, for people.
    :param size: number of bytes; ``None`` if unknown.
    :param remove: removes them, or puts them aside; ``None`` if only a person can decide.
    :param remedy: what ``remove`` does, or what a person should do, as a sentence.
    """

    place: str
    size: int | None
    remove: Callable[[], None] | None
    remedy: str


class Store(Protocol):
    """An object store. ``file``, ``upload`` and ``assetstore`` are documents of Girder's models."""

    assetstore: Document
    #: Field of a file with its place in the store.
    place_field: ClassVar[str]
    #: All fields of a file that belong to its content in this type of store. New content elsewhere removes them.
    content_fields: ClassVar[tuple[str, ...]]
    #: Required fields of the assetstore's document and their BSON types.
    required_fields: ClassVar[Mapping[str, str]] = {}
    #: Whether clients can download from the store itself, see :meth:`url`.
    has_urls: ClassVar[bool] = False
    #: Whether :meth:`remove_leftovers` finds the bytes of an upload that has no document.
    finds_uploads: ClassVar[bool] = False

    def __init__(self, assetstore: Document) -> None:
        self.assetstore = assetstore

    @abstractmethod
    def __str__(self) -> str:
        """Return the place of the store for people: a directory, or the URL of a bucket."""

    def problem(self) -> str | None:
        """Return why no file can be stored, ``None`` if there is no known reason.

        The health check calls this for each request: it must be fast and must not connect to other machines. The text
        is public: it names no path.
        """
        return None

    def require_writable(self) -> None:
        """Check that files can be stored and deleted now.

        :raises Unavailable: they cannot.
        """
        wrong = self.problem()
        if wrong:
            raise Unavailable(f'The assetstore "{self.assetstore["name"]}" cannot be used: it {wrong}.', RETRY_AFTER)

    # Reading

    @abstractmethod
    def read(self, file: Document, start: int, stop: int) -> Iterator[bytes]:
        """Return the bytes of ``file`` from ``start`` up to, but not including, ``stop``.

        The file is opened before this returns, so that failures show before a response begins and a deletion
        meanwhile does no harm.

        :raises LostError: the store does not have them.
        :raises Unavailable: the store cannot be reached.
        """

    @contextmanager
    def opened(self, file: Document) -> Iterator[BinaryIO]:
        """Return a context with an open file of the system that has the bytes of ``file``; a remote store copies them.

        :raises OSError: there is no room for a copy.
        :raises LostError, Unavailable: see :meth:`read`.
        """
        with tempfile.TemporaryFile() as copy:
            for piece in self.read(file, 0, file['size']):
                copy.write(piece)
            copy.seek(0)
            yield copy

    def url(self, file: Document, disposition: str, *, head: bool) -> str:
        """Return a URL at which a client downloads ``file`` from the store; only for stores with :attr:`has_urls`.

        :param disposition: the ``Content-Disposition`` of the response.
        :param head: the client sends ``HEAD`` instead of ``GET``.
        """
        raise TypeError(f'No client can download {file["name"]} from {self} ({disposition}, {head=}).')

    # Uploads

    def capacityInfo(self) -> Document:
        """Return how many bytes are ``free`` for uploads, and ``total``; ``None`` if unknown (Girder's method)."""
        return {'free': None, 'total': None}

    def complete(self, upload: Document) -> None:
        """Check, before ``upload`` becomes a file, that all its bytes have arrived.

        Stores to which clients send bytes directly override this: they look there, and set the checksum in ``upload``.

        :raises ValidationException: bytes are missing.
        """
        if upload['received'] != upload['size']:
            raise ValidationException(f'Only {upload["received"]} of {upload["size"]} bytes of "{upload["name"]}" have '
                                      'arrived.')

    @abstractmethod
    def uploadChunk(self, upload: Document, chunk: Any, uploadExtraParameters: Any) -> Document:
        """Append ``chunk``, a stream, to ``upload``, and return it as it is then (Girder's method)."""

    @abstractmethod
    def finalizeUpload(self, upload: Document, file: Document) -> Document:
        """Store the bytes of ``upload`` durably, and return ``file`` with their place and checksum (Girder's method).

        It may be called again after a failure.
        """

    @abstractmethod
    def cancelUpload(self, upload: Document) -> None:
        """Remove what has arrived of ``upload``, which is not complete (Girder's method)."""

    @abstractmethod
    def discard(self, upload: Document) -> None:
        """Remove the bytes that ``finalizeUpload`` stored for ``upload``, unless a file or another upload has them.

        The document of ``upload`` is already removed.
        """

    # Deletion

    def delete(self, file: Document, forget: Callable[[], None]) -> None:
        """Remove the bytes of ``file`` unless another file has them, and its document with ``forget``.

        A store decides on the order: whatever fails must leave either a document that is deleted again later, or
        bytes that the doctor finds.

        :raises Unavailable: the store cannot be reached; nothing has changed.
        """
        self.require_writable()
        forget()
        self.deleteFile(file)

    @abstractmethod
    def deleteFile(self, file: Document) -> None:
        """Remove the bytes of ``file`` unless another file has them (Girder's method)."""

    # Checks by the doctor

    @abstractmethod
    def place(self, file: Document) -> str:
        """Return the path or URL of the bytes of ``file``, for people."""

    @abstractmethod
    def size(self, file: Document) -> int | None:
        """Return how many bytes the store has of ``file``, ``None`` if it has no such object."""

    def sizes(self) -> Callable[[Document], int | None]:
        """Return a function like :meth:`size` for checks of all files; a remote store lists its objects once.

        :raises Unavailable: the store cannot be reached.
        :raises BadGateway: the store refuses the request.
        """
        return self.size

    def sha512(self, file: Document) -> str:
        """Return the SHA-512 of the bytes that the store has of ``file``, see :meth:`digest`."""
        return self.digest(file, 'sha512')

    def digest(self, file: Document, algorithm: str) -> str:
        """Return the checksum of the bytes that the store has of ``file``, as hexadecimal digits; reads all of them.

        :raises LostError: the store does not have them.
        :raises Unavailable: the store cannot be reached.
        """
        digest = hashlib.new(algorithm)
        for piece in self.read(file, 0, file['size']):
            digest.update(piece)
        return digest.hexdigest()

    def leftovers(self, age: timedelta) -> Iterator[Leftover]:  # noqa: ARG002 - for stores that override it
        """Yield what unfinished uploads have left, older than ``age`` and without an upload's document."""
        return iter(())

    def remove_leftovers(self, age: timedelta) -> None:
        """Remove :meth:`leftovers`; the server calls this every ten minutes."""
        for leftover in self.leftovers(age):
            if leftover.remove:
                leftover.remove()

    def unused(self, age: timedelta) -> Iterator[Leftover]:  # noqa: ARG002 - for stores that override it
        """Yield stored bytes, older than ``age``, that no file and no upload refers to."""
        return iter(())
