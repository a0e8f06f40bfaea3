"""What an application has, in numbers: for pages and tables, by as many queries whatever its size."""
from __future__ import annotations

from typing import Any, NamedTuple

from girder.constants import AccessType
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.catalog import readiness
from slicer_package_manager.registry.catalog.readiness import SYSTEMS, Readiness
from slicer_package_manager.registry.downloads.model import Download
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.tree import promotions
from slicer_package_manager.registry.tree.access import folder_clause, item_clause
from slicer_package_manager.registry.tree.registration import CHANNELS

#: The fields of a row.
FIELDS = ('_id', 'name', 'revision', 'description', 'created', 'updated', 'public', 'access', 'ready', 'ready_for',
          'held', 'size', 'downloads', *(f'{label}s' for label in PACKAGE_TYPES))
_ABOUT_READINESS = {'ready', 'ready_for', 'held'}
_COUNTED = {'size', *(f'{label}s' for label in PACKAGE_TYPES)}
_FIELDS = ('name', 'description', 'created', 'updated', 'public', 'access', 'spm', 'meta.ready')
_NEWEST_FIRST = [('created', -1), ('_id', -1)]


class _Facts(NamedTuple):
    """What the database told, each by the id of the release or draft; empty where it was not asked."""

    things: dict[Any, Numbers]
    downloads: dict[Any, int]
    readiness: dict[Any, Readiness]


class Numbers:
    """How many packages of each type a release or draft has, and how many bytes."""

    def __init__(self):
        self.size = 0
        self.counts: dict[str, dict[str, dict[str, int]]] = {label: {} for label in PACKAGE_TYPES}

    def add(self, thing, count, size) -> None:
        """Count ``count`` things with together ``size`` bytes."""
        by_arch = self.counts[thing['kind']].setdefault(thing['os'], {})
        by_arch[thing['arch']] = by_arch.get(thing['arch'], 0) + count
        self.size += size

    def total(self, label) -> int:
        """How many packages of the type ``label`` there are for all systems together."""
        return sum(sum(by_arch.values()) for by_arch in self.counts[label].values())


def wanted(text: str | None) -> tuple[str, ...]:
    """The :data:`FIELDS` that ``text`` names, separated by commas; all of them where it is empty.

    :raises Invalid: there is no such field.
    """
    named = {one.strip() for one in (text or '').split(',')} - {''}
    unknown = sorted(named.difference(FIELDS))
    if unknown:
        raise Invalid([('fields', f'has "{validators.shortened(unknown[0])}", which is none of {", ".join(FIELDS)}')])
    return tuple(one for one in FIELDS if one in named) or FIELDS


def of(app, user, limit, offset, fields=FIELDS) -> dict[str, Any]:
    """The summary of what ``user`` may see of ``app``, with all releases and one page of drafts.

    :param limit: at most so many drafts, 0 for all; the totals are those of all drafts.
    :param fields: those of :data:`FIELDS` that rows have; what only others need is not read.
    """
    folders = list(Folder().find({
        'spm.app': app['_id'], 'spm.role': {'$in': list(CHANNELS)}, '_id': {'$nin': promotions.emptied(app)},
        **folder_clause(user)}, fields=_FIELDS, sort=_NEWEST_FIRST).batch_size(BATCH))
    facts = _facts(app, user, folders, set(fields))
    releases, drafts = ([one for one in folders if one['spm']['draft'] is draft] for draft in (False, True))
    page = drafts[offset:offset + limit] if limit else drafts[offset:]
    return {'app': _application(app, user),
            'releases': [_row(one, facts, user, fields) for one in releases],
            'drafts': [_row(one, facts, user, fields) for one in page],
            'total': {**_total(facts, fields), 'drafts': len(drafts), 'releases': len(releases)}}


def _facts(app, user, folders, fields):
    return _Facts(
        numbers(app, user, folders) if fields & (_COUNTED | _ABOUT_READINESS) else {},
        _downloads(app, folders) if 'downloads' in fields else {},
        readiness.ready_channels(app, user) if fields & _ABOUT_READINESS else {})


def _application(app, user):
    return {'_id': app['_id'], 'name': app['name'], 'description': app['description'],
            'public': bool(app.get('public')), 'access': level(app, user),
            'templates': {label: app['meta'].get(package_type.template, package_type.default_template)
                          for label, package_type in PACKAGE_TYPES.items()}}


def level(folder, user) -> int:
    """The access that ``user``, who may read ``folder``, has to it: 0 to read, 1 to write, 2 to administer."""
    return max(AccessType.READ, Folder().getAccessLevel(folder, user)) if user else AccessType.READ


def numbers(app, user, folders) -> dict[Any, Numbers]:
    """What ``user`` may see in each of ``folders``, releases and drafts of ``app``; from an index."""
    found = {folder['_id']: Numbers() for folder in folders}
    held_by = promotions.owners(app)
    for row in Item().collection.aggregate([
            {'$match': {'spm.app': app['_id'], 'spm.kind': {'$in': list(PACKAGE_TYPES)},
                        '$and': [item_clause(app, user), promotions.anywhere(app)]}},
            {'$group': {'_id': {'channel': '$spm.channel', 'kind': '$spm.kind', 'os': '$meta.os', 'arch': '$meta.arch'},
                        'count': {'$sum': 1}, 'size': {'$sum': '$size'}}}], allowDiskUse=True, batchSize=BATCH):
        thing = row['_id']
        channel = held_by.get(thing['channel'], thing['channel'])
        if channel in found:
            found[channel].add(thing, row['count'], row['size'])
    return found


def _downloads(app, folders):
    """The downloads of the revision of each release and draft.

    Counts stay where they were counted: what was downloaded before a draft was promoted is counted without a
    release, and is the release's where no draft has its revision.
    """
    among = sorted({folder['spm']['revision'] for folder in folders})
    by_revision: dict[tuple[str, bool], int] = {}
    for row in Download().collection.aggregate([
            {'$match': {'app': app['_id'], 'kind': {'$in': list(PACKAGE_TYPES)}, 'revision': {'$in': among}}},
            {'$group': {'_id': {'revision': '$revision', 'draft': {'$eq': ['$release', '']}},
                        'count': {'$sum': '$count'}}}], batchSize=BATCH):
        by_revision[row['_id']['revision'], row['_id']['draft']] = row['count']
    drafts = {folder['spm']['revision'] for folder in folders if folder['spm']['draft']}
    released = {folder['spm']['revision'] for folder in folders if not folder['spm']['draft']}
    found = {}
    for folder in folders:
        revision, draft = folder['spm']['revision'], folder['spm']['draft']
        shared = revision in drafts and revision in released
        found[folder['_id']] = sum(by_revision.get((revision, one), 0) for one in (False, True)
                                   if not shared or one is draft)
    return found


def _row(folder, facts, user, fields):
    whole = _whole_row(folder, facts, user)
    return {key: whole[key] for key in fields}


def _whole_row(folder, facts, user):
    things = facts.things.get(folder['_id']) or Numbers()
    ready = facts.readiness.get(folder['_id'], Readiness(None, frozenset()))
    ready_for = _ready_for(things, ready)
    return {'_id': folder['_id'], 'name': folder['name'], 'revision': folder['spm']['revision'],
            **{key: folder.get(key) for key in ('description', 'created', 'updated')},
            'public': bool(folder.get('public')), 'access': level(folder, user),
            'ready': all(one for by_arch in ready_for.values() for one in by_arch.values()) and ready.word is not False,
            'ready_for': ready_for, 'held': None if ready.word is None else not ready.word,
            'size': things.size, 'downloads': facts.downloads.get(folder['_id'], 0),
            **{f'{label}s': counts for label, counts in things.counts.items()}}


def _ready_for(things, ready):
    """For each system that there is something for, or should be, whether it is ready."""
    there = {(os, arch) for counts in things.counts.values() for os, by_arch in counts.items() for arch in by_arch}
    wanted = there if ready.word is not None else there | ready.lacking
    found: dict[str, dict[str, bool]] = {}
    for os, arch in SYSTEMS:
        if (os, arch) in wanted:
            found.setdefault(os, {})[arch] = (os, arch) not in ready.lacking
    return found


def _total(facts, fields):
    things = facts.things.values()
    sums = {**{f'{label}s': sum(one.total(label) for one in things) for label in PACKAGE_TYPES},
            'size': sum(one.size for one in things), 'downloads': sum(facts.downloads.values())}
    return {key: number for key, number in sums.items() if key in fields}
