"""Transactions: the writes of a function take effect together, or not at all.

1. :func:`run` binds a session of the driver to the current context and calls the function. A nested call joins the
   transaction of the outer one.
2. The collections of Girder's models, once :func:`join` has replaced them, add the session to all their operations,
   also to those of Girder's own code. Reads see the database as of the first operation, and the own writes.
3. The functions of :func:`before_commit` run last in the transaction.
4. The driver commits. If another transaction has written one of the same documents since step 2, or the primary was
   lost, it rolls back and calls the function again after a pause, until :data:`SECONDS` have passed. So the function
   reads all that it needs itself, and changes nothing but the database. Where no client waits for the result, it has
   :data:`PATIENCE`, see :func:`patient`.
5. The functions of :func:`after_commit` run, outside of the transaction, each also if one before it fails. A process
   that is killed before they ran skips them, so each has something that repeats it later.

Two transactions that only read the same document do not conflict. One that relies on a folder being there, or staying
as it is, takes it by :func:`find_for_update`. Where many take the same one, they wait for their turn, see :func:`run`.

A transaction keeps others waiting, so it neither reads nor writes files or other servers: see :func:`require_none`. It
should not insert or delete more than :data:`DOCUMENTS`; longer work is cut into parts that are each consistent.
"""
from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, ClassVar, ParamSpec, TypeVar

import pymongo
from bson.objectid import ObjectId
from girder.models import getDbConnection
from girder.models.model_base import Model
from pymongo import ReadPreference, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import connections
from slicer_package_manager.registry.server.environment import DATABASE_SECONDS
from slicer_package_manager.registry.server.replacements import replaced

Result = TypeVar('Result')
Parameters = ParamSpec('Parameters')

#: How long a transaction may take with all its attempts. MongoDB aborts it after 60 seconds.
SECONDS: float = DATABASE_SECONDS
#: The same for :func:`patient` programs. A process that is killed leaves its transaction open, and what it has written
#: stays locked until MongoDB aborts it, which looks every 30 seconds for those older than 60. The driver's own limit is
#: 120.
PATIENCE = 110
#: How many documents one transaction inserts or deletes at most, with their entries in all indexes: uncommitted changes
#: have to fit into the cache of the database, of which it has 256 MB at least.
DOCUMENTS = 2000
#: MongoDB's code of the error that a unique index causes.
DUPLICATE = 11000
#: The field that :func:`find_for_update` writes; not in ``spm``, which ordinary folders and items do not have.
LOCK = 'spmLock'
#: Documents share the locks of turns: a lock for each would have to be removed again.
_TURNS = [threading.Lock() for _ in range(64)]
_OPERATIONS = ('find', 'find_raw_batches', 'aggregate', 'distinct', 'count_documents', 'insert_one', 'insert_many',
               'update_one', 'update_many', 'replace_one', 'delete_one', 'delete_many', 'find_one_and_update',
               'find_one_and_replace', 'find_one_and_delete', 'bulk_write')


class _Transaction:
    """An attempt to carry out a transaction."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session
        self.before_commit: list[Callable[[], None]] = []
        self.after_commit: list[Callable[[], None]] = []
        self.postponed: list[Callable[[], None] | None] = []
        self.notes: dict[str, set[str]] = {}


_current: ContextVar[_Transaction | None] = ContextVar('transaction', default=None)


class Transactional(Collection[Document]):
    """A collection whose operations belong to the transaction of the context, if there is one."""


def _in_session(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # those of pymongo's method
    transaction = _current.get()
    if transaction is not None:
        kwargs.setdefault('session', transaction.session)
    return operation(*args, **kwargs)


for _name in _OPERATIONS:
    setattr(Transactional, _name, replaced(getattr(Collection, _name), _in_session))


def joined(old: Collection[Document], kind: type[Transactional] = Transactional) -> Transactional:
    """``old`` as a collection of ``kind``, whose operations belong to transactions."""
    return kind(old.database, old.name, codec_options=old.codec_options, read_preference=old.read_preference,
                write_concern=old.write_concern, read_concern=old.read_concern)


def join(model: Any, kind: type[Transactional] = Transactional) -> None:  # Girder's models have no types
    """Let the operations of ``model`` belong to transactions from now on, by a collection of ``kind``. Idempotent."""
    if not isinstance(model.collection, kind):
        model.collection = joined(model.collection, kind)


class TransactionalModel(Model):  # type: ignore[misc]  # Girder has no types
    """Base class of the models of this plugin, whose operations belong to transactions from the start."""

    #: The name of the collection, and the fields of its indexes that the models create themselves.
    stored_in: ClassVar[str]
    indexed: ClassVar[Sequence[str]] = ()

    def initialize(self) -> None:
        """Set the name and the indexes of the collection (Girder's method)."""
        self.name = self.stored_in
        self.ensureIndices(self.indexed)

    def reconnect(self) -> None:
        """Connect to the database."""
        super().reconnect()
        join(self)

    def validate(self, doc: Document) -> Document:
        """Accept any document: Girder's ``save`` is not used."""
        return doc


def run(work: Callable[[], Result], seconds: float | None = None, turn: Hashable = None) -> Result:
    """Call ``work`` in a transaction, and again after a conflict; return its result.

    :param seconds: the time that all attempts may take, :data:`SECONDS` by default.
    :param turn: stands for the document that ``work`` takes. The threads of this process take it one after the other,
        so that only other processes can cause a conflict.
    :raises Exception: what ``work`` raises; then nothing was written.
    :raises pymongo.errors.PyMongoError: the database is not available, or conflicts did not end in time.
    """
    if is_open():
        return work()
    limit = seconds or SECONDS
    with _turn_of(turn), pymongo.timeout(limit):
        result, after = connections.with_sessions(partial(_committed, work), limit)
    with ExitStack() as rest:  # each is called, also after one that failed
        for function in reversed(after):
            rest.callback(function)
    return result


@contextmanager
def patient() -> Iterator[None]:
    """Within it, the transactions of this process, which serves no client, outlast that of one which was killed."""
    global SECONDS  # noqa: PLW0603 - for all threads
    before, SECONDS = SECONDS, PATIENCE
    try:
        yield
    finally:
        SECONDS = before


@contextmanager
def _turn_of(taken: Hashable) -> Iterator[None]:
    """Wait until no other thread has the turn of the document ``taken``; after :data:`SECONDS`, go on nevertheless."""
    lock = _TURNS[hash(taken) % len(_TURNS)]
    has_turn = taken is not None and lock.acquire(timeout=SECONDS)
    try:
        yield
    finally:
        if has_turn:
            lock.release()


def _committed(work: Callable[[], Result]) -> tuple[Result, list[Callable[[], None]]]:
    """Carry out a transaction; return the result of ``work`` and the functions to call now."""
    with getDbConnection().start_session() as session:
        outcome: tuple[Result, list[Callable[[], None]]] = session.with_transaction(
            lambda _: _attempt(work, session), read_concern=ReadConcern('snapshot'),
            read_preference=ReadPreference.PRIMARY)
    return outcome


def _attempt(work: Callable[[], Result], session: ClientSession) -> tuple[Result, list[Callable[[], None]]]:
    transaction = _Transaction(session)
    token = _current.set(transaction)
    try:
        result = work()
        for function in transaction.before_commit:  # which may add others
            if function not in transaction.postponed:
                function()
    finally:
        _current.reset(token)
    return result, transaction.after_commit


def atomic(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Make ``function`` run in a transaction, see :func:`run`; a decorator."""
    @wraps(function)
    def atomically(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return run(lambda: function(*args, **kwargs))
    return atomically


def is_open() -> bool:
    """Whether the current context is in a transaction."""
    return _current.get() is not None


def at_one_moment(model: Any) -> Collection[Document]:  # Girder's models have no types
    """The collection of ``model`` for a read that sees all documents as of one moment, however long it takes."""
    collection: Collection[Document] = model.collection
    return collection if is_open() else collection.with_options(read_concern=ReadConcern('snapshot'))


def before_commit(function: Callable[[], None]) -> bool:
    """Call ``function`` once before the commit, however often this is requested; ``False`` outside of a transaction."""
    transaction = _current.get()
    if transaction is None:
        return False
    if function not in transaction.before_commit:
        transaction.before_commit.append(function)
    return True


def after_commit(function: Callable[[], None], instead_of: Callable[[], None] | None = None) -> None:
    """Call ``function`` after the commit; at once outside of a transaction. It is not called after a rollback.

    :param instead_of: a function of :func:`before_commit`, which is not called then.
    """
    transaction = _current.get()
    if transaction is None:
        function()
    else:
        transaction.after_commit.append(function)
        transaction.postponed.append(instead_of)


def notes(name: str) -> set[str]:
    """What the functions of an attempt note for those of :func:`before_commit`; only in a transaction.

    :raises RuntimeError: none is open.
    """
    transaction = _current.get()
    if transaction is None:
        raise RuntimeError(f'There is no transaction for the notes "{name}".')
    return transaction.notes.setdefault(name, set())


def require_none(what: str) -> None:
    """Check that no transaction is open before ``what``, which may take long or cannot be undone.

    :raises RuntimeError: one is open, which is an error in the program.
    """
    if is_open():
        raise RuntimeError(f'{what} is not possible in a transaction; do it before, or by after_commit().')


def find_for_update(model: Any, query: Document) -> Any:  # Girder's models have no types
    """Return the document of ``model`` that matches ``query`` as it is now, ``None`` if there is none.

    No other transaction changes, deletes or takes it until this one ends. Call it before all other operations: then a
    conflict costs little. The data version stays as it is, since :data:`LOCK` is in no response.
    """
    return Transactional.find_one_and_update(  # not that of a subclass, which may bump the version
        model.collection, query, {'$set': {LOCK: ObjectId()}}, return_document=ReturnDocument.AFTER)
