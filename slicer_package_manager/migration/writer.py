"""Writes to the database of this server: only what differs, and never over what was changed here.

1. A caller adds the documents as they are to be (:meth:`Writer.store`).
2. The writer reads those that are there, and decides for each: it is new, it is the same, it has changed at the source
   since it was written, or it has changed here; see :mod:`verdicts`.
3. Changes of an application that this server lists already are collected. :meth:`Writer.finish` writes them in one
   transaction, so that a list is the old or the complete one. If they are too many, those in one folder are written in
   one, so that this is so for the list of each release or draft. All other changes are written at once.
4. Two documents never have one name or identity (:mod:`claims`). One that gives up its own to another one loses its
   registration before the writes that give it a new one. One that stays as it is here keeps its own.
5. A release or draft that was deleted at the source gives up its name and its revision to another one: the transaction
   that gives them to that one deletes it (:meth:`Writer.leave`).
6. The journal notes what is written, in the same transaction. A process that is killed before its end repeats it.
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from pymongo import InsertOne, UpdateOne
from pymongo.collection import Collection as AnyCollection
from pymongo.errors import BulkWriteError

from slicer_package_manager.migration import claims
from slicer_package_manager.migration.changes import WITHOUT_REGISTRATION, Change, operations, parts
from slicer_package_manager.migration.claims import Claim
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase, batches
from slicer_package_manager.migration.journal import Journal, digest
from slicer_package_manager.migration.notes import Note, Report
from slicer_package_manager.migration.verdicts import REFUSALS, Verdict, refusal, verdict
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import keys

#: Deletes a folder with all that is in it, and returns notes on that.
Remove: TypeAlias = Callable[[Document], list[Note]]
#: Collections whose documents have the size of what is in them, which :mod:`sizes` adds up at the end.
_SUMMED = ('collection', 'user', 'folder')
#: What a document of each collection is called in the totals of the report.
NAMES = {'user': 'users', 'group': 'groups', 'collection': 'collections', 'api_key': 'API keys', 'token': 'sessions',
         'assetstore': 'assetstores', 'folder': 'folders', 'item': 'items', 'file': 'files'}


class Writer:
    """Writes to ``database``; see the module.

    :param journal: that of the source.
    :param own: the source is the same database.
    :param again: take what was deleted here.
    """

    def __init__(self, database: AnyDatabase, report: Report, journal: Journal, *, dry: bool = False,
                 own: bool = False, again: bool = False) -> None:
        self._database, self._report, self._dry, self._own, self._again = database, report, dry, own, again
        self._journal = journal
        self._collected: list[Change] = []
        self._expected: dict[Any, Document] = {}
        self._blocked: set[Any] = set()
        self._leaving: Collection[Any] = ()
        self._thread: Executor | None = None
        self._pending: Future[None] | None = None
        self._pending_ids: set[Any] = set()
        self._remove: Remove = lambda _: []

    def here(self, collection: str, ids: Iterable[Any]) -> dict[Any, Document]:
        """Return the documents of ``collection`` that are here, by id."""
        return {one['_id']: one for some in batches(ids) for one in self._database[collection].find(
            {'_id': {'$in': some}})}

    def files_of(self, item_ids: Iterable[Any]) -> list[Document]:
        """Return the files that these items have here."""
        return [file for some in batches(item_ids) for file in self._database['file'].find({'itemId': {'$in': some}})]

    def packages_in(self, folder_id: Any, coming: Callable[[set[Any]], set[Any]]) -> dict[str, Document]:
        """Return the packages of the folder here that stay as they are, by identity.

        :param coming: returns those of the ids of items that the source has, too, in whichever folder: they become as
            they are there, unless they were changed here.
        """
        here = list(self._database['item'].find({'folderId': folder_id, keys.IDENTITY: {'$exists': True}}))
        written = self._journal.written('item', [one['_id'] for one in here])
        unchanged = {one['_id'] for one in here if one['_id'] in written and digest(one) == written[one['_id']]}
        leaving = coming(unchanged)
        return {one['spm']['identity']: one for one in here if one['_id'] not in leaving}

    def giving_up(self, ids: Collection[Any], items: Sequence[Document]) -> Iterator[Change]:
        """The changes by which those of the items ``ids`` lose their registration whose names or identities ``items``
        get.
        """
        wanted = {claim for one in items for claim in claims.of('item', one)} if ids else ()
        for owner in {one['_id']: one for one in claims.owners(self._database, 'item', wanted).values()}.values():
            if owner['_id'] in ids:
                yield Change('item', owner, {key: value for key, value in owner.items() if key != 'spm'})

    def leave(self, folders: Collection[Any], remove: Remove) -> None:
        """Note the ids of the folders here that give up their names to others, and how to delete one with all in it."""
        self._leaving, self._remove = folders, remove

    def expect(self, folders: Iterable[Document]) -> None:
        """Note what folders are to be, before any of them is judged: some give up their names to others."""
        self._expected.update((one['_id'], one) for one in folders)

    def store(self, collection: str, documents: Sequence[Document], *, later: bool = False) -> set[Any]:
        """Store ``documents`` in ``collection``; return the ids of those that are here as the source has them then."""
        changes, taken = self.judge(collection, documents)
        self.write(changes, later=later)
        return taken

    def kept(self, collection: str, documents: Sequence[Document]) -> dict[Any, Document]:
        """Return those of ``documents`` that stay as they are here, by id, as they are here."""
        return {one.after['_id']: one.before for one, what in self._verdicts(collection, documents)[0]
                if one.before and what not in (Verdict.WRITE, Verdict.SAME)}

    def judge(self, collection: str, documents: Sequence[Document]) -> tuple[list[Change], set[Any]]:
        """Decide on ``documents`` of ``collection``.

        :returns: the changes to :meth:`write`, and the ids of the documents that are here then as the source has them.
        """
        found, written = self._verdicts(collection, documents)
        self._report.add(refusal(collection, one.after, what) for one, what in found
                         if what in REFUSALS and not (what is Verdict.DELETED and collection == 'file'))
        self._confirm(collection, [one.after for one, what in found if what is Verdict.SAME], written)
        return ([one for one, what in found if what is Verdict.WRITE],
                {one.after['_id'] for one, what in found if what in (Verdict.WRITE, Verdict.SAME)})

    def _verdicts(self, collection: str, documents: Sequence[Document]
                  ) -> tuple[list[tuple[Change, Verdict]], Mapping[Any, bytes]]:
        """The verdicts on ``documents``, and what was written of them."""
        ids = [one['_id'] for one in documents]
        if not self._pending_ids.isdisjoint(ids):  # it was moved at the source meanwhile
            self._settle()
        here = self.here(collection, ids)
        written = {} if self._own else self._journal.written(collection, ids)
        if collection in _SUMMED:
            documents = [{**one, 'size': here.get(one['_id'], {}).get('size', 0)} for one in documents]
        found = [(Change(collection, here.get(one['_id']), one), self._verdict(here.get(one['_id']), one, written))
                 for one in documents]
        if collection == 'folder':
            self._block([one for one, what in found if what is Verdict.WRITE])
            found = [(one, Verdict.BLOCKED if one.after['_id'] in self._blocked else what) for one, what in found]
        return found, written

    def _verdict(self, before: Document | None, after: Document, written: Mapping[Any, bytes]) -> Verdict:
        return verdict(before, after, written.get(after['_id']), is_own=self._own, again=self._again)

    def _block(self, changes: Sequence[Change]) -> None:
        """Find the folders that cannot be written, since another one keeps the name that they are to get."""
        wanted = {claim: one.after['_id'] for one in changes for claim in one.claims}
        taken = {claim: owner for claim, owner in claims.owners(self._database, 'folder', wanted).items()
                 if owner['_id'] != wanted[claim]}
        number = -1
        while number != len(self._blocked):  # what cannot give up its name blocks others
            number = len(self._blocked)
            self._blocked.update(wanted[claim] for claim, owner in taken.items() if self._stays(owner, claim))

    def _stays(self, folder: Document, claim: Claim) -> bool:
        """Whether ``folder`` keeps what ``claim`` states."""
        identifier = folder['_id']
        if identifier in self._leaving:
            return False
        expected = self._expected.get(identifier)
        if expected is None or identifier in self._blocked or claim in claims.of('folder', expected):
            return True
        return self._verdict(folder, expected, {} if self._own else self._journal.written('folder', [identifier])
                             ) is not Verdict.WRITE

    def _confirm(self, collection: str, documents: Iterable[Document], written: Mapping[Any, bytes]) -> None:
        """Note what is here as the source has it although no migration of this source has written it so."""
        if not self._own and not self._dry:
            self._journal.note(collection, [one for one in documents
                                            if written.get(one['_id']) != digest(one)])

    def write(self, changes: Sequence[Change], *, later: bool = False) -> None:
        """Make ``changes`` now.

        :param later: collect them for :meth:`finish`.
        """
        for one in changes:
            self._report.totals[f'{NAMES[one.collection]}, new or changed'] += 1
        if later:
            self._collected += changes
            return
        self._settle()
        if self._thread and all(one.before is None for one in changes):
            self._pending_ids = {one.after['_id'] for one in changes}
            self._pending = self._thread.submit(self._write, changes)
        else:
            self._write(changes)

    @contextmanager
    def behind(self) -> Iterator[None]:
        """Within it, :meth:`write` returns before new documents are written: those of one folder while the caller
        reads the next one. All are written at its end.
        """
        with ThreadPoolExecutor(1, 'writes') as thread:
            self._thread = thread
            try:
                yield
                self._settle()
            finally:
                self._thread = self._pending = None

    def _settle(self) -> None:
        """Wait until what was to be written is written."""
        pending, self._pending = self._pending, None
        if pending:
            pending.result()

    def _write(self, changes: Sequence[Change]) -> None:
        if self._dry:
            return
        for collection in dict.fromkeys(one.collection for one in changes):  # files before items
            of_collection = [one for one in changes if one.collection == collection]
            leaving = {owner['_id'] for owner in claims.owners(
                self._database, collection, {claim for one in of_collection for claim in one.claims}).values()}
            if leaving:
                self._database[collection].update_many({'_id': {'$in': list(leaving)}}, WITHOUT_REGISTRATION)
            for some in batches(of_collection):  # each is small enough for a transaction
                transactions.run(partial(self._write_some, collection, some, leaving))

    def _write_some(self, collection: str, changes: Sequence[Change], leaving: set[Any]) -> None:
        """Make ``changes`` of ``collection``, in a transaction."""
        _make(transactions.joined(self._database[collection]), operations(changes, leaving))
        self._note(changes)

    def _note(self, changes: Sequence[Change]) -> None:
        for collection in {one.collection for one in changes} if not self._own else ():
            self._journal.note(collection, [one.after for one in changes if one.collection == collection])

    def finish(self) -> None:
        """Write what was collected, in one transaction or a few.

        :raises MigrationError: there is too much in one folder; nothing of it is written.
        """
        for part in list(parts(self._collected)) if not self._dry else ():
            try:
                refused, deleted = transactions.run(partial(self._write_part, part))
            except BulkWriteError as error:
                if not any(one['code'] == transactions.DUPLICATE for one in (error.details or {})['writeErrors']):
                    raise
                raise MigrationError('A name or an identity that a document is to get was given to another one here '
                                     'meanwhile. Run the same command again to continue.') from error
            self._report.add([*deleted, *(refusal(one.collection, one.after, Verdict.UNDECIDED) for one in refused)])
        self._collected = []

    def _write_part(self, part: Sequence[Change]) -> tuple[list[Change], list[Note]]:
        """Delete the folders that give up their names to those in ``part``, and write it; in a transaction.

        :returns: what was not written, and notes on what was deleted.
        """
        wanted = {claim for one in part if one.collection == 'folder' for claim in one.claims}
        owners = {one['_id']: one for one in claims.owners(self._database, 'folder', wanted).values()}
        deleted = [note for one in owners.values() if one['_id'] in self._leaving for note in self._remove(one)]
        written, refused = _write_part(part)
        self._note(written)
        return refused, deleted


def _write_part(part: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """Write what is here as it was when it was judged, in a transaction; return that and the rest."""
    written: list[Change] = []
    for model in (Folder(), File(), Item()):
        changes = [one for one in part if one.collection == model.name]
        now = {one['_id']: one for some in batches(one.after['_id'] for one in changes)
               for one in model.collection.find({'_id': {'$in': some}})}
        same = [one for one in changes if _is_same(one.before, now.get(one.after['_id']))]
        if same:
            wanted = {claim for one in same for claim in one.claims}
            leaving = {one.after['_id'] for one in same if wanted & claims.of(model.name, one.before)}
            if leaving:
                model.collection.update_many({'_id': {'$in': list(leaving)}}, WITHOUT_REGISTRATION)
            _make(model.collection, operations(same, leaving))
        written += same
    done = set(map(id, written))
    return written, [one for one in part if id(one) not in done]


def _make(collection: AnyCollection[Document], wanted: list[InsertOne[Document] | UpdateOne]) -> None:
    if wanted:  # a document that only gives up its registration has none
        collection.bulk_write(wanted)


def _is_same(before: Document | None, now: Document | None) -> bool:
    return before is now is None or (before is not None and now is not None and digest(before) == digest(now))
