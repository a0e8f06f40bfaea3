"""What was deleted at the source since a migration has written it."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.migration import girder_database
from slicer_package_manager.migration.girder_database import AnyDatabase, batches
from slicer_package_manager.migration.journal import Journal, digest
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.registry.catalog import removal
from slicer_package_manager.registry.schema.types import Document

#: The kinds of documents that are deleted here: items before the folders that they are in, keys before users.
_KINDS = ('item', 'folder', 'api_key', 'token', 'user', 'group')
#: More deletions of one kind than this are done only if they are less than half of what is there.
_MANY = 20


class Deletions:
    """What ``source`` has deleted since a migration has written it.

    The source is asked once for each kind. What is here is read whenever it is asked for: it may have changed.
    """

    def __init__(self, source: AnyDatabase, here: AnyDatabase, journal: Journal) -> None:
        self._source, self._here, self._journal = source, here, journal
        self._asked = dict[str, _Gone]()

    def follow(self, *, delete: bool) -> Iterator[Note]:
        """Yield a note for each document that is here and was deleted at the source.

        :param delete: delete it here, too, unless it was changed here. Accounts are disabled instead.
        """
        whole = self.folders() if delete else set()
        for folder in self._here['folder'].find({'_id': {'$in': list(whole)}, 'parentId': {'$nin': list(whole)}}):
            yield from self.remove(folder)
        for kind in _KINDS:
            gone = self._gone(kind)
            if gone.is_doubtful and delete:
                yield Note(Outcome.UNDECIDED, kind, kind, kind, f'{len(gone.ids)} of {gone.known} are not at the '
                           'source any more; none of them is deleted here',
                           'Make sure that SOURCE is the right one, and complete.')
            for some in batches(gone.ids):
                yield from _follow(self._here, self._journal, kind, some, delete=delete and not gone.is_doubtful)

    def items(self) -> set[Any]:
        """Return the ids of the items that :meth:`follow` deletes, unless they were changed here."""
        gone = self._gone('item')
        return set() if gone.is_doubtful else set(gone.ids)

    def folders(self) -> set[Any]:
        """Return the ids of the folders that :meth:`follow` deletes with all that is in them."""
        folders = self._gone('folder')
        if folders.is_doubtful:
            return set()
        found = {one['_id']: one['parentId'] for one in self._unchanged('folder', folders.ids)}
        leaving = {one['_id'] for one in self._unchanged('item', self.items())}
        inside = [one['folderId'] for some in batches(found) for one in self._here['item'].find(
            {'folderId': {'$in': some}}, {'folderId': 1}) if one['_id'] not in leaving]
        inside += [one['parentId'] for some in batches(found) for one in self._here['folder'].find(
            {'parentId': {'$in': some}}, {'parentId': 1}) if one['_id'] not in found]
        while inside:
            inside = [found.pop(one) for one in inside if one in found]  # what these are in stays, too
        return set(found)

    def remove(self, folder: Document) -> list[Note]:
        """Delete ``folder``, one of :meth:`folders`, with all that is in it; return a note for each document."""
        inside = [folder, *girder_database.folders_below(self._here, folder['_id'])]
        items = girder_database.items_in(self._here, [one['_id'] for one in inside])
        removal.remove_folder(folder)
        return [*(_deleted('item', one) for one in items), *(_deleted('folder', one) for one in inside)]

    def _unchanged(self, kind: str, ids: Iterable[Any]) -> Iterator[Document]:
        """Yield those of the documents ``ids`` that are here as a migration has written them."""
        for some in batches(ids):
            written = self._journal.written(kind, some)
            yield from (one for one in self._here[kind].find({'_id': {'$in': some}})
                        if digest(one) in written[one['_id']])

    def _gone(self, kind: str) -> _Gone:
        if kind not in self._asked:
            known, gone = 0, list[Any]()
            for some in batches(self._journal.ids(kind)):
                known += len(some)
                there = {one['_id'] for one in self._source[kind].find({'_id': {'$in': some}}, {'_id': 1})}
                gone += [one for one in some if one not in there]
            self._asked[kind] = _Gone(gone, known)
        return self._asked[kind]


def _deleted(kind: str, document: Document) -> Note:
    return Note(Outcome.DELETED, kind, str(document['_id']), str(document['name']), 'it was deleted at the source')


class _Gone(NamedTuple):
    """The ids of the documents of one kind that the source no longer has, of so many ``known`` ones."""

    ids: list[Any]
    known: int

    @property
    def is_doubtful(self) -> bool:
        return len(self.ids) > _MANY and len(self.ids) * 2 > self.known


def _follow(here: AnyDatabase, journal: Journal, kind: str, gone: list[Any], *, delete: bool) -> Iterator[Note]:
    written, leaving = journal.written(kind, gone), list[Document]()
    for one in here[kind].find({'_id': {'$in': gone}}):
        # A token is a secret; its user is not.
        identifier = str(one['userId'] if kind == 'token' else one['_id'])
        note = partial(Note, kind=kind, id=identifier, name=str(one.get('name', one.get('login', ''))))
        if kind == 'user' and one.get('status') == 'disabled':
            continue
        if digest(one) not in written[one['_id']]:
            yield note(Outcome.UNDECIDED, reason='it was deleted at the source, and changed here',
                       remedy='Delete it here if it is not needed.')
        elif not delete or (kind == 'folder' and _has_items(one)) or kind == 'group':
            yield note(Outcome.LEFT_OUT, reason='it was deleted at the source since the run before; it is still here',
                       remedy='Run the migration again with --since-last --delete, delete it here, or keep it.')
        else:
            leaving.append(one)
            yield note(Outcome.DELETED, reason='it was deleted at the source')
    _delete(here, kind, leaving)


def _delete(here: AnyDatabase, kind: str, documents: list[Document]) -> None:
    ids = [one['_id'] for one in documents]
    if kind == 'item':  # a list is that before, or has none of them
        in_folder = itemgetter('folderId')
        for _, items in groupby(sorted(documents, key=in_folder), key=in_folder):
            removal.remove_together(items)
    elif kind == 'folder':
        for folder in documents:
            removal.remove_folder(folder)
    elif kind == 'user':
        here['user'].update_many({'_id': {'$in': ids}}, {'$set': {'status': 'disabled'}})
        here['token'].delete_many({'userId': {'$in': ids}})
    else:
        here[kind].delete_many({'_id': {'$in': ids}})


def _has_items(folder: Document) -> bool:
    """Whether something is left in ``folder`` or below it, which was not deleted at the source."""
    below = Folder().find({'parentId': folder['_id'], 'parentCollection': 'folder'})
    return bool(Item().findOne({'folderId': folder['_id']}, fields=['_id'])) or any(map(_has_items, below))
