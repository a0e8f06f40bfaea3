"""Which packages or extensions a list shows."""
from __future__ import annotations

import re

from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry import channels, holdings, values
from slicer_package_manager.registry.applications import object_id
from slicer_package_manager.registry.errors import Invalid
from slicer_package_manager.registry.kinds import EXTENSION
from slicer_package_manager.registry.listing import Listing
from slicer_package_manager.registry.registration import REVISION
from slicer_package_manager.registry.visibility import folder_clause, item_clause

#: The database's way to compare a tier with the wanted one.
TIER_COMPARISONS = {'lte': '$lte', 'gte': '$gte', 'exact': '$eq'}
_NOTHING = {'_id': None}


def find(kind, app, user, page, *, item_id=None, name=None, release=None, q=None, tier=None, tier_compare='lte',
         **meta) -> Listing:
    """The things of ``kind`` in ``app`` that ``user`` may see and that match all that is given.

    :param item_id: the id of one thing.
    :param name: the name of its item.
    :param release: id or name of a release, or the folder of drafts.
    :param q: words, each of which is in name, description, keywords or contributors.
    :param tier: number to compare tiers with; things without one are left out.
    :param meta: exact values of metadata.
    :raises Invalid: ``tier`` is out of range.
    """
    conditions = [
        {f'meta.{key}': value for key, value in meta.items() if value is not None},
        _of_id(item_id), {'name': name} if name is not None else {},
        _of_release(kind, app, release, meta.get(kind.app_revision), user),
        _of_search(q), _of_tier(tier, tier_compare), holdings.anywhere(app), item_clause(app, user)]
    query = {'spm.app': app['_id'], 'spm.kind': kind.label}
    found = Listing.of(Item(), {**query, '$and': [one for one in conditions if one] or [{}]}, page)
    holdings.as_held(app, found.documents)
    return found


def _of_id(item_id):
    if item_id is None:
        return {}
    return {'_id': object_id(item_id)}


def _of_release(kind, app, release, revision, user):
    if release is None:
        return {}
    if channels.is_drafts_folder(app, release):
        # The published client looks among the drafts for what it is about to upload to a release.
        elsewhere = (kind is EXTENSION and revision is not None and not Folder().findOne(
            {'spm.app': app['_id'], 'spm.role': REVISION, 'spm.revision': revision,
             '_id': {'$nin': holdings.emptied(app)}, **folder_clause(user)}, fields=['_id']))
        return {} if elsewhere else holdings.in_drafts(app)
    channel = channels.find_channel(app, release, user)
    return holdings.held_by(app, channel['_id']) if channel else _NOTHING


def _of_search(q):
    if not q:
        return {}
    if values.has_control_characters(q):
        return _NOTHING
    words = [{'spm.search': {'$regex': re.escape(word.casefold())}} for word in q.split()]
    return {'$and': words} if words else {}


def _of_tier(tier, compare):
    if tier is None:
        return {}
    try:
        return {'meta.tier': {TIER_COMPARISONS[compare]: values.integer(tier)}}
    except ValueError as error:
        raise Invalid([('tier', str(error))]) from None
