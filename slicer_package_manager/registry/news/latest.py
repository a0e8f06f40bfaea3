"""The latest news that everyone may see: new extensions, changed extensions, and builds of the application."""
from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from bson.objectid import ObjectId
from girder.models.item import Item

from slicer_package_manager.registry.lookup import lookup
from slicer_package_manager.registry.lookup.selection import Build, newest_first
from slicer_package_manager.registry.news.history import EventModel
from slicer_package_manager.registry.schema import contributors
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import access, keys
from slicer_package_manager.registry.tree.types import ApplicationFolder

#: How many entries are returned, and how many events are examined for them: some may be private or deleted by now.
MOST = 100
_EXAMINED = 400


class ExtensionEvent(NamedTuple):
    """A revision of an extension that everyone may see.

    :param kind: :data:`history.NEW` or :data:`history.CHANGED`.
    :param since: when it was first seen, in UTC.
    :param meta: the metadata of the newest build that has this revision.
    """

    kind: str
    name: str
    revision: str
    since: datetime
    meta: Document


class Publication(NamedTuple):
    """A release or draft, with its packages for several systems."""

    builds: list[Build]

    @property
    def since(self) -> datetime:
        """When the first of its packages was built."""
        return min(one.built for one in self.builds)

    @property
    def updated(self) -> datetime:
        """When the last of its packages was built."""
        return max(one.built for one in self.builds)


@transactions.atomic
def extension_events(app: ApplicationFolder, kind: str | None = None, name: str | None = None) -> list[ExtensionEvent]:
    """The latest events of ``app``, newest first: of all extensions, or of the one with the name ``name``.

    :param kind: :data:`history.NEW` or :data:`history.CHANGED`; by default both.
    """
    filters = {key: value for key, value in (('kind', kind), ('baseName', name)) if value is not None}
    return list(_visible(app, filters))[:MOST]


@transactions.atomic
def events_of_author(app: ApplicationFolder, author: str) -> list[ExtensionEvent]:
    """The latest events of the extensions to which ``author`` contributes, newest first."""
    names = _candidates(app, author.casefold())
    found = _visible(app, {'baseName': {'$in': names}}) if names else iter(())
    return [one for one in found if author.casefold() in _authors(one.meta)][:MOST]


def _authors(meta: Document) -> set[str]:
    return {one.casefold() for one in contributors.names(meta.get('contributors') or '')}


def _candidates(app: ApplicationFolder, author: str) -> list[str]:
    """The names of the extensions that have ``author`` in their text, also where it is not public."""
    texts = Item().collection.aggregate([
        {'$match': {keys.APP: app['_id'], keys.PACKAGE_TYPE: EXTENSION.label}},
        {'$group': {'_id': f'${keys.SEARCH}'}}], batchSize=BATCH)
    folded = {row['_id'].split('\n')[0] for row in texts if author in (row['_id'] or '')}
    names: list[str] = EventModel().collection.distinct('baseName', {'app': app['_id']}) if folded else []
    return [name for name in names if name.casefold() in folded]


def _visible(app: ApplicationFolder, filters: Document) -> Iterator[ExtensionEvent]:
    events = list(EventModel().collection.find({'app': app['_id'], **filters}).sort(
        [('since', -1), ('_id', -1)]).limit(_EXAMINED))
    newest = _newest_items(app, {event['baseName'] for event in events}, {event['revision'] for event in events})
    for event in events:
        meta = newest.get((event['baseName'], event['revision']))
        if meta:
            yield ExtensionEvent(event['kind'], event['baseName'], event['revision'], event['since'], meta)


def _newest_items(app: ApplicationFolder, names: Collection[str], revisions: Collection[str]
                  ) -> dict[tuple[str, str], Document]:
    """The metadata of the newest public item of each name and revision; at most three queries."""
    if not names:
        return {}
    rows = Item().collection.aggregate([
        {'$match': {keys.APP: app['_id'], keys.PACKAGE_TYPE: EXTENSION.label, 'meta.baseName': {'$in': list(names)},
                    'meta.revision': {'$in': list(revisions)}, '$and': [access.item_clause(app, None)]}},
        {'$group': {'_id': {'name': '$meta.baseName', 'revision': '$meta.revision'},
                    'newest': {'$max': {'created': '$created', 'id': '$_id'}}}}], allowDiskUse=True, batchSize=BATCH)
    ids: list[ObjectId] = [row['newest']['id'] for row in rows]
    found = Item().find({'_id': {'$in': ids}}, fields=['meta']).batch_size(BATCH)
    return {(item['meta']['baseName'], item['meta']['revision']): item['meta'] for item in found}


def publications(app: ApplicationFolder) -> list[Publication]:
    """The releases and drafts of ``app`` that are ready for a system, newest first."""
    found: dict[tuple[str, str], list[Build]] = {}
    for build in newest_first(build for build in lookup.builds(app, None) if build.ready):
        found.setdefault((build.release, build.revision), []).append(build)
    return [Publication(builds) for builds in found.values()][:MOST]
