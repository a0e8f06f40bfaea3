"""The rows of MIDAS as folders, items and files; see :class:`source.Source`."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from slicer_package_manager.migration.midas.plan import Entry, Plan
from slicer_package_manager.migration.midas.rules import metadata
from slicer_package_manager.migration.midas.rules.files import Bitstream
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.registration import ORIGIN


class MidasSource:
    """The folders, items and files of ``plan``.

    :param users: the accounts of users of MIDAS.
    """

    def __init__(self, plan: Plan, users: Mapping[int, Any]) -> None:
        self._plan, self._users = plan, users
        self._read: dict[Any, Entry] = {}

    def folders_below(self, folder_id: Any) -> list[Document]:  # noqa: ARG002 - there is one application
        """See :class:`source.Source`."""
        return list(self._plan.places.folders.values())

    def filled(self, folders: Iterable[Mapping[str, Any]]) -> set[Any]:
        """See :class:`source.Source`."""
        return {one['_id'] for one in folders if one['_id'] in self._plan.items_in}

    def items_in(self, folder_ids: Iterable[Any]) -> list[Document]:
        """See :class:`source.Source`. What is known about these items is kept until the next call."""
        found = [one for folder in folder_ids for one in self._plan.entries_in(folder)]
        self._read = {one.id: one for one in sorted(found, key=lambda one: (one.created, one.id))}
        return [self._item(one) for one in self._read.values()]

    def files_of(self, items: Iterable[Mapping[str, Any]]) -> dict[Any, list[Document]]:
        """See :class:`source.Source`. The items are those of the last call of :meth:`items_in`."""
        entries = [self._read[one['_id']] for one in items]
        return {one.id: [self._file(one, one.file)] for one in entries if one.file}

    def _creator(self, entry: Entry) -> Any:
        return self._users.get(entry.uploader, self._plan.target.creator)

    def _item(self, entry: Entry) -> Document:
        app = self._plan.target.app
        name = _name(entry)
        item: Document = {
            '_id': entry.id, 'name': name, 'lowerName': name.lower(), 'description': '', 'folderId': entry.folder,
            'creatorId': self._creator(entry), 'baseParentType': app['baseParentType'],
            'baseParentId': app['baseParentId'], 'created': entry.created, 'updated': entry.updated, 'size': 0,
            'meta': {}}
        if entry.kind is Kind.BITSTREAM:
            return {**item, ORIGIN: {'set_aside': entry.aside}}
        meta = entry.metadata
        facts = metadata.facts(entry.row, entry.file.checksum if entry.file else '')
        if entry.aside:
            return {**item, ORIGIN: {'set_aside': entry.aside, 'meta': {**meta, **facts}}}
        return {**item, 'meta': meta, 'spm': {'midas': facts}}

    def _file(self, entry: Entry, file: Bitstream) -> Document:
        name = validators.one_line(file.file_name) or 'file'
        common = {'_id': entry.file_id, 'name': name, 'itemId': entry.id, 'size': file.size,
                  'creatorId': self._creator(entry), 'created': entry.updated, 'mimeType': file.mimetype or None,
                  'exts': [part.lower() for part in name.split('.')[1:]]}
        if file.is_link:
            return {**common, 'assetstoreId': None, 'mimeType': None, 'linkUrl': file.path}
        outside = {'imported': True} if file.path.startswith('/') else {}
        return {**common, 'assetstoreId': file.store, 'path': file.path, 'md5': file.checksum, **outside}


def _name(entry: Entry) -> str:
    given = entry.file.file_name if entry.kind is Kind.BITSTREAM and entry.file else entry.item.name
    return validators.one_line(given)[:validators.NAME_CHARACTERS] or f'{entry.kind.value} {entry.number}'
