"""A running older server, read by its REST API into a copy of its database.

The copy is a database of its own beside that of this server. It has the documents that the API shows, in the form that
they have at the source; all else is as for a database. It is complete, or not used:

1. Read users, groups, collections, and the folders below these.
2. Read the items of each folder, and the files of each item. Those of an item that has not changed since the run before
   are in the copy already.
3. Remove from the copy what the source no longer has.

The download counts of the source are in the metadata of folders, which are read before any file is downloaded. Lists of
the older server are not used: they have items of hidden releases, and items that users have forged.
"""
from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from typing import Any

from bson.objectid import ObjectId
from girder.constants import AccessType
from girder.settings import SettingDefault
from pymongo import ReplaceOne

from slicer_package_manager.migration import settings
from slicer_package_manager.migration.girder_database import AnyDatabase, batches
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.rest_client import RestClient
from slicer_package_manager.progress import Steps
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document

#: The type of the assetstore of files that are downloaded.
REST = 'rest'
_STORE = ObjectId(b'rest-api-url')
_MOMENTS = ('created', 'updated', 'lastUse', 'expires')
_KINDS = ('user', 'group', 'collection', 'folder', 'item', 'file', 'setting')
#: What identifies the state of an item whose files need not be read again.
_STATE = ('updated', 'size', 'meta')


class Copy:
    """Reads the server of ``client`` into ``database``.

    :param owner: id of the account here that administers what an anonymous client reads.
    """

    def __init__(self, client: RestClient, database: AnyDatabase, owner: ObjectId, workers: Executor) -> None:
        self._client, self._database, self._owner, self._workers = client, database, owner, workers
        self._seen: dict[str, set[Any]] = {kind: set() for kind in _KINDS}

    def read(self, steps: Steps) -> AnyDatabase:
        """Read all that the API shows, and return the database.

        :raises MigrationError: the server does not answer.
        """
        for kind in (*_KINDS, 'upload', 'api_key', 'token'):
            self._database[kind].create_index('folderId' if kind == 'item' else 'itemId' if kind == 'file' else 'name')
        self._database['folder'].create_index('parentId')
        self._database['assetstore'].replace_one({'_id': _STORE}, {'type': REST, 'name': 'REST'}, upsert=True)
        if not self._client.is_anonymous:
            self._put('user', [_account(one) for one in self._all('user')])
            self._put('group', [{**one, **self._access('group', one)} for one in self._all('group')])
            self._put('setting', self._settings())
        folders = self._folders()
        with steps('Reading items', None, False) as advance:
            for _ in self._workers.map(lambda folder: self._items(folder, advance), folders):
                pass
        self._remove_others()
        return self._database

    def _all(self, path: str, **params: Any) -> list[Document]:
        return [_converted(one) for one in self._client.get(path, limit=0, **params)]

    def _put(self, kind: str, documents: Iterable[Document]) -> None:
        found = list(documents)
        self._seen[kind].update(one['_id'] for one in found)
        if found:
            self._database[kind].bulk_write([ReplaceOne({'_id': one['_id']}, one, upsert=True) for one in found],
                                            ordered=False)

    def _access(self, kind: str, document: Mapping[str, Any]) -> Document:
        """The access list of ``document``, that of the owner here if it is not shown."""
        if self._client.is_anonymous:
            return {'access': {'users': [{'id': self._owner, 'level': AccessType.ADMIN, 'flags': []}], 'groups': []}}
        found = self._client.get(f'{kind}/{document["_id"]}/access')
        found = found.get('access', found)
        return {'access': {key: [{'id': ObjectId(one['id']), 'level': one['level'], 'flags': one.get('flags', [])}
                                 for one in found.get(key, ())] for key in ('users', 'groups')}}

    def _settings(self) -> Iterator[Document]:
        """The settings that are not the defaults of Girder."""
        keys = [*settings.TAKEN, *settings.RENEWED]
        for key, value in self._client.get('system/setting', list=json.dumps(keys)).items():
            if value != SettingDefault.defaults.get(key):
                yield {'_id': key, 'key': key, 'value': value}

    def _folders(self) -> list[Document]:
        """Read the collections and all folders, and return the latter."""
        collections = [{**one, **self._access('collection', one)} for one in self._all('collection')]
        self._put('collection', collections)
        users = self._database['user'].find({'_id': {'$in': list(self._seen['user'])}}, {'_id': 1})
        level = [('collection', one['_id']) for one in collections] + [('user', one['_id']) for one in users]
        found: list[Document] = []
        while level:
            below = [one for some in self._workers.map(self._folders_in, level) for one in some]
            self._put('folder', below)
            found += below
            level = [('folder', one['_id']) for one in below]
        return found

    def _folders_in(self, place: tuple[str, Any]) -> list[Document]:
        kind, identifier = place
        return [{**one, **self._access('folder', one)}
                for one in self._all('folder', parentType=kind, parentId=str(identifier))]

    def _items(self, folder: Document, advance: Callable[[int], None]) -> None:
        """Read the items of ``folder`` with their files."""
        items = self._all('item', folderId=str(folder['_id']))
        known = {one['_id']: one for one in self._database['item'].find({'folderId': folder['_id']})}
        for item in items:
            before = known.get(item['_id'], {})
            if all(before.get(key) == item.get(key) for key in _STATE):
                self._seen['file'].update(one['_id'] for one in self._database['file'].find(
                    {'itemId': item['_id']}, {'_id': 1}))
            else:
                self._put('file', [{**one, 'assetstoreId': None if one.get('linkUrl') else _STORE}
                                   for one in self._all(f'item/{item["_id"]}/files')])
            self._put('item', [item])
            advance(1)

    def _remove_others(self) -> None:
        for kind, seen in self._seen.items():
            gone = (one['_id'] for one in self._database[kind].find({}, {'_id': 1}) if one['_id'] not in seen)
            for some in batches(gone):
                self._database[kind].delete_many({'_id': {'$in': some}})


def _converted(document: Mapping[str, Any]) -> Document:
    """A document of the API as the database of the source has it."""
    found = {key: _value(key, value) for key, value in document.items() if not key.startswith('_') or key == '_id'}
    if 'name' in found:
        found['lowerName'] = found['name'].lower()
    meta = found.get('meta')
    if isinstance(meta, dict) and isinstance(meta.get('build_date'), str):
        found['meta'] = {**meta, 'build_date': _moment(meta['build_date'])}
    return found


def _account(user: Document) -> Document:
    """The account, without a password; its user administers it, as Girder has it."""
    access = {'users': [{'id': user['_id'], 'level': AccessType.ADMIN, 'flags': []}]}
    return {**{key: value for key, value in user.items() if key != 'otp'}, 'salt': None, 'access': access}


def secrets(database: AnyDatabase) -> Iterator[Note]:
    """A note for each account that needs a new password here, which the API does not show."""
    for user in database['user'].find({}, {'login': 1}):
        yield Note(Outcome.LEFT_OUT, 'user', str(user['_id']), user['login'],
                   'its password and its API keys cannot be read over REST',
                   'Have the user reset the password, and create new API keys.')


def _value(key: str, value: Any) -> Any:
    if key == 'groups':
        return [ObjectId(one) for one in value]
    if (key.endswith('Id') or key == '_id') and isinstance(value, str):
        return validators.object_id(value) or value
    return _moment(value) if key in _MOMENTS else value


def _moment(value: Any) -> Any:
    try:
        return validators.timestamp(value) if isinstance(value, str) else value
    except ValueError:
        return value
