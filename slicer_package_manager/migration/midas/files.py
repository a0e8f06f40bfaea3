"""The files of MIDAS: as those of other servers, and what the archive of an extension states about its dependencies."""
from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, NamedTuple

from slicer_package_manager.migration.contents import Contents
from slicer_package_manager.migration.files import Files
from slicer_package_manager.migration.midas import archives
from slicer_package_manager.migration.midas.stores import MidasStore
from slicer_package_manager.migration.notes import Note, Outcome, Report
from slicer_package_manager.migration.rules.items import Found
from slicer_package_manager.progress import Advance
from slicer_package_manager.registry.schema.types import Document

#: The key in ``spm`` of a file, with the names that its archive depends on. So no archive is read a second time.
_DEPENDS = 'depends'


class Known(NamedTuple):
    """What is known about files beside their bytes.

    :param stores: the assetstores of MIDAS by number, in which archives are read.
    :param table: the names that the table of dependencies has for extensions, for archives without a description.
    :param instead: for files of items that are here already, the file here by the id of the one of MIDAS.
    """

    stores: Mapping[Any, MidasStore]
    table: Mapping[str, list[str]]
    instead: Mapping[Any, Document]


class MidasFiles(Files):
    """Takes files of MIDAS, about which ``stated`` is known."""

    def __init__(self, contents: Contents, workers: Executor, report: Report, hosts: list[str], stated: Known, *,
                 dry: bool) -> None:
        super().__init__(contents, workers, report, hosts, dry=dry, own=False)
        self._stated, self._archives = stated, set[Any]()

    def take(self, items: list[Document], files: Mapping[Any, list[Document]], known: Mapping[Any, Document],
             advance: Advance) -> list[Found]:
        """See :meth:`Files.take`. The items get what follows from their files."""
        self._archives = {file['_id'] for item in items if _is_extension(item) for file in files.get(item['_id'], ())}
        return [self._complete(one) for one in super().take(items, files, {**self._stated.instead, **known}, advance)]

    def _complete(self, found: Found) -> Found:
        """The item with its dependencies, and with the SHA-512 of the file that the MD5 in its facts is of."""
        item, file = found.item, found.files[0] if found.files else {}
        if 'spm' not in item:
            return found
        facts = item['spm']['midas']
        if file.get('sha512') and facts.get('md5'):
            facts = {**facts, 'sha512': file['sha512']}
        meta = {**item['meta'], 'sha512': file.get('sha512')}
        if _is_extension(item):
            names = file.get('spm', {}).get(_DEPENDS)
            names = self._stated.table.get(meta['baseName'], []) if names is None else names
            meta = {**meta, **({'dependency': ' '.join(names)} if names else {})}
        return found._replace(item={**item, 'meta': meta, 'spm': {**item['spm'], 'midas': facts}})

    def _take(self, file: Document, here: Document | None, advance: Advance) -> Document | None:
        taken = super()._take(file, here, advance)
        if taken is None or 'linkUrl' in taken or 'sha512' not in taken:
            return taken
        if here is not None:
            return {**taken, **({'spm': here['spm']} if _DEPENDS in here.get('spm', {}) else {})}
        names = self._dependencies(file) if file['_id'] in self._archives else None
        return taken if names is None else {**taken, 'spm': {_DEPENDS: names}}

    def _dependencies(self, file: Document) -> list[str] | None:
        try:
            return archives.dependencies(self._stated.stores[file['assetstoreId']].path(file))
        except archives.UnreadableArchiveError as error:
            self._report.add([Note(Outcome.MENDED, 'file', str(file['_id']), file['name'],
                                   f'its archive cannot be read, so that its dependencies are unknown: {error}')])
            return None


def _is_extension(item: Document) -> bool:
    return 'app_revision' in item['meta']
