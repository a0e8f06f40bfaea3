"""The attestation of a package's file, see :mod:`schema.attestations`.

An attestation is about bytes. It is stored with the id of the package and the SHA-512 of the bytes, and counts as long
as the file of the package has these. What replaces or removes the bytes thereby ends it, and removes its document in
the same transaction, see :func:`end`. A file that keeps its bytes when it is uploaded again, or moved to another
assetstore, keeps its attestation.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypedDict

from bson.objectid import ObjectId
from girder.models.item import Item
from pymongo import ASCENDING, IndexModel

from slicer_package_manager.registry.schema.attestations import Attestation
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, data_version, transactions
from slicer_package_manager.registry.tree import keys


class StoredAttestation(TypedDict):
    """The attestation of the bytes with the checksums ``sha512`` and ``sha256``, in the package ``item``."""

    item: ObjectId
    sha512: str
    sha256: str
    content: bytes
    media_type: str
    created: datetime


class AttestationModel(transactions.TransactionalModel):
    """Attestations in the collection ``slicer_package_attestation``; writes bump the data version."""

    stored_in = 'slicer_package_attestation'

    def reconnect(self) -> None:
        """Connect to the database."""
        super().reconnect()
        transactions.join(self, data_version.Watched)


INDEXES = [IndexModel([('item', ASCENDING), ('sha512', ASCENDING)], name='spm_attestation', unique=True)]


def of_file(item_id: ObjectId, file: Mapping[str, object]) -> StoredAttestation | None:
    """Return the attestation of ``file``, the one that readers of the package ``item_id`` get; ``None`` without one."""
    found: StoredAttestation | None = (AttestationModel().collection.find_one(
        {'item': item_id, 'sha512': file['sha512']}) if file.get('sha512') else None)
    return found


def look_up(key: str) -> list[Document]:
    """Return the stages that set ``attested``: whether the item with the id in ``key`` has attestations.

    They are written by transactions that have taken the item. So none is added as long as its lock is the same.
    """
    return [{'$lookup': {'from': AttestationModel.stored_in, 'localField': key, 'foreignField': 'item',
                         'as': 'attested'}},
            {'$set': {'attested': {'$gt': [{'$size': '$attested'}, 0]}}}]


def put(item_id: ObjectId, sha512: str, sha256: str, attestation: Attestation) -> StoredAttestation:
    """Store ``attestation`` as that of the bytes of the package ``item_id``, in a transaction that has taken it."""
    found: StoredAttestation = {
        'item': item_id, 'sha512': sha512, 'sha256': sha256, 'content': attestation.content,
        'media_type': attestation.media_type, 'created': clock.now()}
    AttestationModel().collection.replace_one({'item': item_id, 'sha512': sha512}, dict(found), upsert=True)
    return found


def end(items: Iterable[ObjectId], still: str = '') -> None:
    """Remove the attestations of the packages ``items``, except for those of bytes with the SHA-512 ``still``."""
    AttestationModel().collection.delete_many({'item': {'$in': list(items)}, 'sha512': {'$ne': still}})


def copy(copies: Mapping[ObjectId, ObjectId]) -> None:
    """Copy the attestations of packages to their copies, in the transaction that copies them.

    :param copies: the ids of the copies by those of the originals.
    """
    found = list(AttestationModel().collection.find({'item': {'$in': list(copies)}}, {'_id': 0}))
    packages = Item().collection.distinct('_id', {
        '_id': {'$in': [copies[one['item']] for one in found]}, keys.PACKAGE_TYPE: {'$exists': True}}) if found else []
    made = [{**one, 'item': copies[one['item']]} for one in found if copies[one['item']] in packages]
    if made:
        AttestationModel().collection.insert_many(made)


def lost() -> Iterator[StoredAttestation]:
    """Yield the attestations of bytes that their package does not have, without their content."""
    yield from AttestationModel().collection.aggregate([
        {'$lookup': {'from': 'item', 'localField': 'item', 'foreignField': '_id', 'as': 'of'}},
        {'$match': {'$expr': {'$not': [{'$in': ['$sha512', '$of.meta.sha512']}]}}},
        {'$project': {'content': 0, 'of': 0}}])


def remove(one: StoredAttestation) -> None:
    """Remove an attestation."""
    AttestationModel().collection.delete_one({'item': one['item'], 'sha512': one['sha512']})
