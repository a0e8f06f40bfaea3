"""The folders that packages of MIDAS get: those that the application has, and new ones."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from girder.constants import AccessType

from slicer_package_manager.migration.midas import ids
from slicer_package_manager.migration.midas.rules.releases import Channel
from slicer_package_manager.migration.midas.target import Target
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import registration
from slicer_package_manager.registry.tree.registration import DRAFT, DRAFT_NAME, EXTENSIONS, EXTENSIONS_NAME, RELEASE

#: The folders for what is in no release or draft, because it is of another kind, or is private.
OTHERS_NAME, PRIVATE_NAME = 'MIDAS', 'MIDAS private'


class Places:
    """Folders of ``target`` for packages of ``channels``.

    :ivar folders: all folders below the application, by id, each after the one that it is in.
    """

    def __init__(self, target: Target, channels: Iterable[Channel]) -> None:
        self._target, self.notes = target, list[Note]()
        own = {_id_of(one) for one in channels}
        self.folders = {one['_id']: one for one in target.folders if not _is_of(one, own)}
        self._here = list(self.folders.values())
        self._releases = {one['spm']['revision']: one for one in self._here if registration.role(one) == RELEASE}
        self._named = {one['lowerName']: one for one in self._here if registration.role(one) == RELEASE}
        self._drafts = {one['spm']['revision']: one for one in self._here if registration.role(one) == DRAFT}
        self._found: dict[Channel, Document] = {}
        self._extensions = {one['spm']['channel']: one for one in self._here if registration.role(one) == EXTENSIONS}

    def channel(self, channel: Channel, created: datetime) -> Document:
        """Return the folder of a release or draft, of which something was created at ``created``."""
        if channel not in self._found:
            self._found[channel] = self.existing(channel) or self._new(channel, created)
        return self._earlier(self._found[channel], created)

    def extensions(self, channel: Channel, created: datetime) -> Document:
        """Return the folder of the extensions of a release or draft."""
        parent = self.channel(channel, created)
        found = self._extensions.get(parent['_id'])
        if found is None:
            found = self._add(ids.of('extensions', parent['_id']), EXTENSIONS_NAME, parent, created)
            self._extensions[parent['_id']] = found
        return self._earlier(found, created)

    def aside(self, created: datetime, *, is_public: bool) -> Document:
        """Return the folder for what is in no release or draft."""
        app, name = self._target.app, OTHERS_NAME if is_public else PRIVATE_NAME
        identifier = ids.of('folder', app['_id'], name)
        if identifier not in self.folders:
            self._add(identifier, name, app, created)
            if not is_public:
                self.folders[identifier].update(public=False, access=_of_administrators(app['access']))
        return self._earlier(self.folders[identifier], created)

    def is_aside(self, folder_id: Any) -> bool:
        """Return whether the folder is one for what is in no release or draft."""
        app_id = self._target.app['_id']
        return folder_id in {ids.of('folder', app_id, name) for name in (OTHERS_NAME, PRIVATE_NAME)}

    def channel_of(self, folder_id: Any) -> Any:
        """Return the id of the release or draft that the folder is, or whose extensions it has."""
        folder = self.folders[folder_id]
        return folder['parentId'] if folder['name'] == EXTENSIONS_NAME else folder_id

    def existing(self, channel: Channel) -> Document | None:
        """Return the folder of a release or draft that was here before any import."""
        found = self._releases.get(channel.revision)
        return found or (None if channel.release else self._drafts.get(channel.revision))

    def _new(self, channel: Channel, created: datetime) -> Document:
        meta = {'revision': channel.revision}
        if not channel.release:
            return self._add(_id_of(channel), channel.revision, self._drafts_folder(), created, meta)
        name = channel.release
        if name.lower() in self._named:
            name = f'{name} ({channel.revision})'
            self.notes.append(Note(
                Outcome.UNDECIDED, 'release', str(_id_of(channel)), channel.release,
                f'this server has a release with this name and another revision; it is now "{name}"',
                'Rename one of the two.'))
        return self._add(_id_of(channel), name, self._target.app, created, meta)

    def _drafts_folder(self) -> Document:
        app = self._target.app
        found = next((one for one in self.folders.values()
                      if one['parentId'] == app['_id'] and one['name'] == DRAFT_NAME), None)
        return found or self._add(ids.of('drafts', app['_id']), DRAFT_NAME, app, app['created'])

    def _add(self, identifier: Any, name: str, parent: Document, created: datetime, meta: Document | None = None
             ) -> Document:
        app = self._target.app
        self.folders[identifier] = {
            '_id': identifier, 'name': name, 'lowerName': name.lower(), 'description': '', 'parentId': parent['_id'],
            'parentCollection': 'folder', 'baseParentType': app['baseParentType'], 'baseParentId': app['baseParentId'],
            'creatorId': self._target.creator, 'created': created, 'updated': created, 'size': 0, 'meta': meta or {},
            'public': app['public'], 'access': app['access']}
        return self.folders[identifier]

    def _earlier(self, folder: Document, created: datetime) -> Document:
        """``folder``, which is as old as the oldest in it, unless it was here before."""
        if folder not in self._here and created < folder['created']:
            folder.update(created=created, updated=created)
        return folder


def _id_of(channel: Channel) -> Any:
    return ids.of('release', *channel) if channel.release else ids.of('draft', channel.revision)


def _is_of(folder: Document, own: set[Any]) -> bool:
    """Whether an import has made ``folder``."""
    if folder['_id'] in own or folder.get('spm', {}).get('channel') in own:
        return True
    return folder['_id'] in {ids.of('folder', folder['parentId'], name) for name in (OTHERS_NAME, PRIVATE_NAME)}


def _of_administrators(access: Document) -> Document:
    return {key: [one for one in access[key] if one['level'] >= AccessType.ADMIN] for key in ('users', 'groups')}
