"""The packages and extensions that each build has: read again only for the builds that have changed.

Readiness, the summary, the popularity and the comparison with what is expected need the names of all builds, of which
the newest ones only differ from what they were a minute ago. To read all of them takes seconds in an archive of 150,000
extensions.

1. A reader reads the versions of all builds in the snapshot of its transaction, see :class:`data_version.Builds`.
2. What was read of a build at this version is that of the snapshot, whichever request has read it.
3. One query reads all other builds. Of several readers at the same time, one reads, and the others wait for it.
"""
from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from bson.objectid import ObjectId
from girder.models.item import Item

from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import data_version, transactions
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.registry.tree import access, keys
from slicer_package_manager.registry.tree.access import ItemAccess
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: An operating system and an architecture.
System: TypeAlias = tuple[str, str]


class Present(NamedTuple):
    """The packages or extensions of a build for one system.

    :param names: of them.
    :param revisions: names with revisions.
    :param number: of the items; the same as that of the names, unless an item was put there by hand.
    :param size: of all together, in bytes.
    """

    names: frozenset[str]
    revisions: frozenset[tuple[str, str]]
    number: int
    size: int


NOTHING = Present(frozenset(), frozenset(), 0, 0)

#: By the label of the package type, and by the system.
Build: TypeAlias = Mapping[str, Mapping[System, Present]]
#: By the id of the release or draft.
Builds: TypeAlias = Mapping[ObjectId, Build]


class _Known(NamedTuple):
    """What was read of a build.

    :param until: when it is read again in any case, on the clock of :func:`time.monotonic`.
    """

    build: Build
    version: data_version.Version
    until: float


#: By application, all of the last data version, and then each with the version of its build.
_ALL: VersionedCache[Builds] = VersionedCache()
_EACH: dict[ObjectId, dict[ObjectId, _Known]] = {}
#: How many names of an application are kept in a process.
_MOST = 500_000
#: The lifetime of what was read of a build, in seconds. A program that writes to the database without a new data
#: version leaves it outdated for no longer than this.
_LIFETIME = 3600
_reading = threading.Lock()


@transactions.atomic
def in_builds(app: ApplicationFolder) -> Builds:
    """What has a file in the releases and drafts of ``app``, visible to the caller or not. Costs one query or two."""
    versions = data_version.Builds()
    with _reading:
        found = _ALL.get(app['_id'], versions.of_all)
        if found is None:
            known = _brought_up_to_date(app, versions)
            found = {build: one.build for build, one in known.items()}
            size = sum(len(one.names) for build in found.values() for one in _parts(build))
            _ALL.put(app['_id'], versions.of_all, found, size, _MOST)
            _EACH[app['_id']] = known if size <= _MOST else {}
    return found


def _brought_up_to_date(app: ApplicationFolder, versions: data_version.Builds) -> dict[ObjectId, _Known]:
    now = time.monotonic()
    known = {build: one for build, one in _EACH.get(app['_id'], {}).items()
             if one.until > now and one.version == versions.of(build)}
    read = _read({keys.APP: app['_id'], keys.HAS_FILE: True, keys.CHANNEL: {'$nin': list(known)}},
                 [part for one in known.values() for part in _parts(one.build)])
    for build, one in read.items():
        # At different times, so that not all are read again at once.
        until = now + random.uniform(_LIFETIME / 2, _LIFETIME)  # noqa: S311
        known[build] = _Known(one, versions.of(build), until)
    return known


def _parts(build: Build) -> Iterator[Present]:
    return (part for by_system in build.values() for part in by_system.values())


def visible(app: ApplicationFolder, seen: ItemAccess, *, waiting: bool = True) -> Builds:
    """What a user may see in the releases and drafts of ``app``. Costs one query or two, and at most two more.

    :param seen: by the user, see :func:`access.item_access`.
    :param waiting: whether to include what has no file yet, if the user sees it.
    """
    hidden, closed = access.hidden_builds(app, seen.hidden)
    found: dict[ObjectId, Build] = {
        build: {label: by_system for label, by_system in one.items()
                if label != EXTENSION.label or build not in closed}
        for build, one in in_builds(app).items() if build not in hidden}
    if waiting and seen.waiting_in != []:
        more = _read({keys.APP: app['_id'], keys.HAS_FILE: False, '$and': [seen.clause]})
        found.update({build: _merged(found.get(build, {}), one) for build, one in more.items()})
    return found


@transactions.atomic
def revisions(app: ApplicationFolder, user: UserDocument | None) -> set[tuple[str, str]]:
    """The names of the extensions that ``user`` may see, with their revisions."""
    different = {part.revisions for build in visible(app, access.item_access(app, user)).values()
                 for part in build.get(EXTENSION.label, {}).values()}
    return set().union(*different)


def _read(match: Document, known: Iterable[Present] = ()) -> Builds:
    """Read what ``match`` selects. Most builds have the same names, so these are kept once, also with ``known``."""
    shared: dict[Any, Any] = {one: one for part in known for one in (part.names, part.revisions)}
    found: dict[ObjectId, dict[str, dict[System, Present]]] = {}
    for row in Item().collection.aggregate([
            {'$match': {keys.PACKAGE_TYPE: {'$in': list(PACKAGE_TYPES)}, **match}},
            {'$group': {'_id': {'channel': f'${keys.CHANNEL}', 'kind': f'${keys.PACKAGE_TYPE}', 'os': '$meta.os',
                                'arch': '$meta.arch'},
                        'revisions': {'$addToSet': {'name': '$meta.baseName', 'revision': '$meta.revision'}},
                        'number': {'$sum': 1}, 'size': {'$sum': '$size'}}}], allowDiskUse=True, batchSize=BATCH):
        key, revisions = row['_id'], frozenset((one['name'], one['revision']) for one in row['revisions'])
        names = frozenset(name for name, _ in revisions)
        found.setdefault(key['channel'], {}).setdefault(key['kind'], {})[key['os'], key['arch']] = Present(
            shared.setdefault(names, names), shared.setdefault(revisions, revisions), row['number'], row['size'])
    return found


def _merged(one: Build, other: Build) -> Build:
    return {label: {system: _added(one.get(label, {}).get(system, NOTHING), other.get(label, {}).get(system, NOTHING))
                    for system in {*one.get(label, {}), *other.get(label, {})}} for label in {*one, *other}}


def _added(one: Present, other: Present) -> Present:
    return Present(one.names | other.names, one.revisions | other.revisions, one.number + other.number,
                   one.size + other.size)
