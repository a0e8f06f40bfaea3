"""Counts of what was private stay private when its folder is deleted, moved away or gets another revision.

As long as a folder is there, it decides who sees the counts of its revision, see :mod:`access`. When it goes:

1. Right before its document is deleted, a *seal* remembers who could read it and the folders around it, and its counts
   get the id of the seal in place of that of their application. No question about the application finds them then.
2. After the deletion what was counted meanwhile is sealed too. A server that is killed in between does so at its start.
3. A download that ends still later makes a new document, since the former ones are sealed: whoever makes one looks for
   a seal.

What was public when it was deleted has no seal, and its counts stay what they were. So do those of a draft that is
promoted: they are the release's.
"""
from __future__ import annotations

from typing import Any

from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.model_base import Model
from pymongo.errors import BulkWriteError, DuplicateKeyError, WriteError

from slicer_package_manager.registry.downloads import model
from slicer_package_manager.registry.downloads.model import Download
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE_TYPES
from slicer_package_manager.registry.tree import access, promotions
from slicer_package_manager.registry.tree.registration import APPLICATION, CHANNELS, EXTENSIONS, role


class Seal(Model):
    """Seals in the collection ``slicer_package_seal``.

    A document holds the ``folder`` (id) that went, its ``app`` (id) and ``revision``, the ``kinds`` of its counts,
    whether they are those of a ``draft`` or not (``None``: both), ``guards``, the access to the folder and to each one
    around it, and ``done``.
    """

    def initialize(self):
        """Name the collection."""
        self.name = 'slicer_package_seal'
        self.ensureIndices(['app', 'folder'])

    def validate(self, doc):
        """Take ``doc`` as it is; only this module writes here."""
        return doc


def begin(folder) -> None:
    """Seal the counts of ``folder``, whose document is about to be deleted, unless everybody can read it."""
    if role(folder) not in (*CHANNELS, EXTENSIONS) or folder.get('promoted'):
        return
    # A copy that was refused has been registered in memory only.
    folder = Folder().findOne({'_id': folder['_id'], 'spm': {'$exists': True}})
    app = folder and Folder().findOne({'_id': folder['spm']['app']})
    if not folder or (app and folder['spm']['channel'] in promotions.holder(app)):
        return
    _seal(folder, folder['spm'], app)


def finish(folder) -> None:
    """Seal what was counted for ``folder`` until it was deleted."""
    for seal in Seal().collection.find({'folder': folder['_id'], 'done': False}):
        _move(seal)
        Seal().collection.update_one({'_id': seal['_id']}, {'$set': {'done': True}})


def resume() -> None:
    """Finish what a server that was killed has left."""
    for seal in Seal().collection.find({'done': False}):
        finish({'_id': seal['folder']})


def leave(folder, before) -> None:
    """Seal the counts of ``folder``, which was registered as ``before`` and is elsewhere or of another revision now."""
    after = folder.get('spm') or {}
    if before and role({'spm': before}) in CHANNELS and any(
            after.get(key) != before[key] for key in ('app', 'revision')):
        _seal(folder, before, Folder().findOne({'_id': before['app']}))
        finish(folder)


def follow(key) -> None:
    """Seal the count of ``key``, which is a new document, if what it is for has gone with a seal."""
    draft = key['release'] == ''
    seal = Seal().collection.find_one({'app': key['app'], 'revision': key['revision'], 'kinds': key['kind'],
                                       'draft': {'$in': [draft, None]}}, sort=[('_id', -1)])
    if seal is None:
        return
    roles = [EXTENSIONS] if key['kind'] == EXTENSION.label else list(CHANNELS)
    if not Folder().findOne({'spm.app': key['app'], 'spm.revision': key['revision'], 'spm.role': {'$in': roles},
                             'spm.draft': draft}, fields=['_id']):
        _move(seal)


def readable(app, user) -> list[ObjectId]:
    """The seals of ``app`` whose counts ``user`` may see, to ask for in place of the id of the application."""
    if user is None:
        return []  # what everybody can read has none
    return [seal['_id'] for seal in Seal().collection.find({'app': app['_id']})
            if user['admin'] or all(access.allows(access.GET_STATISTICS, guard, user) for guard in seal['guards'])]


def _seal(folder, place, app):
    guards = [_guard(one) for one in (*_around(folder, place), app) if one]
    if all(guard['public'] for guard in guards):
        return
    kinds = [EXTENSION.label] if place['role'] == EXTENSIONS else sorted(PACKAGE_TYPES)
    promoted = app and not place['draft'] and len(promotions.keys(app, place['channel'])) > 1
    seal: dict[str, Any] = {
        '_id': ObjectId(), 'app': place['app'], 'folder': folder['_id'], 'revision': place['revision'], 'kinds': kinds,
        'draft': None if promoted else place['draft'], 'guards': guards, 'done': False}
    Seal().collection.insert_one(seal)
    _move(seal)


def _around(folder, place):
    """``folder`` and those around it, up to its application."""
    while folder and role(folder) != APPLICATION:
        yield folder
        folder = Folder().findOne({'_id': folder['parentId'], 'spm.app': place['app']})


def _guard(folder):
    return {'_id': folder['_id'], 'public': bool(folder.get('public')), 'access': folder.get('access', {})}


def _move(seal) -> None:
    """Take the counts that ``seal`` is about from the application; may be broken off and begun again at any time."""
    release = {} if seal['draft'] is None else {'release': ''} if seal['draft'] else {'release': {'$ne': ''}}
    match = {'app': seal['app'], 'kind': {'$in': seal['kinds']}, 'revision': seal['revision'], **release}
    model.announce(seal['app'], seal['revision'])
    while Download().collection.find_one(match, {'_id': 1}):
        try:
            Download().collection.update_many(match, {'$set': {'app': seal['_id']}})
        except (DuplicateKeyError, WriteError, BulkWriteError) as error:
            if error.code != model.DUPLICATE:
                raise
            # Something is sealed for that day already.
            seal = {**seal, '_id': ObjectId(), 'done': True}
            Seal().collection.insert_one(seal)
    model.announce(seal['app'], seal['revision'])
