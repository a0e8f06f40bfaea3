"""The data version: one small read shows whether anything that lists contain has changed, in any server process.

The collection ``slicer_package_change`` has one document with the version. How cached responses stay correct:

1. Each write to Girder's folders, items, files, collections and settings bumps the version, whether it comes from this
   plugin, from Girder or from another plugin. Many writes trigger no event, so :class:`Watched` replaces the
   collections of Girder's models.
2. A write is complete, and its response is sent, after the version is bumped (:func:`announce`).
3. A reader reads the version first and the data after it. So the data is at least as new as the version.
4. A response that was cached with a version is valid while the database has that version.
"""
from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import pymongo
from bson.objectid import ObjectId
from girder.models.collection import Collection as GirderCollection
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.model_base import Model
from girder.models.setting import Setting
from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.schema.types import Document

ID = 'lists'
#: Seconds that the database may take to bump the version.
_PATIENCE = 5
#: Seconds between attempts to bump the version after a failure.
_PAUSE = 0.2
_WRITES = ('insert_one', 'insert_many', 'update_one', 'update_many', 'replace_one', 'delete_one', 'delete_many',
           'find_one_and_update', 'find_one_and_replace', 'find_one_and_delete', 'bulk_write', 'drop')


class Change(Model):  # type: ignore[misc]  # Girder has no types
    """The collection ``slicer_package_change``: one document, with the version."""

    def initialize(self) -> None:
        """Set the name of the collection."""
        self.name = 'slicer_package_change'

    def validate(self, doc: Document) -> Document:
        """Accept any document: only :func:`announce` writes here."""
        return doc


class Watched(Collection[Document]):
    """A collection whose writes bump the version."""


def _bumping(name: str) -> Callable[..., Any]:
    write = getattr(Collection, name)

    @wraps(write)
    def bumping(self: Watched, *args: Any, **kwargs: Any) -> Any:  # those of pymongo's method
        try:
            return write(self, *args, **kwargs)
        finally:  # a write that failed may have been carried out
            _bump()
    return bumping


for _name in _WRITES:
    setattr(Watched, _name, _bumping(_name))

#: Runs a function once before the response to the current request; returns ``False`` if there is no request.
_later: Callable[[Callable[[], None]], bool] = lambda _: False  # noqa: E731 - replaced by watch()


def version() -> ObjectId | None:
    """The current data version; ``None`` if nothing was ever written."""
    found = primary().find_one({'_id': ID})
    return found['version'] if found else None


@lru_cache(maxsize=1)
def primary() -> Collection[Document]:
    """The collection of the version, read from the primary: a secondary may be behind."""
    collection: Collection[Document] = Change().collection
    return collection.with_options(read_preference=ReadPreference.PRIMARY)


def announce() -> None:
    """Bump the data version. If that fails, a thread bumps it as soon as the database is available.

    :raises pymongo.errors.PyMongoError: the database does not accept the write now.
    """
    try:
        _write_version()
    except PyMongoError:
        _missed.put()
        raise


def _write_version() -> None:
    with pymongo.timeout(_PATIENCE):
        Change().collection.update_one({'_id': ID}, {'$set': {'version': ObjectId()}}, upsert=True)


class _Missed:
    """Writes after which the version could not be bumped, since the database became unreachable.

    The client gets an error, and may not try again. Other clients may read what was written, but not in cached lists.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waits = self._works = False

    def put(self) -> None:
        """Bump the version in the background, as soon as the database is available."""
        with self._lock:
            self._waits = True
            if self._works:
                return
            self._works = True
        threading.Thread(target=self._work, name='missed-changes', daemon=True).start()

    def _taken(self) -> bool:
        with self._lock:
            taken, self._waits = self._waits, False
            self._works = taken
            return taken

    def _work(self) -> None:
        while self._taken():
            try:
                _write_version()
            except PyMongoError:
                self._waits = True
                threading.Event().wait(_PAUSE)


_missed = _Missed()


def _bump() -> None:
    if not _later(announce):
        announce()


def watch(later: Callable[[Callable[[], None]], bool]) -> None:
    """Bump the version after each write from now on, and once now. Idempotent.

    A process that was killed may have written without bumping the version.

    :param later: runs a function once before the response to the current request, so that a request with many writes
        bumps the version once; returns ``False`` if there is no request.
    """
    global _later  # noqa: PLW0603 - one for the process, as there is one instance of each model
    _later = later
    for model in (Item(), Folder(), File(), GirderCollection(), Setting()):
        if not isinstance(model.collection, Watched):
            model.collection = _watched(model.collection)
    announce()


def _watched(collection: Collection[Document]) -> Watched:
    return Watched(collection.database, collection.name, codec_options=collection.codec_options,
                   read_preference=collection.read_preference, write_concern=collection.write_concern,
                   read_concern=collection.read_concern)
