"""Tells whether anything that lists show has changed, in any server process, by one small read.

The collection ``slicer_package_change`` holds one document with a version. Each write to Girder's folders, items,
files, collections and settings gives it a new one, whoever writes: our own calls, Girder's, or a plugin. That is
seen where all of them pass, at the collections of Girder's models, since many writes have no event.

What was read from the database after the version was read is at least as new as that version. A write is complete
only when the version is new, so an answer kept with a version is never older than the last complete write as long
as the database still has that version.
"""
from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache, wraps

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

ID = 'lists'
#: How long the database may take to note a change, in seconds; the change itself may have waited for it before.
_PATIENCE = 5
#: Between attempts to announce what was missed, in seconds.
_PAUSE = 0.2
_WRITES = ('insert_one', 'insert_many', 'update_one', 'update_many', 'replace_one', 'delete_one', 'delete_many',
           'find_one_and_update', 'find_one_and_replace', 'find_one_and_delete', 'bulk_write', 'drop')


class Change(Model):
    """The collection ``slicer_package_change``: one document, with the version."""

    def initialize(self):
        """Name the collection."""
        self.name = 'slicer_package_change'

    def validate(self, doc):
        """Take ``doc`` as it is; only :func:`announce` writes here."""
        return doc


class Watched(Collection):
    """A collection whose writes are noted."""


def _noting(name):
    write = getattr(Collection, name)

    @wraps(write)
    def noting(self, *args, **kwargs):
        try:
            return write(self, *args, **kwargs)
        finally:  # a write that failed may have been done all the same
            _note()
    return noting


for _name in _WRITES:
    setattr(Watched, _name, _noting(_name))

#: Runs a function once before the answer to the current request goes out; says ``False`` if there is no request.
_later: Callable[[Callable[[], None]], bool] = lambda _: False  # noqa: E731 - replaced by watch()


def version() -> ObjectId | None:
    """The present version of all that lists show; ``None`` if nothing was ever written."""
    found = primary().find_one({'_id': ID})
    return found and found['version']


@lru_cache(maxsize=1)
def primary():
    """The collection of the version, read where it is written: a secondary may be behind."""
    return Change().collection.with_options(read_preference=ReadPreference.PRIMARY)


def announce() -> None:
    """Give the lists a new version, now; if the database does not take it, also as soon as it does.

    :raises pymongo.errors.PyMongoError: the database does not take it now.
    """
    try:
        _announce()
    except PyMongoError:
        _missed.put()
        raise


def _announce():
    with pymongo.timeout(_PATIENCE):
        Change().collection.update_one({'_id': ID}, {'$set': {'version': ObjectId()}}, upsert=True)


class _Missed:
    """What was written before the database got out of reach, and could not be announced.

    Its client is told to try again, and may not; others may read what was written, and miss it in their lists.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._waits = self._works = False

    def put(self):
        """Have it announced as soon as the database is back."""
        with self._lock:
            self._waits = True
            if self._works:
                return
            self._works = True
        threading.Thread(target=self._work, name='missed-changes', daemon=True).start()

    def _taken(self):
        with self._lock:
            taken, self._waits = self._waits, False
            self._works = taken
            return taken

    def _work(self):
        while self._taken():
            try:
                _announce()
            except PyMongoError:
                self._waits = True
                threading.Event().wait(_PAUSE)


_missed = _Missed()


def _note():
    if not _later(announce):
        announce()


def watch(later: Callable[[Callable[[], None]], bool]) -> None:
    """Note all writes from now on; may be called again.

    What another process wrote just before it was killed may not have been announced: this does.

    :param later: runs a function once before the answer to the current request goes out, so that a request that
        writes much announces it once; returns ``False`` if there is no such request.
    """
    global _later  # noqa: PLW0603 - there is one for the process, as there is one of each model
    _later = later
    for model in (Item(), Folder(), File(), GirderCollection(), Setting()):
        if not isinstance(model.collection, Watched):
            model.collection = _watched(model.collection)
    announce()


def _watched(collection):
    return Watched(collection.database, collection.name, codec_options=collection.codec_options,
                   read_preference=collection.read_preference, write_concern=collection.write_concern,
                   read_concern=collection.read_concern)
