"""When each revision of an extension was first public. What is deleted later stays known, so it is not new twice.

1. :func:`observe` runs every two minutes in each server process, and does nothing while the data version is the same.
2. It compares the names and revisions of the extensions that everyone may see with those that are known, and inserts
   the others. Only builds that have changed are read for this, see :mod:`present`.
3. A unique index keeps one document for each name and revision, whichever process inserts it first.

What is private is never recorded. What becomes public later is recorded with the time of its last update before that.
"""
from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.item import Item
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from slicer_package_manager.registry.expected import present
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import background, data_version, transactions
from slicer_package_manager.registry.tree import access, keys
from slicer_package_manager.registry.tree.registration import APPLICATION
from slicer_package_manager.registry.tree.types import ApplicationFolder

#: What an event is: the first revision of an extension, or another one.
NEW, CHANGED = 'new', 'changed'
_PAUSE = 120
_observed: data_version.Version | None = None


class EventModel(transactions.TransactionalModel):
    """Events in the collection ``slicer_package_event``.

    A document has ``app`` (id), ``kind``, ``baseName`` and ``revision`` of the extension, and ``since``. Responses
    depend on events, so writes bump the data version.
    """

    stored_in = 'slicer_package_event'

    def reconnect(self) -> None:
        """Connect to the database."""
        super().reconnect()
        transactions.join(self, data_version.Watched)


INDEXES = [
    IndexModel([('app', ASCENDING), ('baseName', ASCENDING), ('revision', ASCENDING)], name='spm_event', unique=True),
    IndexModel([('app', ASCENDING), ('baseName', ASCENDING), ('kind', ASCENDING)], name='spm_event_new', unique=True,
               partialFilterExpression={'kind': NEW}),
    IndexModel([('app', ASCENDING), ('kind', ASCENDING), ('since', DESCENDING), ('_id', DESCENDING)],
               name='spm_event_latest'),
]


def start() -> None:
    """Start a thread that observes as long as this process runs."""
    background.repeat(observe, _PAUSE, 'news',
                      'New extensions could not be recorded. The next attempt is in two minutes.')


def observe() -> None:
    """Record the revisions of extensions that everyone may see, if anything has changed since the last call."""
    global _observed  # noqa: PLW0603 - one for the process
    version = data_version.version()
    if version == _observed:
        return
    for app in Folder().find({keys.ROLE: APPLICATION, **access.folder_clause(None)}).batch_size(BATCH):
        _observe(app)
    _observed = version


def _observe(app: ApplicationFolder) -> None:
    known = set(_known(app['_id']))
    names = {name for name, _ in known}
    inserted = []
    for name, revision, since in sorted(_first_updates(app, present.revisions(app, None) - known),
                                        key=lambda row: row[2]):
        inserted.append({'app': app['_id'], 'baseName': name, 'revision': revision, 'since': since,
                         'kind': CHANGED if name in names else NEW})
        names.add(name)
    _insert(inserted)


def _known(app_id: ObjectId) -> Iterator[tuple[str, str]]:
    for event in EventModel().collection.find({'app': app_id}, {'_id': 0, 'baseName': 1, 'revision': 1}):
        yield event['baseName'], event['revision']


def _first_updates(app: ApplicationFolder, wanted: Collection[tuple[str, str]]) -> Iterator[tuple[str, str, Any]]:
    """Yield each of the names and revisions ``wanted``, with the first update of what everyone may see of it."""
    if not wanted:
        return
    names, revisions = map(sorted, map(set, zip(*wanted, strict=True)))
    for row in Item().collection.aggregate([
            {'$match': {keys.APP: app['_id'], keys.PACKAGE_TYPE: EXTENSION.label, 'meta.baseName': {'$in': names},
                        'meta.revision': {'$in': revisions}, '$and': [access.item_clause(app, None)]}},
            # The order of an index that has all of this.
            {'$sort': {'meta.baseName': 1, 'meta.revision': 1, 'updated': 1}},
            {'$group': {'_id': {'name': '$meta.baseName', 'revision': '$meta.revision'},
                        'since': {'$first': '$updated'}}}], allowDiskUse=True, batchSize=BATCH):
        if (row['_id']['name'], row['_id']['revision']) in wanted:
            yield row['_id']['name'], row['_id']['revision'], row['since']


def _insert(events: Iterable[Document]) -> None:
    """Insert ``events``; those that another process has inserted in the meantime stay as they are."""
    requests: list[UpdateOne] = [
        UpdateOne({key: event[key] for key in ('app', 'baseName', 'revision')}, {'$setOnInsert': event}, upsert=True)
        for event in events]
    if not requests:
        return
    try:
        EventModel().collection.bulk_write(requests, ordered=False)
    except BulkWriteError as error:
        # Another process has found another first revision of the same extension. The next call takes this for a change.
        if any(one['code'] != transactions.DUPLICATE for one in error.details['writeErrors']):
            raise
