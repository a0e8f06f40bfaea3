"""Builds of the application with the names of the extensions that they have, by system."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.expected import branches, present
from slicer_package_manager.registry.expected.present import System
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.revisions import revision_order
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.access import folder_clause, item_access
from slicer_package_manager.registry.tree.registration import CHANNELS
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: Extensions are built one after the other. So long after the last of them, no further one is expected.
QUIET = timedelta(hours=6)
#: When a package was built; if its metadata have no time, when it was created.
_BUILT = {'$cond': [{'$eq': [{'$type': '$meta.build_date'}, 'date']}, '$meta.build_date', '$created']}


@dataclass
class ChannelBuild:
    """A release or draft.

    :ivar branch: of the extension index; ``None`` if no extensions are expected.
    :ivar names: the extensions for each system that it has packages or extensions for.
    :ivar unfinished: the systems for which extensions are still uploaded.
    """

    revision: str
    release: str
    created: datetime
    version: str = ''
    branch: str | None = None
    names: dict[System, set[str]] = field(default_factory=dict)
    unfinished: set[System] = field(default_factory=set)


class Packages(NamedTuple):
    """The packages of a release or draft.

    :param version: of them, such as ``5.9.0-2026-11-01``; may be empty.
    :param built: when the first of them was built; ``None`` without packages.
    """

    version: str
    systems: set[System]
    built: datetime | None = None


def packages(app: ApplicationFolder, clause: Document) -> dict[ObjectId, Packages]:
    """The packages of ``app`` for which the condition ``clause`` is true, by the release or draft; one query."""
    return {row['_id']: Packages(row['version'] or '', {_system(one) for one in row['systems']}, row['built'])
            for row in Item().collection.aggregate([
                {'$match': {keys.APP: app['_id'], keys.PACKAGE_TYPE: PACKAGE.label, '$and': [clause]}},
                {'$group': {'_id': f'${keys.CHANNEL}', 'version': {'$max': '$meta.version'}, 'built': {'$min': _BUILT},
                            'systems': {'$addToSet': {'os': '$meta.os', 'arch': '$meta.arch'}}}}], batchSize=BATCH)}


def read(app: ApplicationFolder, user: UserDocument | None, names: Mapping[str, Any]) -> list[ChannelBuild]:
    """The releases and drafts that ``user`` may see, from old to new. The number of queries is fixed.

    :param names: of the branches of the extension index.
    """
    found = {folder['_id']: ChannelBuild(folder['spm']['revision'], folder['spm']['release'], folder['created'])
             for folder in Folder().find({keys.APP: app['_id'], keys.ROLE: {'$in': list(CHANNELS)},
                                          **folder_clause(user)}, fields=['spm', 'created']).batch_size(BATCH)}
    seen = item_access(app, user)
    clause = {**seen.clause, keys.HAS_FILE: True}
    for channel, known in packages(app, clause).items():
        if channel in found:
            found[channel].version = known.version
            found[channel].names = {system: set() for system in known.systems}
    for build in found.values():
        build.branch = branches.branch_of(build.version, build.release, names)
    for channel, there in present.visible(app, seen, waiting=False).items():
        for system, one in there.get(EXTENSION.label, {}).items() if channel in found else ():
            found[channel].names.setdefault(system, set()).update(one.names)
    _add_unfinished(app, clause, found)
    return sorted(found.values(), key=lambda build: (revision_order(build.revision), build.created))


def _add_unfinished(app: ApplicationFolder, clause: Document, found: Mapping[ObjectId, ChannelBuild]) -> None:
    for row in Item().collection.aggregate([
            {'$match': {keys.APP: app['_id'], keys.PACKAGE_TYPE: EXTENSION.label, '$and': [clause],
                        'created': {'$gte': clock.now() - QUIET}}},
            {'$group': {'_id': {'channel': f'${keys.CHANNEL}', 'os': '$meta.os', 'arch': '$meta.arch'}}}],
            batchSize=BATCH):
        if row['_id']['channel'] in found:
            found[row['_id']['channel']].unfinished.add(_system(row['_id']))


def _system(key: Document) -> System:
    return key['os'], key['arch']
