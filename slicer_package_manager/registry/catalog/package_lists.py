"""Lists of packages or extensions: the filters of a list, and how each becomes a condition of the query.

To add a filter on a value of metadata, set ``filter`` of the field in :mod:`schema.fields`. To add another one, add a
parameter to :func:`query_of` and a function that makes its condition.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import orjson
from bson.raw_bson import RawBSONDocument
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.catalog import releases, search_patterns
from slicer_package_manager.registry.catalog.ranking import Index
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, EXTENSION, OPERATING_SYSTEMS, PackageType
from slicer_package_manager.registry.schema.pagination import BATCH, Listing, Page
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all, object_id
from slicer_package_manager.registry.server import raw_documents, transactions
from slicer_package_manager.registry.tree import item_json, keys
from slicer_package_manager.registry.tree.access import folder_clause, item_clause
from slicer_package_manager.registry.tree.registration import DRAFT
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: MongoDB's operators that compare a tier with the requested one.
TIER_COMPARISONS = {'lte': '$lte', 'gte': '$gte', 'exact': '$eq'}
#: Matches no document.
_NOTHING: Document = {'_id': None}
#: Characters of texts in one query. MongoDB accepts 16 MiB, and a character has up to four bytes.
_MOST_TEXT = 2 * 2**20
#: All systems. An index has the system before the order of the list. With this condition, the database merges the lists
#: of all systems instead of sorting the result.
_SYSTEMS = {'meta.os': {'$in': list(OPERATING_SYSTEMS)}, 'meta.arch': {'$in': list(ARCHITECTURES)}}


class Candidate(NamedTuple):
    """A package that a search may find: its text, by :func:`search_patterns.plain`, and its JSON."""

    text: str
    json: bytes


class Candidates:
    """What a search goes through.

    :param found: all packages that a list without ``q`` has, on all its pages.
    :param page: that is returned.
    :ivar memory: an estimate of what they take, in bytes.
    """

    def __init__(self, found: Sequence[Candidate], page: Page) -> None:
        self._found, self._page = found, page
        # The index has each word in a set, and again by its fields.
        self.memory = sum(200 + (6 if page.by_relevance else 1) * len(one.text) + len(one.json) for one in found)

    def matching(self, q: str) -> Listing:
        """The page of those that have all words of ``q``, or of those that :mod:`ranking` finds, by relevance."""
        if validators.has_control_characters(q):
            return Listing([], 0)
        is_ranked = self._page.by_relevance and bool(q.strip())
        found = self._ranked(q) if is_ranked else self._with_all(q)
        start, limit = self._page.offset, self._page.limit
        shown = found[start:start + limit if limit else None]
        return Listing([one.json for one in shown], len(found), self._index.suggestion(q) if is_ranked else '')

    def _with_all(self, q: str) -> Sequence[Candidate]:
        found = self._found
        for word in map(search_patterns.plain, dict.fromkeys(q.split())):
            found = [one for one in found if word in one.text]
        return found

    def _ranked(self, q: str) -> Sequence[Candidate]:
        return [self._found[place] for place in self._index.ranked(q)]

    @cached_property
    def _index(self) -> Index:
        return Index([orjson.loads(one.json)['meta'] for one in self._found])


@transactions.atomic
def find(package_type: PackageType, app: ApplicationFolder, user: UserDocument | None, page: Page, *,
         q: str | None = None, **filters: Any) -> Listing:
    """The packages of ``package_type`` in ``app`` that ``user`` may see and that match all filters.

    :param q: words. Each must be in name, description, keywords or contributors. Case and accents do not matter. If
        the page is ``by_relevance``, :mod:`ranking` has what is found.
    :param filters: those of :func:`query_of`. A filter that is ``None`` does not apply.
    :returns: documents as Girder's responses have them, as JSON; see :mod:`item_json`.
    :raises Invalid: ``tier`` is out of range, or the page is ``by_relevance`` and the search is in many revisions.
    """
    query = query_of(package_type, app, user, **filters)
    if q and (is_narrow(package_type, filters) or any(keys.CHANNEL in one for one in query['$and'])):
        return _candidates(query, page).matching(q)
    if q and page.by_relevance:
        raise Invalid([('sort', f'can be relevance only with {package_type.app_revision} or one release')])
    if q:
        query['$and'].append(_of_search(package_type, app, q))
    return Listing.with_total(list(map(item_json.of, _read(query, page))), Item(), query, page)


def is_narrow(package_type: PackageType, filters: Mapping[str, Any]) -> bool:
    """Whether only packages of one revision match ``filters``, so that a search examines each of them."""
    return any(filters.get(key) is not None for key in ('item_id', package_type.app_revision))


@transactions.atomic
def candidates(package_type: PackageType, app: ApplicationFolder, user: UserDocument | None, page: Page,
               **filters: Any) -> Candidates:
    """What :func:`find` searches if it has ``q`` and the list :func:`is_narrow`."""
    return _candidates(query_of(package_type, app, user, **filters), page)


def _candidates(query: Document, page: Page) -> Candidates:
    whole = replace(page, limit=0, offset=0)
    return Candidates([Candidate(_text(raw), item_json.of(raw)) for raw in _read(query, whole, keys.SEARCH)], page)


@lru_cache(4096)
def _text(raw: bytes) -> str:
    """The searched text of a document, which is cached, like its JSON, by its bytes."""
    return search_patterns.plain(RawBSONDocument(raw)['spm']['search'])


def _read(query: Document, page: Page, *more: str) -> list[bytes]:
    found = Item().collection.find_raw_batches(
        query, {**item_json.projection(), **dict.fromkeys(more, 1)}, skip=page.offset, limit=page.limit,
        sort=list(page.sort), batch_size=BATCH)
    return list(raw_documents.split(found))


def query_of(package_type: PackageType, app: ApplicationFolder, user: UserDocument | None, *,
             item_id: str | None = None, name: str | None = None, release: str | None = None, tier: int | None = None,
             tier_compare: str = 'lte', **meta: str | None) -> Document:
    """The query of a list.

    :param item_id: the id of the item.
    :param name: the name of the item, in any case.
    :param release: id or name of a release, or of the folder of drafts.
    :param tier: number to compare tiers with. Packages without a tier do not match.
    :param meta: exact values of metadata.
    """
    given: Document = {f'meta.{key}': value for key, value in meta.items() if value is not None}
    place = _of_release(package_type, app, release, meta.get(package_type.app_revision), user)
    narrow = keys.CHANNEL in place or is_narrow(package_type, {'item_id': item_id, **meta})
    conditions = [place, {'_id': object_id(item_id)} if item_id is not None else {},
                  {'lowerName': name.lower()} if name is not None else {}, _of_tier(tier, tier_compare),
                  item_clause(app, user)]
    systems: Document = _SYSTEMS if narrow or given.keys() & _SYSTEMS.keys() else {}
    return {keys.APP: app['_id'], keys.PACKAGE_TYPE: package_type.label, **systems, **given,
            '$and': [one for one in conditions if one] or [{}]}


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


def _of_search(package_type: PackageType, app: ApplicationFolder, q: str) -> Document:
    if validators.has_control_characters(q):
        return _NOTHING
    words = [{keys.SEARCH: {'$regex': search_patterns.pattern(word)}} for word in dict.fromkeys(q.split())]
    if not words:
        return {}
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
