"""Counts of private packages stay private when their folder is deleted, moved or gets another revision.

While the folder of a release or draft exists, its access decides who sees the counts of its revision; see
:mod:`access`.
When it goes:

1. :func:`begin`, right before its document is deleted, inserts a *seal*: who may read the folder and the folders around
   it. The id of the seal replaces that of the application in the counts, so that queries by application do not match.
2. :func:`finish`, after the deletion, does the same with counts that were added in between. If the server is killed
   before, the next start does it (:func:`resume`).
3. A download that ends later makes a new document, since the former ones are sealed. :func:`follow` then looks for a
   seal.

Counts of public packages have no seal and do not change. Counts of a draft that is promoted are the release's.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.model_base import Model
from pymongo.errors import BulkWriteError, DuplicateKeyError, WriteError

from slicer_package_manager.registry.downloads import counts
from slicer_package_manager.registry.downloads.counts import CountKey, Download
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE_TYPES
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access, keys
from slicer_package_manager.registry.tree.registration import CHANNELS, DRAFTS, EXTENSIONS, role
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument


class Seal(Model):  # type: ignore[misc]  # Girder has no types
    """Seals in the collection ``slicer_package_seal``.

    A document has the id of the deleted ``folder``, its ``app`` (id), ``revision``, the ``kinds`` of its counts,
    ``draft`` (whether they are those of drafts or of releases; ``None`` is both), the access to the folder and to each
    folder around it as ``guards``, and whether the sealing is ``done``.
    """

    def initialize(self) -> None:
        """Set the name and the indexes of the collection."""
        self.name = 'slicer_package_seal'
        self.ensureIndices(['app', 'folder'])

    def validate(self, doc: Document) -> Document:
        """Accept any document: only this module writes here."""
        return doc


def begin(folder: Document) -> None:
    """Seal the counts of ``folder``, whose document is about to be deleted, unless the folder is public."""
    if role(folder) not in (*CHANNELS, EXTENSIONS) or folder.get('promoted'):
        return
    # A copy that was refused is registered in memory only.
    stored = Folder().findOne({'_id': folder['_id'], 'spm': {'$exists': True}})
    app = stored and Folder().findOne({'_id': stored['spm']['app']})
    if not stored:
        return
    _seal(stored, stored['spm'], app)


def finish(folder_id: ObjectId) -> None:
    """Seal the counts that were added until the folder was deleted."""
    for seal in Seal().collection.find({'folder': folder_id, 'done': False}):
        _move(seal)
        Seal().collection.update_one({'_id': seal['_id']}, {'$set': {'done': True}})


def resume() -> None:
    """Finish the sealing that servers have begun and that were killed."""
    for seal in Seal().collection.find({'done': False}):
        finish(seal['folder'])


def leave(folder: Document, before: Document | None) -> None:
    """Seal the counts of ``folder``, and those of its extensions, if its application or revision was changed.

    :param before: its registration before it was saved.
    """
    after = folder.get('spm') or {}
    if before and role({'spm': before}) in CHANNELS and any(
            after.get(key) != before[key] for key in ('app', 'revision')):
        app = Folder().findOne({'_id': before['app']})
        # Their folder is still registered as before.
        for extensions in Folder().find({'parentId': folder['_id'], keys.ROLE: EXTENSIONS}):
            _seal(extensions, extensions['spm'], app)
            finish(extensions['_id'])
        _seal(folder, before, app)
        finish(folder['_id'])


def follow(key: CountKey) -> None:
    """Seal the new count with ``key`` if the folder of its package was sealed and is deleted."""
    draft = key['release'] == ''
    seal = Seal().collection.find_one({'app': key['app'], 'revision': key['revision'], 'kinds': key['kind'],
                                       'draft': {'$in': [draft, None]}}, sort=[('_id', -1)])
    if seal is None:
        return
    roles = [EXTENSIONS] if key['kind'] == EXTENSION.label else list(CHANNELS)
    if not Folder().findOne({keys.APP: key['app'], keys.REVISION: key['revision'], keys.ROLE: {'$in': roles},
                             keys.DRAFT: draft}, fields=['_id']):
        _move(seal)


def readable(app: ApplicationFolder, user: UserDocument | None) -> list[ObjectId]:
    """The ids of the seals of ``app`` whose counts ``user`` may see; they stand for the application in these counts."""
    if user is None:
        return []  # public counts have no seal
    return [seal['_id'] for seal in Seal().collection.find({'app': app['_id']})
            if all(access.allows(access.GET_STATISTICS, guard, user) for guard in seal['guards'])]


def _seal(folder: Document, place: Mapping[str, Any], app: ApplicationFolder | None) -> None:
    guards = [_guard(one) for one in (folder, *_around(place), app) if one]
    if all(guard['public'] for guard in guards):
        return
    kinds = [EXTENSION.label] if place['role'] == EXTENSIONS else sorted(PACKAGE_TYPES)
    seal: dict[str, Any] = {
        '_id': ObjectId(), 'app': place['app'], 'folder': folder['_id'], 'revision': place['revision'], 'kinds': kinds,
        'draft': None if _is_promoted(place) else place['draft'], 'guards': guards, 'done': False}
    Seal().collection.insert_one(seal)
    _move(seal)


def _is_promoted(place: Mapping[str, Any]) -> bool:
    """Whether the release with the registration ``place``, or that of these extensions, has counts of a draft."""
    release = {'_id': place['channel'], keys.PROMOTED: True}
    return bool(place.get('promoted') or Folder().findOne(release, fields=['_id']))


def _around(place: Mapping[str, Any]) -> Iterator[Document]:
    """The folders around the one with the registration ``place``, below its application; it may be elsewhere by now."""
    if place['role'] == EXTENSIONS:
        yield from Folder().find({'_id': place['channel']})
    if place['draft']:
        yield from Folder().find({keys.APP: place['app'], keys.ROLE: DRAFTS})


def _guard(folder: Mapping[str, Any]) -> Document:
    return {'_id': folder['_id'], 'public': bool(folder.get('public')), 'access': folder.get('access', {})}


def _move(seal: Document) -> None:
    """Replace the application by ``seal`` in the counts that it selects. Idempotent."""
    release = {} if seal['draft'] is None else {'release': ''} if seal['draft'] else {'release': {'$ne': ''}}
    match = {'app': seal['app'], 'kind': {'$in': seal['kinds']}, 'revision': seal['revision'], **release}
    counts.announce(seal['app'], seal['revision'])
    while Download().collection.find_one(match, {'_id': 1}):
        try:
            Download().collection.update_many(match, {'$set': {'app': seal['_id']}})
        except (DuplicateKeyError, WriteError, BulkWriteError) as error:
            if error.code != counts.DUPLICATE:
                raise
            # A count with this key is sealed already: the rest gets a seal of its own.
            seal = {**seal, '_id': ObjectId(), 'done': True}
            Seal().collection.insert_one(seal)
    counts.announce(seal['app'], seal['revision'])
