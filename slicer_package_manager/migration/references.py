"""References between documents: ids survive, except for what this server has already under another id."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage import stores

#: The fields of a file that belong to its place in a store.
PLACE = (*stores.content_fields(), 'chunkUuid', 'chunkSize', 'md5')
#: The keys of each collection that name documents of another one.
_KEYS: dict[str, dict[str, str]] = {
    'user': {'groups': 'group'},
    'group': {'creatorId': 'user', 'requests': 'user'},
    'collection': {'creatorId': 'user'},
    'folder': {'creatorId': 'user'},
    'item': {'creatorId': 'user', 'folderId': 'folder'},
    'file': {'creatorId': 'user', 'itemId': 'item'},
    'api_key': {'userId': 'user'},
    'token': {'userId': 'user', 'apiKeyId': 'api_key'},
}
#: The keys of folders and items whose collection is named by another key.
_PLACES = {'parentId': 'parentCollection', 'baseParentId': 'baseParentType'}


class References:
    """The ids here of documents that have another id at the source."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, Any], Any] = {}

    def put(self, collection: str, source_id: Any, here: Any) -> None:
        """Note that the document ``source_id`` of the source is ``here``."""
        if source_id != here:
            self._ids[collection, source_id] = here

    def of(self, collection: str, source_id: Any) -> Any:
        """The id here of the document ``source_id`` of the source."""
        return self._ids.get((collection, source_id), source_id)

    def applied(self, collection: str, document: Mapping[str, Any]) -> Document:
        """``document`` of the source with its own id and those that it names as they are here."""
        if not self._ids:
            return dict(document)
        changed = {**document, '_id': self.of(collection, document['_id'])}
        for key, of in _KEYS[collection].items():
            if changed.get(key):
                changed[key] = self._all(of, changed[key])
        for key, named_by in _PLACES.items():
            if changed.get(named_by):
                changed[key] = self.of(changed[named_by], changed[key])
        return self._with_access(changed)

    def _all(self, collection: str, ids: Any) -> Any:
        return [self.of(collection, one) for one in ids] if isinstance(ids, list) else self.of(collection, ids)

    def _with_access(self, document: Document) -> Document:
        access = document.get('access')
        if not access:
            return document
        lists = {key: [{**one, 'id': self.of(of, one['id'])} for one in access[key]]
                 for key, of in (('users', 'user'), ('groups', 'group')) if key in access}
        return {**document, 'access': {**access, **lists}}
