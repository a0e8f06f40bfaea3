"""What is new, or has changed, lately: for the words that pages show with extensions.

An event counts as in :mod:`popularity`: the first time that an extension was seen, and the last time that a build which
the reader may see had another revision of it.
"""
from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from girder.models.item import Item

from slicer_package_manager.registry.news.history import CHANGED, NEW, EventModel
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import access, keys
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: For how long something is new, and has changed lately.
_PERIODS = {NEW: timedelta(days=30), CHANGED: timedelta(days=14)}


@transactions.atomic
def of_extensions(app: ApplicationFolder, user: UserDocument | None) -> dict[str, str]:
    """``new`` or ``changed`` by the names of extensions; what is new has not changed, too.

    While the first extensions of ``app`` are new themselves, nothing is. Costs at most three queries besides those for
    what ``user`` may not see.
    """
    now = clock.now()
    found = list(EventModel().collection.find(
        {'app': app['_id'], '$or': [{'kind': kind, 'since': {'$gte': now - age}} for kind, age in _PERIODS.items()]},
        batch_size=BATCH))
    changed = {(one['baseName'], one['revision']) for one in found if one['kind'] == CHANGED}
    visible = _visible(app, user, changed) if changed else set()
    kinds = {name: CHANGED for name, revision in changed if (name, revision) in visible}
    is_young = _began(app) >= now - _PERIODS[NEW]
    return kinds | {one['baseName']: NEW for one in found if one['kind'] == NEW and not is_young}


def _began(app: ApplicationFolder) -> datetime:
    """When the first extension of ``app`` was seen."""
    first = EventModel().collection.find_one({'app': app['_id'], 'kind': NEW}, sort=[('since', 1)])
    return first['since'] if first else clock.now()


def _visible(app: ApplicationFolder, user: UserDocument | None, pairs: Iterable[tuple[str, str]]
             ) -> set[tuple[str, str]]:
    """Those of the names and revisions that a build has which ``user`` may see, and others."""
    names, revisions = map(sorted, map(set, zip(*pairs, strict=True)))
    match: Document = {keys.APP: app['_id'], keys.PACKAGE_TYPE: EXTENSION.label, keys.HAS_FILE: True,
                       'meta.baseName': {'$in': names}, 'meta.revision': {'$in': revisions},
                       '$and': [access.item_clause(app, user)]}
    return {(row['_id']['name'], row['_id']['revision']) for row in Item().collection.aggregate([
        {'$match': match}, {'$sort': {'meta.baseName': 1, 'meta.revision': 1}},
        {'$group': {'_id': {'name': '$meta.baseName', 'revision': '$meta.revision'}}}], batchSize=BATCH)}
