"""Changes to documents of this server, and in which groups and in which order they are made."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymongo import InsertOne, UpdateOne

from slicer_package_manager.migration import claims
from slicer_package_manager.migration.claims import Claim
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.verdicts import differences
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions

#: How many changes to listed applications one transaction makes, and how many it makes at most, to one folder. Each is
#: two writes, with that of its row in the journal. The embedded MongoDB aborts a transaction after 25 seconds.
AT_ONCE, MOST_AT_ONCE = transactions.DOCUMENTS, 20_000
#: The update of a document that gives up its name or identity.
WITHOUT_REGISTRATION = {'$unset': {'spm': ''}}


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
    def claims(self) -> set[Claim]:
        """The names and identities that the document gets by it."""
        return claims.of(self.collection, self.after) - claims.of(self.collection, self.before)

    @property
    def operation(self) -> InsertOne[Document] | UpdateOne:
        """The write that makes the change."""
        if self.before is None:
            return InsertOne(self.after)
        return UpdateOne({'_id': self.after['_id']}, differences(self.before, self.after))


def parts(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield ``changes`` in parts, each for a transaction. Folders come first; those in one folder stay together.

    :raises MigrationError: there are too many in one folder.
    """
    part: list[Change] = []
    for group in _by_folder(changes) if len(changes) > AT_ONCE else [list(changes)]:
        if len(group) > MOST_AT_ONCE:
            raise MigrationError(
                f'{len(group)} changes to one release or draft that is listed already are too many for one '
                f'transaction, which may have {MOST_AT_ONCE}. Delete it here, and run the migration again.')
        if part and len(part) + len(group) > AT_ONCE:
            yield part
            part = []
        part += group
    if part:
        yield part


def _by_folder(changes: Sequence[Change]) -> Iterable[list[Change]]:
    """Group ``changes``: those of folders, and those of the items and files in each folder.

    The folders of items of which one gets the identity of the other make one group.
    """
    folders = {one.after['_id']: one.after['folderId'] for one in changes if one.collection == 'item'}
    owners = {(one.collection, claim): one for one in changes for claim in claims.of(one.collection, one.before)}
    same: dict[Any, Any] = {}
    for one in changes:
        for claim in one.claims:
            owner = owners.get((one.collection, claim))
            pair = [followed(same, _folder(each, folders)) for each in (owner, one) if each]
            if len(set(pair)) > 1:
                same[pair[0]] = pair[1]
    found: dict[Any, list[Change]] = {followed(same, None): []}
    for one in sorted(changes, key=lambda one: one.collection != 'item'):
        found.setdefault(followed(same, _folder(one, folders)), []).append(one)
    return found.values()


def _folder(change: Change, folders: Mapping[Any, Any]) -> Any:
    """The folder of an item; that of a file is that of its item. ``None`` for a folder."""
    return None if change.collection == 'folder' else folders.get(change.item, change.item)


def followed(following: Mapping[Any, Any], one: Any) -> Any:
    """What comes after ``one`` at last."""
    while one in following:
        one = following[one]
    return one


def operations(changes: Sequence[Change], leaving: set[Any]) -> list[InsertOne[Document] | UpdateOne]:
    """The writes of ``changes``, all of one collection.

    :param leaving: ids of documents that have lost their registration, since others get their names or identities.
    """
    anew = [one._replace(before=_without_registration(one.before)) if one.after['_id'] in leaving else one
            for one in changes]
    return [one.operation for one in anew if one.before is None or differences(one.before, one.after)]


def _without_registration(document: Document | None) -> Document | None:
    return document and {key: value for key, value in document.items() if key != 'spm'}
