"""The data version: one small read shows whether anything that lists contain has changed, in any server process.

The version consists of :data:`PARTS` documents of the collection ``slicer_package_change``; a new value of one of them
is a new version. Of one document only, all transactions at the same time would wait for each other.

How cached responses stay correct:

1. Each write to Girder's folders, items, files, collections, assetstores and settings bumps the version. The writer may
   be this plugin, Girder, or another plugin. Many writes trigger no event, so :class:`Watched` replaces the
   collections of Girder's models.
2. A write bumps the version before it returns (:func:`announce`). A transaction bumps it once, before its commit, or if
   other writes follow its commit, after those (:func:`after_commit`).
3. A reader reads the version first and the data after it. So the data is at least as new as the version.
4. A response that was cached with a version is valid while the database has that version.

What depends on the packages of one release or draft has a version of its own (:class:`Builds`), so that it stays valid
while only others change. The bump states which ones the writes to items concern, see :mod:`item_writes`: to ``builds``
of the same document, by the same command.
"""
from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, partial
from typing import Any, TypeAlias

import pymongo
from bson.objectid import ObjectId
from girder.models.assetstore import Assetstore
from girder.models.collection import Collection as GirderCollection
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.setting import Setting
from girder.models.upload import Upload
from girder.models.user import User
from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import background, item_writes, transactions
from slicer_package_manager.registry.server.item_writes import EVERY, NONE, Sections
from slicer_package_manager.registry.server.replacements import replaced

#: A data version, which can only be compared: the values of all parts.
Version: TypeAlias = frozenset[ObjectId]

#: How many documents the version has. Two transactions that write the same one conflict.
PARTS = 16
#: Seconds that the database may take to bump the version, for each attempt. A process that was killed in a transaction
#: may hold a part until MongoDB ends the transaction, so each attempt takes another part.
_PATIENCE = (1, 1, 3)
#: Seconds between attempts to bump the version after a failure.
_PAUSE = 0.2
_WRITES = ('insert_one', 'insert_many', 'update_one', 'update_many', 'replace_one', 'delete_one', 'delete_many',
           'find_one_and_update', 'find_one_and_replace', 'find_one_and_delete', 'bulk_write', 'drop')


class Change(transactions.TransactionalModel):
    """The parts of the version."""

    stored_in = 'slicer_package_change'


class Watched(transactions.Transactional):
    """A collection whose writes bump the version."""


def _bumping(write: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # those of pymongo's method
    try:
        return write(*args, **kwargs)
    finally:  # a write that failed may have been carried out
        bump()


for _name in _WRITES:
    setattr(Watched, _name, replaced(getattr(transactions.Transactional, _name), _bumping))


class WatchedItems(Watched):
    """The collection of items, whose writes also bump the versions of the builds that they concern."""


def _bumping_builds(sections_of: item_writes.SectionsOf, write: Callable[..., Any], items: Any, *args: Any,
                    **kwargs: Any) -> Any:
    sections = EVERY  # of a write that fails, too
    try:
        concerned = sections_of(items, args, kwargs)
        result = write(items, *args, **kwargs)
        sections = concerned(result)
        return result
    finally:
        bump(sections)


for _name in _WRITES:
    _sections_of = item_writes.BY_METHOD.get(_name, item_writes.of_any)
    setattr(WatchedItems, _name, replaced(getattr(transactions.Transactional, _name),
                                          partial(_bumping_builds, _sections_of)))


class Builds:
    """The versions in the snapshot of the current transaction: those of the data which it reads."""

    def __init__(self) -> None:
        parts = list(Change().collection.find({}))
        self.of_all = version_of(parts)
        self._parts: list[Document] = [part['builds'] for part in parts if 'builds' in part]

    def of(self, build: ObjectId) -> Version:
        """The version of a release or draft, by its id: another one after each write to its packages."""
        keys = (item_writes.section(build), *EVERY)
        return frozenset(part[key] for part in self._parts for key in keys if key in part)


def version() -> Version:
    """The current data version."""
    return version_of(primary().find({}, {'version': True}))


def version_of(parts: Iterable[Document]) -> Version:
    """The data version whose documents are ``parts``; others are skipped."""
    return frozenset(part['version'] for part in parts if 'version' in part)


@cache
def primary() -> Collection[Document]:
    """The collection of the version, read from the primary: a secondary may be behind."""
    collection: Collection[Document] = Change().collection
    return collection.with_options(read_preference=ReadPreference.PRIMARY)


def announce(sections: Sections = EVERY) -> None:
    """Bump the data version. If that fails, a thread bumps it as soon as the database is available.

    :param sections: whose packages have changed, see :mod:`item_writes`.
    :raises pymongo.errors.PyMongoError: the database does not accept the write now.
    """
    *earlier, last = _PATIENCE
    for seconds in earlier:
        with suppress(PyMongoError):
            return _write_version(sections, seconds)
    try:
        _write_version(sections, last)
    except PyMongoError:
        _missed.set()
        _start_announcing()
        raise


class _Part(threading.local):
    """The part of the version that a thread writes: others than those of the other threads of its process.

    With a part at random, a transaction would conflict with each one that has bumped the same since it began.
    """

    def __init__(self) -> None:
        self.number = next(_numbers) % PARTS


_numbers = itertools.count(random.randrange(PARTS))  # noqa: S311 - to spread the parts of processes
_part = _Part()


def _write_version(sections: Sections = EVERY, seconds: float = _PATIENCE[-1]) -> None:
    new = ObjectId()
    # Those of every build are replaced, so that all have new values.
    builds = {'builds': dict.fromkeys(EVERY, new)} if sections >= EVERY else {f'builds.{one}': new for one in sections}
    try:
        with pymongo.timeout(seconds):
            Change().collection.update_one({'_id': _part.number}, {'$set': {'version': new, **builds}}, upsert=True)
    except PyMongoError:
        _part.number = random.randrange(PARTS)  # noqa: S311 - another one
        raise


#: Set while a write is not announced, since the database became unreachable. Its client gets an error, and may not try
#: again. Other clients may read what was written, but not in cached lists.
_missed = threading.Event()


@cache
def _start_announcing() -> None:
    background.repeat(_announce_missed, _PAUSE, 'missed-changes', 'Cached lists may be outdated.')


def _announce_missed() -> None:
    _missed.wait()
    _missed.clear()
    try:
        _write_version()
    except PyMongoError:
        _missed.set()


def _write_version_of_transaction() -> None:
    _write_version(frozenset(transactions.notes(_SECTIONS)))


#: The name of the notes of a transaction about the sections that it has written.
_SECTIONS = 'sections'


def bump(sections: Sections = NONE) -> None:
    """Bump the data version before the transaction is committed; now if there is none.

    :param sections: whose packages have changed, see :mod:`item_writes`.
    """
    if transactions.before_commit(_write_version_of_transaction):
        transactions.notes(_SECTIONS).update(sections)
    else:
        announce(sections)


def after_commit(write: Callable[[], None]) -> None:
    """Call ``write`` after the commit, and bump the data version then, and not in the transaction too."""
    sections = transactions.notes(_SECTIONS) if transactions.is_open() else set()
    transactions.after_commit(partial(_announced, write, sections), instead_of=_write_version_of_transaction)


def _announced(write: Callable[[], None], sections: set[str]) -> None:
    try:
        write()
    finally:
        bump(frozenset(sections))


def watch() -> None:
    """Bump the version after each write from now on, and once now; let the models join transactions. Idempotent.

    A process that was killed may have written without bumping the version.
    """
    transactions.join(Item(), WatchedItems)
    for model in (Folder(), File(), GirderCollection(), Setting(), Assetstore()):
        transactions.join(model, Watched)
    for model in (User(), Upload()):
        transactions.join(model)
    announce()
