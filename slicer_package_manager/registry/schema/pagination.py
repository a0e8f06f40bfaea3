"""Pages of lists: which part of a list a request asks for, in which order, and the documents of that part."""
from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from slicer_package_manager.registry.schema.errors import Invalid, Problem
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.types import Document

#: Number of documents in one batch from the database, which sends at most 16 MiB at once. By default the first batch
#: has just 101.
BATCH = 100_000
_LARGEST = 2**31 - 1
_DOCUMENT_KEYS = frozenset({'_id', 'name', 'lowerName', 'description', 'created', 'updated', 'size'})
#: Keys by which folders can be sorted.
FOLDER_SORTS = _DOCUMENT_KEYS | {'meta.revision'}
#: Keys by which items can be sorted, by the label of their package type.
ITEM_SORTS = {label: _DOCUMENT_KEYS | {f'meta.{key}' for key in package_type.keys}
              for label, package_type in PACKAGE_TYPES.items()}


#: The order of a search by relevance. Without search words, and where it makes no difference, the newest come first.
RELEVANCE = 'relevance'


@dataclass(frozen=True)
class Page:
    """A part of a list: ``limit`` documents (0 for all) after the first ``offset``, ordered by ``sort``.

    ``sort`` is the order for the database: after the requested key come the time of creation and the id, so that no
    document is repeated or skipped from one page to the next. ``by_relevance`` states that a search comes before it.
    """

    limit: int
    offset: int
    sort: tuple[tuple[str, int], ...]
    by_relevance: bool = False


def page(limit: int, offset: int, sort: Sequence[tuple[str, int]], allowed: Collection[str]) -> Page:
    """Make the page for Girder's paging parameters.

    :param sort: Girder's ``[(key, direction)]``; only the first pair counts. :data:`RELEVANCE` has one direction.
    :param allowed: the keys by which the list can be sorted.
    :raises Invalid: a number is negative or above 2**31 - 1, or the key is not in ``allowed``.
    """
    key, direction = sort[0]
    check_numbers(limit, offset, *(
        [] if key in allowed else [('sort', f'must be one of {", ".join(sorted(allowed))}')]))
    if key == RELEVANCE:
        return Page(limit, offset, (('created', -1), ('_id', -1)), by_relevance=True)
    order = dict.fromkeys((key, 'created', '_id') if key != '_id' else (key,))
    return Page(limit, offset, tuple((one, direction) for one in order))


def check_numbers(limit: int, offset: int, *others: Problem) -> None:
    """Refuse a limit or an offset that is negative or above 2**31 - 1.

    :param others: problems of other values.
    :raises Invalid: naming each number that is out of range, and the others.
    """
    numbers = [(name, f'must be a whole number from 0 to {_LARGEST}')
               for name, number in (('limit', limit), ('offset', offset)) if not 0 <= number <= _LARGEST]
    if numbers or others:
        raise Invalid([*numbers, *others])


class Listing(NamedTuple):
    """The documents of one page, and the number of documents on all pages together.

    :param suggestion: a search that the user has probably meant; empty without one.
    """

    documents: list[Any]  # of the TypedDict of their collection, as Girder's models return them, or BSON or JSON
    total: int
    suggestion: str = ''

    @classmethod
    def of(cls, model: Any, query: Document, page: Page, fields: Any = None) -> Listing:
        """The documents of a Girder ``model`` that match ``query`` and are on ``page``; at most two queries.

        :param fields: MongoDB's projection; by default the documents are complete.
        """
        documents = list(model.find(query, offset=page.offset, limit=page.limit, sort=list(page.sort),
                                    fields=fields).batch_size(BATCH))
        return cls.with_total(documents, model, query, page)

    @classmethod
    def with_total(cls, documents: list[Any], model: Any, query: Document, page: Page) -> Listing:
        """``documents`` that were found by ``query`` on ``page``; at most one query."""
        if not page.offset and (not page.limit or len(documents) < page.limit):
            return cls(documents, len(documents))
        return cls(documents, model.collection.count_documents(query))
