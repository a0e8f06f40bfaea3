"""The type of documents and JSON values whose keys no type states; see :mod:`registry.tree.types` for the others."""
from __future__ import annotations

from typing import Any, TypeAlias

#: A JSON object or a document of MongoDB with keys of any kind: metadata, whose keys the tables of :mod:`fields` state;
#: queries and updates; and what Girder, which has no types, takes and returns.
Document: TypeAlias = dict[str, Any]
