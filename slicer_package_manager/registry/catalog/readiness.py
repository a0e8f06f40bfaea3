"""Whether a release or draft is ready to be offered as the latest one, for each system and architecture.

A word on it stands in its metadata as ``ready``; who has WRITE gives it. Where nobody has said a word, the setting
``slicer_package_manager.ready_share`` decides: so many percent of the extensions of the predecessor must be there.
The predecessor is the nearest earlier one of the same sort, release or draft, that is ready itself and has extensions
for the system. Earlier means a smaller revision or, where not all revisions are whole numbers, created before.
"""
from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any, NamedTuple

from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.catalog import releases
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid, NotFound
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, EXTENSION, OPERATING_SYSTEMS
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree import access, documents, promotions
from slicer_package_manager.registry.tree.access import folder_clause
from slicer_package_manager.registry.tree.registration import CHANNELS

SYSTEMS = tuple(product(OPERATING_SYSTEMS, ARCHITECTURES))
#: The word that takes a word back.
AUTO = 'auto'


class Readiness(NamedTuple):
    """What holds for one release or draft.

    ``word`` is what somebody said, ``None`` if nobody did; ``lacking`` has the pairs of system and architecture for
    which it is not ready.
    """

    word: bool | None
    lacking: frozenset[tuple[str, str]]


def held_back(app, user) -> set[tuple[Any, str, str]]:
    """What is to be passed over where the latest is asked for: ``(channel, os, arch)``, three queries at most.

    ``channel`` is what items have as ``spm.channel``. What ``user`` cannot see plays no part.
    """
    return {(key, *system) for channel, readiness in ready_channels(app, user).items()
            for key in promotions.keys(app, channel) for system in readiness.lacking}


def ready_channels(app, user) -> dict[Any, Readiness]:
    """The readiness of each release and draft of ``app`` that ``user`` may see, by id; three queries at most."""
    share = settings.get(settings.READY_SHARE)
    folders = list(Folder().find({
        'spm.app': app['_id'], 'spm.role': {'$in': list(CHANNELS)}, '_id': {'$nin': promotions.emptied(app)},
        **folder_clause(user)}, fields=('spm.draft', 'spm.revision', 'meta.ready', 'created')).batch_size(BATCH))
    extensions = _extensions(app) if share else {}
    found = {}
    for draft in (False, True):
        found.update(_of_sort([one for one in folders if one['spm']['draft'] is draft], extensions, share))
    return found


def _extensions(app):
    """The base names of the extensions that can be installed: by channel, then by system and architecture."""
    names: dict[Any, dict[tuple[str, str], set[str]]] = {}
    held_by = promotions.owners(app)
    for row in Item().collection.aggregate([
            {'$match': {'spm.app': app['_id'], 'spm.kind': EXTENSION.label, 'spm.ready': True}},
            {'$group': {'_id': {'channel': '$spm.channel', 'os': '$meta.os', 'arch': '$meta.arch'},
                        'names': {'$addToSet': '$meta.baseName'}}}], allowDiskUse=True, batchSize=BATCH):
        thing = row['_id']
        by_system = names.setdefault(held_by.get(thing['channel'], thing['channel']), {})
        by_system.setdefault((thing['os'], thing['arch']), set()).update(row['names'])
    return names


def _of_sort(folders, extensions, share):
    found = {}
    yardstick: dict[tuple[str, str], set[str]] = {}
    for folder in _oldest_first(folders):
        mine = extensions.get(folder['_id'], {})
        word = folder.get('meta', {}).get('ready')
        lacking = _lacking(word, mine, yardstick, share)
        yardstick.update({system: names for system, names in mine.items() if system not in lacking})
        found[folder['_id']] = Readiness(word, lacking)
    return found


def _oldest_first(folders):
    revisions = [folder['spm']['revision'] for folder in folders]
    if all(one.isascii() and one.isdigit() for one in revisions):
        return sorted(folders, key=lambda one: (int(one['spm']['revision']), one['created'], one['_id']))
    return sorted(folders, key=lambda one: (one['created'], one['_id']))


def _lacking(word, mine, yardstick, share) -> frozenset[tuple[str, str]]:
    if word is not None:
        return frozenset() if word else frozenset(SYSTEMS)
    return frozenset(system for system, wanted in yardstick.items()
                     if not enough(mine.get(system, ()), wanted, share))


def enough(names: Iterable[str], wanted: set[str], share: int) -> bool:
    """Whether ``names`` has ``share`` percent of ``wanted``."""
    return 100 * len(wanted.intersection(names)) >= share * len(wanted)


def say(app, place, identifier, word, user):
    """Put ``word``, true, false or ``auto``, on a release or draft, and return its folder.

    :param place: the role of the folder, a release or the draft of a revision.
    :param identifier: its id; or the name of the release, in any case; or the revision of the draft.
    :raises Invalid: ``word`` is none of these.
    :raises NotFound: ``user`` sees no such release or draft.
    :raises AccessException: ``user`` may not write to it.
    """
    folder = releases.find_one(app, place, identifier, user)
    if folder is None:
        raise NotFound(f'There is no {releases.LABELS[place]} "{validators.shortened(identifier)}" in "{app["name"]}".')
    access.require(access.SET_READINESS, folder, user)
    change: Document = {'$unset': {'meta.ready': ''}} if word == AUTO else {'$set': {'meta.ready': _boolean(word)}}
    change.setdefault('$set', {})['updated'] = documents.now()
    Folder().collection.update_one({'_id': folder['_id']}, change)
    return Folder().findOne({'_id': folder['_id']}) or folder


def _boolean(word):
    try:
        return validators.boolean(word)
    except ValueError:
        raise Invalid([('ready', f'"{validators.shortened(word)}" is neither true nor false nor {AUTO}')]) from None
