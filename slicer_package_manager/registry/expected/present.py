"""The names of the extensions that each build has and that can be installed: read by one query until the data changes.

Readiness, the summary and the comparison with what is expected need the names of all builds, of which the newest one
only differs from what it was a minute ago. To read them takes seconds in an archive of 150,000 extensions.

1. A reader reads the data version in the snapshot of its transaction, and the names after it.
2. Names that were read at this version are those of the snapshot, whichever request has read them.
3. Of several readers at the same time, one reads the names, and the others wait for it.
"""
from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from bson.objectid import ObjectId
from girder.models.item import Item

from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import data_version, transactions
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.types import ApplicationFolder

#: An operating system and an architecture.
System: TypeAlias = tuple[str, str]


class Present(NamedTuple):
    """The extensions of a build for one system.

    :param names: of them.
    :param number: of the items; the same as that of the names, unless an item was put there by hand.
    """

    names: frozenset[str]
    number: int


#: By the id of the release or draft.
Builds: TypeAlias = Mapping[ObjectId, Mapping[System, Present]]

_KNOWN: VersionedCache[Builds] = VersionedCache()
#: How many names are kept in a process.
_MOST = 500_000
_reading = threading.Lock()


@transactions.atomic
def in_builds(app: ApplicationFolder) -> Builds:
    """The extensions of the releases and drafts of ``app``, visible to the caller or not. Costs one query or two."""
    version = data_version.in_snapshot()
    with _reading:
        found = _KNOWN.get(app['_id'], version)
        if found is None:
            found = _read(app)
            size = sum(len(one.names) for by_system in found.values() for one in by_system.values())
            _KNOWN.put(app['_id'], version, found, size, _MOST)
    return found


def _read(app: ApplicationFolder) -> Builds:
    found: dict[ObjectId, dict[System, Present]] = {}
    shared: dict[frozenset[str], frozenset[str]] = {}  # most builds have the same extensions
    for row in Item().collection.aggregate([
            {'$match': {keys.APP: app['_id'], keys.PACKAGE_TYPE: EXTENSION.label, keys.HAS_FILE: True}},
            {'$group': {'_id': {'channel': f'${keys.CHANNEL}', 'os': '$meta.os', 'arch': '$meta.arch'},
                        'names': {'$addToSet': '$meta.baseName'}, 'number': {'$sum': 1}}}],
            allowDiskUse=True, batchSize=BATCH):
        key, names = row['_id'], frozenset(row['names'])
        by_system = found.setdefault(key['channel'], {})
        by_system[key['os'], key['arch']] = Present(shared.setdefault(names, names), row['number'])
    return found


def are_all(clause: Document) -> bool:
    """Whether a condition for items, see :func:`access.item_clause`, is true for all extensions of :func:`in_builds`.

    So it is for the anonymous where all releases and drafts are public.
    """
    return clause == {keys.HAS_FILE: True}
