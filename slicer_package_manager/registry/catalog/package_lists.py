"""Lists of packages or extensions: the filters of a list, and how each becomes a condition of the query.

To add a filter on a value of metadata, set ``filter`` of the field in :mod:`schema.fields`. To add another one, add a
parameter to :func:`find` and a function that makes its condition.
"""
from __future__ import annotations

from girder.constants import AccessType
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.catalog import releases, search_patterns
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, EXTENSION, OPERATING_SYSTEMS, PackageType
from slicer_package_manager.registry.schema.pagination import BATCH, Listing, Page
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all, object_id
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.access import folder_clause, item_clause
from slicer_package_manager.registry.tree.registration import DRAFT
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: MongoDB's operators that compare a tier with the requested one.
TIER_COMPARISONS = {'lte': '$lte', 'gte': '$gte', 'exact': '$eq'}
#: Matches no document.
_NOTHING: Document = {'_id': None}
#: Characters of texts in one query. MongoDB accepts 16 MiB, and a character has up to four bytes.
_MOST_TEXT = 2 * 2**20
_IDS = ('_id', 'folderId', 'baseParentId', 'creatorId')
#: All systems. An index has the system before the order of the list. With this condition, the database merges the lists
#: of all systems instead of sorting the result.
_SYSTEMS = {'meta.os': {'$in': list(OPERATING_SYSTEMS)}, 'meta.arch': {'$in': list(ARCHITECTURES)}}


@transactions.atomic
def find(package_type: PackageType, app: ApplicationFolder, user: UserDocument | None, page: Page, *,
         item_id: str | None = None, name: str | None = None, release: str | None = None, q: str | None = None,
         tier: int | None = None, tier_compare: str = 'lte', **meta: str | None) -> Listing:
    """The packages of ``package_type`` in ``app`` that ``user`` may see and that match all filters.

    A filter that is ``None`` does not apply.

    :param item_id: the id of the item.
    :param name: the name of the item, in any case.
    :param release: id or name of a release, or of the folder of drafts.
    :param q: words. Each must be in name, description, keywords or contributors. Case and accents do not matter.
    :param tier: number to compare tiers with. Packages without a tier do not match.
    :param meta: exact values of metadata.
    :returns: documents with the keys that Girder's responses have, and ids and times as text.
    :raises Invalid: ``tier`` is out of range.
    """
    given: Document = {f'meta.{key}': value for key, value in meta.items() if value is not None}
    place = _of_release(package_type, app, release, meta.get(package_type.app_revision), user)
    narrow = item_id is not None or keys.CHANNEL in place or f'meta.{package_type.app_revision}' in given
    conditions = [place, {'_id': object_id(item_id)} if item_id is not None else {},
                  {'lowerName': name.lower()} if name is not None else {},
                  _of_search(package_type, app, q, narrow=narrow), _of_tier(tier, tier_compare),
                  item_clause(app, user)]
    systems: Document = _SYSTEMS if narrow or given.keys() & _SYSTEMS.keys() else {}
    query = {keys.APP: app['_id'], keys.PACKAGE_TYPE: package_type.label, **systems, **given}
    return Listing.of(Item(), {**query, '$and': [one for one in conditions if one] or [{}]}, page,
                      fields=_projection())


def _projection() -> Document:
    """The keys that Girder's responses have.

    The database converts ids and times to text. To create objects, and to convert these to text here, took a third of
    the time of a long list.
    """
    shown = Item()._filterKeys[AccessType.READ]  # noqa: SLF001 - Girder has no other way
    # Sorted, so that all processes give equal lists equal tags.
    return {**dict.fromkeys(sorted(shown), 1), **{key: {'$toString': f'${key}'} for key in _IDS},
            **{key: _time(f'${key}') for key in ('created', 'updated')}}


def _time(value: str) -> Document:
    """A time as Girder writes it: with microseconds, unless they are 0."""
    whole: Document = {'$eq': [{'$millisecond': value}, 0]}
    return {'$dateToString': {'date': value, 'format': {
        '$cond': [whole, '%Y-%m-%dT%H:%M:%S+00:00', '%Y-%m-%dT%H:%M:%S.%L000+00:00']}}}


def _of_release(package_type: PackageType, app: ApplicationFolder, release: str | None, revision: str | None,
                user: UserDocument | None) -> Document:
    if release is None:
        return {}
    if releases.is_drafts_folder(app, release):
        # The published client looks among the drafts for the extension that it is about to upload to a release.
        elsewhere = (package_type is EXTENSION and revision is not None and not Folder().findOne(
            {keys.APP: app['_id'], keys.ROLE: DRAFT, keys.REVISION: revision, **folder_clause(user)},
            fields=['_id']))
        return {} if elsewhere else {keys.DRAFT: True}
    channel = releases.find_channel(app, release, user)
    return {keys.CHANNEL: channel['_id']} if channel else _NOTHING


def _of_search(package_type: PackageType, app: ApplicationFolder, q: str | None, *, narrow: bool) -> Document:
    if not q:
        return {}
    if validators.has_control_characters(q):
        return _NOTHING
    words = [{keys.SEARCH: {'$regex': search_patterns.pattern(word)}} for word in dict.fromkeys(q.split())]
    if not words or narrow:
        return {'$and': words} if words else {}
    texts = _texts(package_type, app, words)
    # Texts that are too long for one query do not occur in an archive of real extensions.
    return {'$and': words} if sum(map(len, texts)) > _MOST_TEXT else {keys.SEARCH: {'$in': texts}}


def _texts(package_type: PackageType, app: ApplicationFolder, words: list[Document]) -> list[str]:
    """The distinct texts in ``app`` that match all conditions ``words``.

    An extension is built every night for every system, with the same text. Distinct texts are few, and they come from
    an index. So a search takes as long in a large archive as in a small one.
    """
    return [row['_id'] for row in Item().collection.aggregate([
        {'$match': {keys.APP: app['_id'], keys.PACKAGE_TYPE: package_type.label}},
        {'$group': {'_id': f'${keys.SEARCH}'}},
        {'$match': {'$and': [{'_id': word[keys.SEARCH]} for word in words]}}], batchSize=BATCH)]


def _of_tier(tier: int | None, compare: str) -> Document:
    if tier is None:
        return {}
    checked = clean_all(tier=Input(tier, validators.integer, required=False))
    return {'meta.tier': {TIER_COMPARISONS[compare]: checked['tier']}}
