"""The summary of an application: numbers of its releases and drafts, by a fixed number of queries."""
from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, TypeAlias

from bson.objectid import ObjectId
from girder.constants import AccessType
from girder.models.folder import Folder

from slicer_package_manager.registry.catalog import readiness
from slicer_package_manager.registry.catalog.readiness import SYSTEMS, Readiness
from slicer_package_manager.registry.downloads.counts import COUNTS, Download
from slicer_package_manager.registry.expected import present
from slicer_package_manager.registry.expected.builds import Packages, packages
from slicer_package_manager.registry.expected.present import Build
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.access import folder_clause, item_access, item_clause
from slicer_package_manager.registry.tree.registration import CHANNELS
from slicer_package_manager.registry.tree.types import ApplicationFolder, ChannelFolder, RegisteredFolder, UserDocument

#: The fields of a row.
FIELDS = ('_id', 'name', 'revision', 'version', 'built', 'description', 'created', 'updated', 'public', 'access',
          'ready', 'ready_for', 'held', 'size', 'downloads', *(f'{label}s' for label in PACKAGE_TYPES))
_READINESS_FIELDS = {'ready', 'ready_for', 'held'}
_PACKAGE_FIELDS = {'version', 'built'}
_NUMBER_FIELDS = {'size', *(f'{label}s' for label in PACKAGE_TYPES)}
_PROJECTION = ('name', 'description', 'created', 'updated', 'public', 'access', 'spm', 'meta.ready')
_NEWEST_FIRST = [('created', -1), ('_id', -1)]

#: Numbers of packages, by operating system and by architecture.
BySystem: TypeAlias = dict[str, dict[str, int]]


class Numbers:
    """How many packages of each type a release or draft has, and the bytes of all together."""

    def __init__(self) -> None:
        self.size = 0
        self.counts: dict[str, BySystem] = {label: {} for label in PACKAGE_TYPES}

    def add(self, build: Build) -> None:
        """Add what a release or draft has."""
        for label, by_system in build.items():
            for (os, arch), one in sorted(by_system.items()):
                self.counts[label].setdefault(os, {})[arch] = one.number
                self.size += one.size

    def total(self, label: str) -> int:
        """The number of packages of the type ``label`` for all systems."""
        return sum(sum(by_arch.values()) for by_arch in self.counts[label].values())


class _Facts(NamedTuple):
    """What was queried, by the id of the release or draft; empty where no requested field needs it."""

    numbers: dict[ObjectId, Numbers]
    downloads: dict[ObjectId, int]
    readiness: dict[ObjectId, Readiness]
    packages: dict[ObjectId, Packages]


def wanted(text: str | None) -> tuple[str, ...]:
    """Parse the :data:`FIELDS` in ``text``, separated by commas. An empty text means all fields.

    :raises Invalid: there is no such field.
    """
    named = {one.strip() for one in (text or '').split(',')} - {''}
    unknown = sorted(named.difference(FIELDS))
    if unknown:
        raise Invalid([('fields', f'has "{validators.shortened(unknown[0])}", which is none of {", ".join(FIELDS)}')])
    return tuple(one for one in FIELDS if one in named) or FIELDS


@transactions.atomic
def of(app: ApplicationFolder, user: UserDocument | None, limit: int, offset: int, fields: Sequence[str] = FIELDS
       ) -> Document:
    """The summary of what ``user`` may see of ``app``: all releases, one page of drafts, and totals over all drafts.

    :param limit: number of drafts on the page, 0 for all.
    :param fields: the fields of rows. Only what these need is queried.
    """
    folders: list[ChannelFolder] = list(Folder().find({
        keys.APP: app['_id'], keys.ROLE: {'$in': list(CHANNELS)},
        **folder_clause(user)}, fields=_PROJECTION, sort=_NEWEST_FIRST).batch_size(BATCH))
    facts = _facts(app, user, folders, set(fields))
    releases, drafts = ([one for one in folders if one['spm']['draft'] is draft] for draft in (False, True))
    page = drafts[offset:offset + limit] if limit else drafts[offset:]
    return {'app': _application(app, user),
            'releases': [_row(one, facts, user, fields) for one in releases],
            'drafts': [_row(one, facts, user, fields) for one in page],
            'total': {**_total(facts, fields), 'drafts': len(drafts), 'releases': len(releases)}}


def _facts(app: ApplicationFolder, user: UserDocument | None, folders: list[ChannelFolder], fields: set[str]) -> _Facts:
    return _Facts(
        numbers(app, user, folders) if fields & (_NUMBER_FIELDS | _READINESS_FIELDS) else {},
        _downloads(app, folders) if 'downloads' in fields else {},
        readiness.of_channels(app, user) if fields & _READINESS_FIELDS else {},
        packages(app, item_clause(app, user)) if fields & _PACKAGE_FIELDS else {})


def _application(app: ApplicationFolder, user: UserDocument | None) -> Document:
    return {'_id': app['_id'], 'name': app['name'], 'description': app['description'],
            'public': bool(app.get('public')), 'access': level(app, user),
            'templates': {label: app['meta'].get(package_type.template, package_type.default_template)
                          for label, package_type in PACKAGE_TYPES.items()}}


def level(folder: RegisteredFolder, user: UserDocument | None) -> int:
    """The access of ``user``, who may read ``folder``, to it: 0 to read, 1 to write, 2 to administer."""
    found: int = Folder().getAccessLevel(folder, user) if user else AccessType.READ
    return found if found > AccessType.READ else 0


@transactions.atomic
def numbers(app: ApplicationFolder, user: UserDocument | None, folders: Sequence[ChannelFolder]
            ) -> dict[ObjectId, Numbers]:
    """The packages that ``user`` may see in each of ``folders``, releases and drafts of ``app``."""
    found = {folder['_id']: Numbers() for folder in folders}
    for channel, build in present.visible(app, item_access(app, user)).items():
        if channel in found:
            found[channel].add(build)
    return found


def _downloads(app: ApplicationFolder, folders: Sequence[ChannelFolder]) -> dict[ObjectId, int]:
    """The downloads of the revision of each release and draft.

    A promotion does not change counts: downloads before it have no release. They are the release's, unless there is a
    draft of the same revision.
    """
    revisions = sorted({folder['spm']['revision'] for folder in folders})
    by_revision: dict[tuple[str, bool], int] = {}
    for row in Download().collection.aggregate([
            {'$match': {'app': app['_id'], 'kind': COUNTS, 'revision': {'$in': revisions}}},
            {'$group': {'_id': {'revision': '$revision', 'draft': {'$eq': ['$release', '']}},
                        'count': {'$sum': '$count'}}}], batchSize=BATCH):
        by_revision[row['_id']['revision'], row['_id']['draft']] = row['count']
    drafts, released = ({folder['spm']['revision'] for folder in folders if folder['spm']['draft'] is draft}
                        for draft in (True, False))
    found: dict[ObjectId, int] = {}
    for folder in folders:
        revision, draft = folder['spm']['revision'], folder['spm']['draft']
        is_shared = revision in drafts and revision in released
        found[folder['_id']] = sum(by_revision.get((revision, one), 0) for one in (False, True)
                                   if not is_shared or one is draft)
    return found


def _row(folder: ChannelFolder, facts: _Facts, user: UserDocument | None, fields: Collection[str]) -> Document:
    counted = facts.numbers.get(folder['_id']) or Numbers()
    known = facts.packages.get(folder['_id'], Packages('', set()))
    ready = facts.readiness.get(folder['_id'], Readiness(None, frozenset()))
    by_system = _ready_for(counted, ready)
    is_ready = all(one for by_arch in by_system.values() for one in by_arch.values())
    row = {'_id': folder['_id'], 'name': folder['name'], 'revision': folder['spm']['revision'],
           'version': known.version, 'built': known.built,
           **{key: folder.get(key) for key in ('description', 'created', 'updated')},
           'public': bool(folder.get('public')), 'access': level(folder, user),
           'ready': is_ready and ready.override is not False,
           'ready_for': by_system, 'held': None if ready.override is None else not ready.override,
           'size': counted.size, 'downloads': facts.downloads.get(folder['_id'], 0),
           **{f'{label}s': counts for label, counts in counted.counts.items()}}
    return {key: row[key] for key in fields}


def _ready_for(packages: Numbers, ready: Readiness) -> dict[str, dict[str, bool]]:
    """Whether a release or draft is ready for each system, of those that it has packages for or lacks packages for."""
    systems = {(os, arch) for counts in packages.counts.values() for os, by_arch in counts.items() for arch in by_arch}
    if ready.override is None:
        systems |= ready.lacking
    found: dict[str, dict[str, bool]] = {}
    for os, arch in SYSTEMS:
        if (os, arch) in systems:
            found.setdefault(os, {})[arch] = (os, arch) not in ready.lacking
    return found


def _total(facts: _Facts, fields: Collection[str]) -> dict[str, int]:
    packages = facts.numbers.values()
    sums = {**{f'{label}s': sum(one.total(label) for one in packages) for label in PACKAGE_TYPES},
            'size': sum(one.size for one in packages), 'downloads': sum(facts.downloads.values())}
    return {key: number for key, number in sums.items() if key in fields}
