"""Files that stay at the older server: each is a link to the URL at which it delivers them, with size and SHA-512.

A run that copies files brings in the bytes of those that an earlier one has linked.
"""
from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from typing import Any

from slicer_package_manager.migration.contents import Contents
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.files import Files, moved
from slicer_package_manager.migration.notes import Note, Outcome, Report
from slicer_package_manager.migration.rules.items import Found
from slicer_package_manager.progress import Advance
from slicer_package_manager.registry.links import policy
from slicer_package_manager.registry.schema.types import Document

_COPY = 'Run the migration again with --files copy.'


class LinkedFiles(Files):
    """Makes links of the files of the server whose API is at the URL ``api``. Those that are copied already stay so.

    :param public: ids of the folders of the source that everyone may read.
    :raises MigrationError: links to this server are not allowed.
    """

    def __init__(self, contents: Contents, workers: Executor, report: Report, hosts: list[str], api: str,
                 public: Collection[Any], *, dry: bool, others: Collection[str], limited: Advance) -> None:
        super().__init__(contents, workers, report, hosts, dry=dry, own=False, others=others, limited=limited)
        self._api, self._public, self._readable, self._linked = api.rstrip('/'), public, set[Any](), set[Any]()
        wrong = policy.current().problem(f'{self._api}/file', hosts)
        if wrong:
            raise MigrationError(f'--files link cannot use {self._api}: the URL {wrong}. To allow its host, use '
                                 '--allow-link-hosts HOST.')

    def take(self, items: list[Document], files: Mapping[Any, list[Document]], known: Mapping[Any, Document],
             advance: Advance) -> list[Found]:
        """See :meth:`Files.take`."""
        self._readable = {item['_id'] for item in items if item['folderId'] in self._public}
        return super().take(items, files, known, advance)

    def _stored(self, file: Document, advance: Advance) -> Document | None:
        advance(file['size'] or 0)
        wrong = ('not everyone may read it' if file['itemId'] not in self._readable else
                 None if file['size'] is not None and file.get('sha512') else 'its size or its SHA-512 is not stated')
        if wrong:
            self._report.add([Note(Outcome.UNDECIDED, 'file', str(file['_id']), file['name'],
                                   f'it cannot be a link, since {wrong}; the item has no file here', _COPY)])
            return None
        url = f'{self._api}/file/{file["_id"]}/download'
        self.links.note_changed(file)
        self._linked.add(file['_id'])
        return moved(file, {'assetstoreId': None, 'linkUrl': url, 'size': file['size'], 'sha512': file['sha512']})

    def notes(self) -> list[Note]:
        """A note on the links, beside those of :class:`Links`."""
        number = self._report.totals['files linked'] = len(self._linked)
        return [*super().notes(), *[Note(
            Outcome.UNDECIDED, 'link', self._api, self._api, f'{number} files are links to the older server, and can '
            'be read as long as it delivers them at this URL', f'{_COPY} Do so before the switch.')][:number]]
