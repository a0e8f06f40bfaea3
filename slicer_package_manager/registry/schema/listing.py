"""A page of documents together with the number of all."""
from __future__ import annotations

from typing import Any, NamedTuple

#: Documents that come with one answer of the database, which sends as many of them as fit into 16 MiB. By default
#: the first answer holds just 101.
BATCH = 100_000


class Listing(NamedTuple):
    """Documents of one page, and how many there are on all pages together."""

    documents: list[dict[str, Any]]
    total: int

    @classmethod
    def empty(cls) -> Listing:
        """No documents."""
        return cls([], 0)

    @classmethod
    def of(cls, model, query, page, fields=None) -> Listing:
        """The documents of ``model`` that match ``query``, as ``page`` says; two queries at most.

        :param fields: the keys that the documents are wanted with; all by default.
        """
        documents = list(model.find(query, offset=page.offset, limit=page.limit, sort=list(page.sort),
                                    fields=fields).batch_size(BATCH))
        if not page.offset and (not page.limit or len(documents) < page.limit):
            return cls(documents, len(documents))
        return cls(documents, model.collection.count_documents(query))
