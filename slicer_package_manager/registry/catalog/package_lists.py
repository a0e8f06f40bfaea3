"""Which packages or extensions a list shows."""
from __future__ import annotations

from girder.constants import AccessType
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.catalog import releases, search_patterns
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, EXTENSION, OPERATING_SYSTEMS
from slicer_package_manager.registry.schema.pagination import BATCH, Listing
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.tree import promotions
from slicer_package_manager.registry.tree.access import folder_clause, item_clause
from slicer_package_manager.registry.tree.registration import REVISION

#: The database's way to compare a tier with the wanted one.
TIER_COMPARISONS = {'lte': '$lte', 'gte': '$gte', 'exact': '$eq'}
_NOTHING = {'_id': None}
#: Characters of texts in one query; MongoDB takes 16 MiB, and a character has up to four bytes.
_MOST_TEXT = 2 * 2**20
_IDS = ('_id', 'folderId', 'baseParentId', 'creatorId')
#: Every system there is: where the index has the system before the order of the list, the database merges the lists
#: of all systems instead of sorting what it found.
_SYSTEMS = {'meta.os': {'$in': list(OPERATING_SYSTEMS)}, 'meta.arch': {'$in': list(ARCHITECTURES)}}


def find(package_type, app, user, page, *, item_id=None, name=None, release=None, q=None, tier=None, tier_compare='lte',
         **meta) -> Listing:
    """The packages of ``package_type`` in ``app`` that ``user`` may see and that match all that is given.

    :param item_id: the id of one thing.
    :param name: the name of its item, in any case.
    :param release: id or name of a release, or the folder of drafts.
    :param q: words, each of which is in name, description, keywords or contributors, whatever case and accents.
    :param tier: number to compare tiers with; things without one are left out.
    :param meta: exact values of metadata.
    :returns: with the keys that Girder's answers have, and ids and moments as their texts.
    :raises Invalid: ``tier`` is out of range.
    """
    given = {f'meta.{key}': value for key, value in meta.items() if value is not None}
    place = _of_release(package_type, app, release, meta.get(package_type.app_revision), user)
    narrow = item_id is not None or 'spm.channel' in place or f'meta.{package_type.app_revision}' in given
    conditions = [place, _of_id(item_id), {'lowerName': name.lower()} if name is not None else {},
                  _of_search(package_type, app, q, narrow=narrow), _of_tier(tier, tier_compare),
                  promotions.anywhere(app),
                  item_clause(app, user)]
    systems = _SYSTEMS if narrow or given.keys() & _SYSTEMS.keys() else {}
    query = {'spm.app': app['_id'], 'spm.kind': package_type.label, **systems, **given}
    found = Listing.of(Item(), {**query, '$and': [one for one in conditions if one] or [{}]}, page,
                       fields=_answered())
    promotions.show_owner(app, found.documents)
    return found


def _answered():
    """The keys that Girder's answers have.

    The database writes ids and moments as texts: to make objects of hundreds, only to write those as texts, took a
    third of the time of a long list.
    """
    keys = Item()._filterKeys[AccessType.READ]  # noqa: SLF001 - Girder has no other way
    # In one order, so that all processes give the same list the same tag.
    return {**dict.fromkeys(sorted(keys), 1), **{key: {'$toString': f'${key}'} for key in _IDS},
            **{key: _moment(f'${key}') for key in ('created', 'updated')}}


def _moment(value):
    """A moment as Girder writes it: with microseconds unless there are none."""
    whole = {'$eq': [{'$millisecond': value}, 0]}
    return {'$dateToString': {'date': value, 'format': {
        '$cond': [whole, '%Y-%m-%dT%H:%M:%S+00:00', '%Y-%m-%dT%H:%M:%S.%L000+00:00']}}}


def _of_id(item_id):
    if item_id is None:
        return {}
    return {'_id': object_id(item_id)}


def _of_release(package_type, app, release, revision, user):
    if release is None:
        return {}
    if releases.is_drafts_folder(app, release):
        # The published client looks among the drafts for what it is about to upload to a release.
        elsewhere = (package_type is EXTENSION and revision is not None and not Folder().findOne(
            {'spm.app': app['_id'], 'spm.role': REVISION, 'spm.revision': revision,
             '_id': {'$nin': promotions.emptied(app)}, **folder_clause(user)}, fields=['_id']))
        return {} if elsewhere else promotions.in_drafts(app)
    channel = releases.find_channel(app, release, user)
    return promotions.owned_by(app, channel['_id']) if channel else _NOTHING


def _of_search(package_type, app, q, *, narrow):
    if not q:
        return {}
    if validators.has_control_characters(q):
        return _NOTHING
    words = [{'spm.search': {'$regex': search_patterns.pattern(word)}} for word in dict.fromkeys(q.split())]
    if not words or narrow:
        return {'$and': words} if words else {}
    texts = _texts(package_type, app, words)
    # So many different texts that they do not fit into a query, which an archive of real extensions has not.
    return {'$and': words} if sum(map(len, texts)) > _MOST_TEXT else {'spm.search': {'$in': texts}}


def _texts(package_type, app, words):
    """The different texts in all of ``app`` that have all of ``words``.

    An extension is built every night for every system, with the same text: the index has each text once for all
    of them, so that the search takes as long in a large archive as in a small one.
    """
    return [row['_id'] for row in Item().collection.aggregate([
        {'$match': {'spm.app': app['_id'], 'spm.kind': package_type.label}},
        {'$group': {'_id': '$spm.search'}},
        {'$match': {'$and': [{'_id': word['spm.search']} for word in words]}}], batchSize=BATCH)]


def _of_tier(tier, compare):
    if tier is None:
        return {}
    try:
        return {'meta.tier': {TIER_COMPARISONS[compare]: validators.integer(tier)}}
    except ValueError as error:
        raise Invalid([('tier', str(error))]) from None
