"""Readiness: whether a release or draft is offered as the latest one, for each system and architecture.

A user with WRITE access can override it: the override is ``ready`` in the metadata of the folder. Without an override,
the setting ``slicer_package_manager.ready_share`` decides: this percentage of the extensions of the predecessor must
exist. So must, by the setting ``slicer_package_manager.ready_expected_share``, this percentage of the extensions that
the extension index has for the version, weighted by their tiers, if it has a branch for the version.

The predecessor for a system is the nearest earlier release or draft, of the same role, that is ready and has
extensions for the system. Earlier means a smaller revision; if not all revisions are whole numbers, it means created
before.
"""
from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple, TypeAlias

from bson.objectid import ObjectId
from girder.models.folder import Folder
from pymongo import ReturnDocument

from slicer_package_manager.registry.catalog import releases
from slicer_package_manager.registry.expected import branches, builds, present, store
from slicer_package_manager.registry.expected.present import System
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid, NotFound
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, EXTENSION, OPERATING_SYSTEMS
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, settings, transactions
from slicer_package_manager.registry.tree import access, keys
from slicer_package_manager.registry.tree.access import folder_clause
from slicer_package_manager.registry.tree.registration import CHANNELS
from slicer_package_manager.registry.tree.types import ApplicationFolder, ChannelFolder, UserDocument

#: The base names of extensions, by system.
Names: TypeAlias = dict[System, frozenset[str]]

SYSTEMS: tuple[System, ...] = tuple(product(OPERATING_SYSTEMS, ARCHITECTURES))
#: The value that removes an override.
AUTO = 'auto'


class Readiness(NamedTuple):
    """The readiness of one release or draft.

    ``override`` is ``None`` if there is none. ``lacking`` has the systems for which it is not ready.
    """

    override: bool | None
    lacking: frozenset[System]


@transactions.atomic
def not_ready(app: ApplicationFolder, user: UserDocument | None) -> set[tuple[ObjectId, str, str]]:
    """What is not offered as the latest: ``(channel, os, arch)``. Costs at most six queries.

    ``channel`` is ``spm.channel`` of items. Releases and drafts that ``user`` cannot see are not considered.
    """
    return {(channel, *system) for channel, readiness in of_channels(app, user).items()
            for system in readiness.lacking}


@transactions.atomic
def of_channels(app: ApplicationFolder, user: UserDocument | None) -> dict[ObjectId, Readiness]:
    """The readiness of each release and draft of ``app`` that ``user`` may see, by id. Costs at most six queries."""
    share, expected_share = settings.get_each(settings.READY_SHARE, settings.READY_EXPECTED_SHARE)
    folders = list(Folder().find({
        keys.APP: app['_id'], keys.ROLE: {'$in': list(CHANNELS)},
        **folder_clause(user)}, fields=(keys.DRAFT, keys.REVISION, keys.RELEASE, 'meta.ready', 'created'),
        ).batch_size(BATCH))
    extensions = _extensions(app) if share or expected_share else {}
    short = _short_of_expected(app, folders, extensions, expected_share) if expected_share else {}
    found: dict[ObjectId, Readiness] = {}
    for draft in (False, True):
        found.update(_of_role([one for one in folders if one['spm']['draft'] is draft], extensions, share, short))
    return found


def _extensions(app: ApplicationFolder) -> dict[ObjectId, Names]:
    """The base names of the extensions that can be installed, by channel."""
    return {channel: {system: one.names for system, one in build.get(EXTENSION.label, {}).items()}
            for channel, build in present.in_builds(app).items()}


def _short_of_expected(app: ApplicationFolder, folders: list[ChannelFolder], extensions: dict[ObjectId, Names],
                       share: int) -> dict[ObjectId, frozenset[System]]:
    """The systems for which each of ``folders`` has less than ``share`` percent of the expected extensions."""
    expected = store.of_app(app)
    packages = builds.packages(app, {keys.HAS_FILE: True}) if expected else {}
    found: dict[ObjectId, frozenset[System]] = {}
    for folder in folders:
        known = packages.get(folder['_id'], builds.Packages('', set()))
        branch = branches.branch_of(known.version, folder['spm']['release'], expected)
        names = extensions.get(folder['_id'], {})
        if branch:
            found[folder['_id']] = frozenset(
                system for system in {*known.systems, *names}
                if branches.share(expected[branch]['entries'], names.get(system, set())) < share)
    return found


def _of_role(folders: list[ChannelFolder], extensions: dict[ObjectId, Names], share: int,
             short: dict[ObjectId, frozenset[System]]) -> dict[ObjectId, Readiness]:
    """The readiness of ``folders``, which are either all releases or all drafts."""
    found: dict[ObjectId, Readiness] = {}
    wanted: Names = {}  # those of the predecessor
    for folder in _oldest_first(folders):
        names = extensions.get(folder['_id'], {})
        override = folder.get('meta', {}).get('ready')
        lacking = _lacking(override, names, wanted, share, short.get(folder['_id'], frozenset()))
        wanted.update({system: some for system, some in names.items() if system not in lacking})
        found[folder['_id']] = Readiness(override, lacking)
    return found


def _oldest_first(folders: list[ChannelFolder]) -> list[ChannelFolder]:
    revisions = [folder['spm']['revision'] for folder in folders]
    if all(one.isascii() and one.isdigit() for one in revisions):
        return sorted(folders, key=lambda one: (int(one['spm']['revision']), one['created'], one['_id']))
    return sorted(folders, key=lambda one: (one['created'], one['_id']))


def _lacking(override: bool | None, names: Names, wanted: Names, share: int, short: frozenset[System]
             ) -> frozenset[System]:
    if override is not None:
        return frozenset() if override else frozenset(SYSTEMS)
    return short.union(system for system, some in wanted.items() if not enough(names.get(system, ()), some, share))


def enough(names: Iterable[str], wanted: set[str] | frozenset[str], share: int) -> bool:
    """Whether ``names`` has ``share`` percent of ``wanted``."""
    return 100 * len(wanted.intersection(names)) >= share * len(wanted)


@transactions.atomic
def override(app: ApplicationFolder, place: str, identifier: str, value: str, user: UserDocument | None
             ) -> ChannelFolder:
    """Override the readiness of a release or draft, or remove the override, and return its folder.

    :param place: the role of the folder, see :mod:`registration`.
    :param identifier: its id, the name of the release in any case, or the revision of the draft.
    :param value: true, false, or ``auto`` to remove the override.
    :raises Invalid: ``value`` is none of these.
    :raises NotFound: ``user`` sees no such release or draft.
    :raises AccessException: ``user`` may not write to it.
    """
    folder = releases.find_one(app, place, identifier, user)
    if folder is None:
        raise NotFound(f'There is no {releases.LABELS[place]} "{validators.shortened(identifier)}" in "{app["name"]}".')
    access.require(access.SET_READINESS, folder, user)
    change: Document = {'$unset': {'meta.ready': ''}} if value == AUTO else {'$set': {'meta.ready': _boolean(value)}}
    change.setdefault('$set', {})['updated'] = clock.now()
    changed: ChannelFolder = Folder().collection.find_one_and_update(
        {'_id': folder['_id']}, change, return_document=ReturnDocument.AFTER)
    return changed


def _boolean(value: str) -> bool:
    try:
        return validators.boolean(value)
    except ValueError:
        raise Invalid([('ready', f'"{validators.shortened(value)}" is neither true nor false nor {AUTO}')]) from None
