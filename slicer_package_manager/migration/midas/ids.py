"""Ids of what is imported: they follow from the numbers of MIDAS, so that they are the same in every run."""
from __future__ import annotations

import hashlib
import json

from bson.objectid import ObjectId


def of(kind: str, *names: object) -> ObjectId:
    """Return the id of the document of ``kind`` with these names or numbers at MIDAS."""
    text = json.dumps(['midas', kind, *map(str, names)])
    return ObjectId(hashlib.sha256(text.encode()).digest()[:12])
