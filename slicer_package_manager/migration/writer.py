"""Writes to the database of this server: only what differs, and never over what was changed here.

1. A caller adds the documents as they are to be (:meth:`Writer.store`).
2. The writer reads those that are there, and decides for each: it is new, it is the same, it has changed at the source
   since it was written, or it has changed here; see :func:`verdict`.
3. Changes of an application that this server lists already are collected. :meth:`Writer.finish` writes them in one
   transaction, so that a list is the old or the complete one. If they are too many, those in one folder are written in
   one, so that this is so for the list of each release or draft. All other changes are written at once.
4. The journal notes what was written, after that. A process that is killed before repeats the same writes.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from functools import partial
from typing import Any, NamedTuple

from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from pymongo import InsertOne, UpdateOne

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase, batches
from slicer_package_manager.migration.journal import Journal, Written, digest
from slicer_package_manager.migration.notes import Note, Outcome, Report
from slicer_package_manager.migration.references import PLACE
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.registration import ORIGIN

#: Collections whose documents have the size of what is in them, which :mod:`sizes` adds up at the end.
_SUMMED = ('collection', 'user', 'folder')
#: What a document of each collection is called in the totals of the report.
NAMES = {'user': 'users', 'group': 'groups', 'collection': 'collections', 'api_key': 'API keys', 'token': 'sessions',
         'assetstore': 'assetstores', 'folder': 'folders', 'item': 'items', 'file': 'files'}
#: What each server changes by itself: it is written once.
_OF_THIS_SERVER = ('lastUse',)
#: The keys that are removed from a document when the source no longer has them.
_REMOVED = ('spm', ORIGIN, 'meta', *PLACE, 'linkUrl', 'attachedToType', 'attachedToId', 'otp')
#: How many changes to listed applications one transaction makes at most.
_MOST_AT_ONCE = 20_000
_SECONDS = 50


class Verdict(Enum):
    """What to do with a document."""

    WRITE = auto()
    SAME = auto()
    #: It was changed here only, and stays.
    KEEP = auto()
    #: It was deleted here.
    DELETED = auto()
    #: It was changed here and at the source.
    UNDECIDED = auto()
    #: It is here, and no migration has written it.
    TAKEN = auto()


def verdict(before: Document | None, after: Document, written: Written | None, *, is_own: bool = False,
            again: bool = False) -> Verdict:
    """Decide on the document ``after`` of the source, of which this server has ``before``.

    :param written: what a migration wrote last; ``None`` if none did.
    :param is_own: the document of the source is the same one, which is migrated in place.
    :param again: take what was deleted here.
    """
    if before is None:
        is_deleted = written is not None and written.digest is not None and not again
        return Verdict.DELETED if is_deleted else Verdict.WRITE
    if not _differences(before, after):
        return Verdict.SAME
    if is_own or (written and digest(before) in written):
        return Verdict.WRITE
    if written is None:
        return Verdict.TAKEN
    return Verdict.KEEP if digest(after) in written else Verdict.UNDECIDED


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Document:
    """The update that makes ``before`` the same as ``after``; empty if it is. Other keys of ``before`` stay."""
    changed = {key: value for key, value in after.items()
               if key not in _OF_THIS_SERVER and (key not in before or before[key] != value)}
    removed = dict.fromkeys((key for key in _REMOVED if key in before and key not in after), '')
    if 'itemId' in after and 'beside' not in before.get('spm', ()):
        removed.pop('spm', None)  # it is about the link of the file
    return {**({'$set': changed} if changed else {}), **({'$unset': removed} if removed else {})}


class Change(NamedTuple):
    """A document of ``collection`` as it is here, ``None`` if it is not, and as it is to be."""

    collection: str
    before: Document | None
    after: Document

    @property
    def item(self) -> Any:
        """The id of the item that it is a change of, or of whose file."""
        if self.collection == 'item':
            return self.after['_id']
        return self.after.get('itemId') or self.after.get('attachedToId')

    @property
    def operation(self) -> InsertOne[Document] | UpdateOne:
        """The write that makes the change."""
        if self.before is None:
            return InsertOne(self.after)
        return UpdateOne({'_id': self.after['_id']}, _differences(self.before, self.after))


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

    def here(self, collection: str, ids: Iterable[Any]) -> dict[Any, Document]:
        """Return the documents of ``collection`` that are here, by id."""
        return {one['_id']: one for some in batches(ids) for one in self._database[collection].find(
            {'_id': {'$in': some}})}

    def files_of(self, item_ids: Iterable[Any]) -> list[Document]:
        """Return the files that these items have here."""
        return [file for some in batches(item_ids) for file in self._database['file'].find({'itemId': {'$in': some}})]

    def packages_in(self, folder_id: Any, without: set[Any]) -> dict[str, Document]:
        """Return the packages that the folder has here, by identity, but those with the ids ``without``."""
        here = self._database['item'].find({'folderId': folder_id, keys.IDENTITY: {'$exists': True}})
        return {one['spm']['identity']: one for one in here if one['_id'] not in without}

    def store(self, collection: str, documents: Sequence[Document], *, later: bool = False) -> set[Any]:
        """Store ``documents`` in ``collection``; return the ids of those that are here as the source has them then."""
        changes, taken = self.judge(collection, documents)
        self.write(changes, later=later)
        return taken

    def kept(self, collection: str, documents: Sequence[Document]) -> dict[Any, Document]:
        """Return those of ``documents`` that stay as they are here, by id, as they are here."""
        ids = [one['_id'] for one in documents]
        here = self.here(collection, ids)
        written = {} if self._own else self._journal.written(collection, ids)
        return {one['_id']: here[one['_id']] for one in documents if one['_id'] in here and verdict(
            here[one['_id']], one, written.get(one['_id']), is_own=self._own) not in (Verdict.WRITE, Verdict.SAME)}

    def judge(self, collection: str, documents: Sequence[Document]) -> tuple[list[Change], set[Any]]:
        """Decide on ``documents`` of ``collection``.

        :returns: the changes to :meth:`write`, and the ids of the documents that are here then as the source has them.
        """
        ids = [one['_id'] for one in documents]
        here = self.here(collection, ids)
        written = {} if self._own else self._journal.written(collection, ids)
        if collection in _SUMMED:
            documents = [{**one, 'size': here.get(one['_id'], {}).get('size', 0)} for one in documents]
        found = [(one, verdict(here.get(one['_id']), one, written.get(one['_id']), is_own=self._own,
                               again=self._again)) for one in documents]
        self._report.add(_refusal(collection, one, what) for one, what in found
                         if what in _REFUSALS and not (what is Verdict.DELETED and collection == 'file'))
        self._confirm(collection, [one for one, what in found if what is Verdict.SAME], written)
        changes = [Change(collection, here.get(one['_id']), one) for one, what in found if what is Verdict.WRITE]
        return changes, {one['_id'] for one, what in found if what in (Verdict.WRITE, Verdict.SAME)}

    def _confirm(self, collection: str, documents: Iterable[Document], written: Mapping[Any, Written]) -> None:
        """Note what a run has written that was killed before it could note so."""
        if not self._own and not self._dry:
            self._journal.note(collection, [one for one in documents
                                            if written.get(one['_id'], Written()).digest != digest(one)])

    def write(self, changes: Sequence[Change], *, later: bool = False) -> None:
        """Make ``changes`` now.

        :param later: collect them for :meth:`finish`.
        """
        for one in changes:
            self._report.totals[f'{NAMES[one.collection]}, new or changed'] += 1
        if later:
            self._collected += changes
        else:
            self._write(changes)

    def _write(self, changes: Sequence[Change]) -> None:
        if self._dry:
            return
        self._note(self._journal.intend, changes)
        for collection in dict.fromkeys(one.collection for one in changes):  # files before items
            self._database[collection].bulk_write(_operations(changes, collection))
        self._note(self._journal.note, changes)

    def _note(self, note: Callable[[str, list[Document]], None], changes: Sequence[Change]) -> None:
        for collection in {one.collection for one in changes} if not self._own else ():
            note(collection, [one.after for one in changes if one.collection == collection])

    def finish(self) -> None:
        """Write what was collected, in one transaction or a few.

        :raises MigrationError: there is too much in one folder; nothing of it is written.
        """
        for part in list(parts(self._collected)) if not self._dry else ():
            self._note(self._journal.intend, part)
            written, refused = transactions.run(partial(_write_part, part), _SECONDS)
            self._note(self._journal.note, written)
            self._report.add(_refusal(one.collection, one.after, Verdict.UNDECIDED) for one in refused)
        self._collected = []


def _write_part(part: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """Write what is here as it was when it was judged, in a transaction; return that and the rest."""
    written: list[Change] = []
    for model in (Folder(), File(), Item()):
        changes = [one for one in part if one.collection == model.name]
        now = {one['_id']: one for some in batches(one.after['_id'] for one in changes)
               for one in model.collection.find({'_id': {'$in': some}})}
        same = [one for one in changes if _is_same(one.before, now.get(one.after['_id']))]
        if same:
            model.collection.bulk_write(_operations(same, model.name))
        written += same
    done = set(map(id, written))
    return written, [one for one in part if id(one) not in done]


def _is_same(before: Document | None, now: Document | None) -> bool:
    return before is now is None or (before is not None and now is not None and digest(before) == digest(now))


def parts(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield ``changes`` in as few parts as transactions allow. Folders come first; those in one folder stay together.

    :raises MigrationError: there are too many in one folder.
    """
    part: list[Change] = []
    for group in _by_folder(changes) if len(changes) > _MOST_AT_ONCE else [list(changes)]:
        if len(group) > _MOST_AT_ONCE:
            raise MigrationError(
                f'{len(group)} changes to one release or draft that is listed already are too many for one '
                f'transaction, which may have {_MOST_AT_ONCE}. Delete it here, and run the migration again.')
        if len(part) + len(group) > _MOST_AT_ONCE:
            yield part
            part = []
        part += group
    if part:
        yield part


def _by_folder(changes: Iterable[Change]) -> Iterable[list[Change]]:
    """Group ``changes``: those of folders, and those of the items and files in each folder."""
    ordered = sorted(changes, key=lambda one: one.collection != 'item')  # the folder of a file is that of its item
    folders = {one.after['_id']: one.after['folderId'] for one in ordered if one.collection == 'item'}
    found: dict[Any, list[Change]] = {None: []}
    for one in ordered:
        found.setdefault(None if one.collection == 'folder' else folders.get(one.item, one.item), []).append(one)
    return found.values()


def _operations(changes: Iterable[Change], collection: str) -> list[InsertOne[Document] | UpdateOne]:
    """The writes to ``collection``; what no longer has an identity gives it up before another document gets it."""
    of_collection = [one for one in changes if one.collection == collection]
    return [one.operation for one in sorted(of_collection, key=lambda one: 'spm' in one.after)]


_REFUSALS = {
    Verdict.UNDECIDED: (
        Outcome.UNDECIDED, 'it was changed here and at the source since the migration before; the one here stays',
        'Make both the same, or delete one of them.'),
    Verdict.TAKEN: (Outcome.UNDECIDED, 'another document here has its id; it stays',
                    'Make both the same, or delete one of them.'),
    Verdict.DELETED: (Outcome.LEFT_OUT, 'it was deleted here', 'To take it again, use --take-deleted.'),
}


def _refusal(collection: str, document: Document, what: Verdict) -> Note:
    outcome, reason, remedy = _REFUSALS[what]
    name = document.get('name', document.get('login', ''))
    return Note(outcome, collection, str(document['_id']), str(name), reason, remedy)
