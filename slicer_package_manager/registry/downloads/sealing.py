"""Counts of private packages stay private when their folder is deleted, moved or gets another revision.

While the folder of a release or draft exists, its access decides who sees the counts of its revision; see
:mod:`access`. The transaction in which it goes inserts a *seal*: who may read the folder and the folders around it.

1. :func:`begin` and :func:`leave` insert the seal. Its id replaces that of the application in the counts, so that
   queries by application do not match.
2. A channel of years may have more counts than one transaction can change. Then the older ones are left, and ``left``
   of the seal states so. :func:`finish` moves them after the commit, and a thread calls it again in case the process
   was killed. Until then, the revision is hidden from users who may not see these counts (:func:`visibility`).
3. The transaction that inserts a count takes the folder (:func:`owner`). If the folder goes at the same moment, one of
   the two begins again. A download that ends later finds no folder, and its count belongs to the seal. This costs some
   queries, so a package that everyone could download is counted without it, before its client can ask for the count.

Counts of public packages have no seal and do not change. Counts of a draft that is promoted are the release's.
"""
from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.folder import Folder
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.downloads import rollup
from slicer_package_manager.registry.downloads.counts import CountKey, Download
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE_TYPES
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import data_version, transactions
from slicer_package_manager.registry.tree import access, keys
from slicer_package_manager.registry.tree.registration import CHANNELS, DRAFTS, EXTENSIONS, is_of_channel, role
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

logger = logging.getLogger(__name__)


class Seal(transactions.TransactionalModel):
    """Seals in the collection ``slicer_package_seal``.

    A document has the ``app`` (id), ``revision`` and ``kinds`` of its counts, ``draft`` (whether they are those of
    drafts or of releases; ``None`` is both), and the access to the folder and to each folder around it as ``guards``.
    If counts of days before ``left`` may not be moved yet, it has that.
    """

    stored_in = 'slicer_package_seal'
    indexed = ('app',)


@transactions.atomic
def begin(folder: Document) -> None:
    """Seal the counts of ``folder``, in the transaction that deletes its document, unless it is public."""
    if is_of_channel(folder):
        _seal(folder, folder['spm'])


@transactions.atomic
def leave(folder: Document, before: Document | None) -> None:
    """Seal the counts of ``folder``, and those of its extensions, if its application or revision was changed.

    To be called in the transaction that saves it, before other folders follow.

    :param before: its registration before it was saved.
    """
    after = folder.get('spm') or {}
    if before and role({'spm': before}) in CHANNELS and any(
            after.get(key) != before[key] for key in ('app', 'revision')):
        # Their folder is still registered as before.
        for extensions in list(Folder().find({'parentId': folder['_id'], keys.ROLE: EXTENSIONS})):
            _seal(extensions, extensions['spm'])
        _seal(folder, before)


def owner(key: CountKey) -> ObjectId:
    """Return the application of ``key`` or, if the folder of the package is gone, the id of its seal, if it has one.

    Takes the folder, in the transaction that inserts the count.
    """
    draft = key['release'] == ''
    roles = [EXTENSIONS] if key['kind'] == EXTENSION.label else list(CHANNELS)
    if transactions.find_for_update(Folder(), {keys.APP: key['app'], keys.REVISION: key['revision'],
                                               keys.ROLE: {'$in': roles}, keys.DRAFT: draft}):
        return key['app']
    seal: Document | None = Seal().collection.find_one({
        'app': key['app'], 'revision': key['revision'], 'kinds': key['kind'], 'draft': {'$in': [draft, None]}},
        sort=[('_id', -1)])
    return seal['_id'] if seal else key['app']


class Visibility(NamedTuple):
    """What a user sees of the counts of an application whose folders are gone.

    ``readable`` are the ids of seals, which stand for the application in these counts. ``hidden`` are revisions with
    counts that the user may not see and that are not all moved to their seal.
    """

    readable: list[ObjectId]
    hidden: list[str]


def visibility(app: ApplicationFolder, user: UserDocument | None) -> Visibility:
    """What ``user`` sees of sealed counts of ``app``. To be read after the access to folders, and before the counts."""
    found = Visibility([], [])
    public: Document = {'left': {'$exists': True}} if user is None else {}  # public counts have no seal
    for seal in Seal().collection.find({'app': app['_id'], **public}):
        if user and _is_readable(seal, user):
            found.readable.append(seal['_id'])
        elif 'left' in seal:
            found.hidden.append(seal['revision'])
    return found


def unreadable(app: ApplicationFolder, user: UserDocument | None, revisions: Collection[str]) -> list[Document]:
    """The seals of ``revisions`` of ``app`` that ``user`` may not read, for numbers that are not moved to seals."""
    if user and user['admin']:
        return []
    return [seal for seal in Seal().collection.find({'app': app['_id'], 'revision': {'$in': list(revisions)}})
            if user is None or not _is_readable(seal, user)]


def _is_readable(seal: Document, user: UserDocument) -> bool:
    return all(access.allows(access.GET_STATISTICS, guard, user) for guard in seal['guards'])


def visible_counts(app: ApplicationFolder, user: UserDocument | None) -> tuple[list[str], list[ObjectId]]:
    """The revisions of ``app`` whose counts ``user`` may not see, and the seals whose counts are visible."""
    hidden = access.hidden_revisions(app, user)
    sealed = visibility(app, user)
    return hidden + sealed.hidden, sealed.readable


def _seal(folder: Mapping[str, Any], place: Mapping[str, Any]) -> None:
    app = Folder().findOne({'_id': place['app']})
    guards = [_guard(one) for one in (folder, *_around(place), app) if one]
    if all(guard['public'] for guard in guards):
        return
    kinds = [EXTENSION.label] if place['role'] == EXTENSIONS else sorted(PACKAGE_TYPES)
    _move({'app': place['app'], 'revision': place['revision'], 'kinds': kinds,
           'draft': None if _is_promoted(place) else place['draft'], 'guards': guards}, {})
    transactions.after_commit(_try_to_finish)


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


def _move(seal: Document, days: Document) -> None:
    """Insert ``seal``, and replace the application by it in the counts of ``days`` that it selects, the newest first.

    No count of the seal has the key of one of these, since the seal is new.
    """
    seal = {**seal, '_id': ObjectId()}
    release = {} if seal['draft'] is None else {'release': ''} if seal['draft'] else {'release': {'$ne': ''}}
    found: list[Document] = []
    recent = rollup.recent()
    for count in Download().collection.find({
            'app': seal['app'], 'kind': {'$in': seal['kinds']}, 'revision': seal['revision'], **release, **days},
            sort=[('day', -1)], batch_size=rollup.COUNTS_AT_ONCE):
        if len(found) >= rollup.COUNTS_AT_ONCE and count['day'] < recent:
            seal['left'] = recent
            break
        found.append(count)
    unsummed = rollup.take_out(seal['app'], seal['revision'], found)
    Download().collection.update_many({'_id': {'$in': [count['_id'] for count in found]}},
                                      {'$set': {'app': seal['_id']}, **unsummed})
    Seal().collection.insert_one(seal)


def finish() -> None:
    """Move the counts that transactions have left to seals. Idempotent."""
    while seal := Seal().collection.find_one({'left': {'$exists': True}}, {'_id': 1}):
        _continue(seal['_id'])


def _try_to_finish() -> None:
    try:
        finish()
    except PyMongoError:
        logger.exception('Not all counts of what was deleted are sealed. The server tries again later.')


@transactions.atomic
def _continue(seal_id: ObjectId) -> None:
    """Move some of the counts that are left by a seal to a new one with the same access."""
    seal = Seal().collection.find_one_and_update({'_id': seal_id, 'left': {'$exists': True}}, {'$unset': {'left': ''}})
    if seal:
        before = seal.pop('left')
        _move(seal, {'day': {'$lt': before}})
        data_version.bump()  # the revision may be visible again
