"""The files of one folder's items: their bytes first, and then their documents."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Executor
from typing import Any

from slicer_package_manager.migration.contents import Contents
from slicer_package_manager.migration.errors import LostBytesError
from slicer_package_manager.migration.links import Links
from slicer_package_manager.migration.notes import Note, Outcome, Report
from slicer_package_manager.migration.references import PLACE
from slicer_package_manager.migration.rules import items as item_rules
from slicer_package_manager.migration.rules.items import Decision, Found
from slicer_package_manager.progress import Advance
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document

#: The fields of a document with the place of the bytes and what they are.
_PLACED = ('assetstoreId', *PLACE, 'sha512', 'size')


class Files:
    """Takes files of the source.

    :param hosts: to which links may point.
    :param others: to which these may redirect.
    :param limited: limits the bytes that are read of links.
    :param own: the files are those of this server already; one whose bytes are missing stays.
    :ivar links: checks the links.
    """

    def __init__(self, contents: Contents, workers: Executor, report: Report, hosts: list[str], *, dry: bool,
                 own: bool, others: Collection[str] = (), limited: Advance = lambda _: None) -> None:
        self._contents, self._workers, self._report = contents, workers, report
        self._dry, self._own, self._lost = dry, own, set[str]()
        self.links = Links(report, hosts, others, limited, dry=dry)

    def take(self, items: list[Document], files: Mapping[Any, list[Document]], known: Mapping[Any, Document],
             advance: Advance) -> list[Found]:
        """Return ``items`` with those of their ``files`` whose bytes are here, as documents of this server.

        :param known: files that are here and complete, by id; their bytes are not looked at again.
        """
        flat = [item_rules.with_digest(file, of_item, item_rules.stated(item.get('meta') or {}))
                for item in items for of_item in [files.get(item['_id'], [])] for file in of_item]
        taken = dict(zip([file['_id'] for file in flat], self._workers.map(
            lambda file: self._take(file, known.get(file['_id']), advance), flat), strict=True))
        return [self._found(item, files.get(item['_id'], []), taken) for item in items]

    def _found(self, item: Document, files: list[Document], taken: Mapping[Any, Document | None]) -> Found:
        lost = [file for file in files if taken[file['_id']] is None] if self._own else []
        return Found(item, [one for file in files if (one := taken[file['_id']])], lost)

    def _take(self, file: Document, here: Document | None, advance: Advance) -> Document | None:
        self._report.totals['files'] += 1
        if file.get('linkUrl') and not file.get('assetstoreId'):
            return self._named(self.links.checked(file, here))
        if here and _is_same(file, here) and self._contents.has(here):
            advance(here['size'])
            return self._named(moved(file, {key: here[key] for key in _PLACED if key in here}))
        stored = self._stored(file, advance)
        return stored and self._named(stored)

    def _stored(self, file: Document, advance: Advance) -> Document | None:
        """``file`` in its place here, where its bytes are then; ``None`` if it cannot be there."""
        file = self._contents.sized(file)
        try:
            stored = self._contents.take(file, advance, dry=self._dry)
        except LostBytesError as error:
            self._lost.add(str(file['_id']))
            self._report.add([Note(Outcome.LOST, 'file', str(file['_id']), file['name'], str(error),
                                   'Find the bytes, and run the migration again; the item has no file until then.')])
            return None
        return file if stored is None else moved(file, stored)

    def _named(self, file: Document) -> Document:
        """``file`` with a name that files of packages may have."""
        try:
            name = validators.file_name(file['name'])
        except ValueError:
            name = validators.one_line(file['name']).replace('/', '_').replace('\\', '_').strip('.')[-200:] or 'file'
        if name == file['name']:
            return file
        self._report.add([Note(Outcome.MENDED, 'file', str(file['_id']), file['name'], f'its name is now "{name}"',
                               fields=('name',))])
        return {**file, 'name': name}

    def explains(self, note: Note) -> bool:
        """Whether a difference that the verification has found is one of a lost file, or of a URL that was changed."""
        return (note.kind == 'file' and note.id in self._lost) or self.links.explains(note)

    def notes(self) -> list[Note]:
        """See :meth:`Links.notes`."""
        return self.links.notes()


def _is_same(file: Document, here: Document) -> bool:
    """Whether ``here`` has the bytes of ``file``. The older server dates a file anew when it gets other ones."""
    if here.get('size') is None or file['size'] not in (None, here['size']):
        return False
    if file.get('sha512'):
        return bool(file['sha512'] == here.get('sha512'))
    return file['_id'] != here['_id'] or bool(file['created'] == here.get('created'))


def moved(file: Document, place: Mapping[str, Any]) -> Document:
    """``file`` of the source in its ``place`` here."""
    return {**{key: value for key, value in file.items() if key not in PLACE}, **place}


def documents(decisions: Iterable[Decision]) -> list[Document]:
    """The documents of the files of ``decisions``. Those beside that for readers are attached to their item."""
    found: list[Document] = []
    for one in decisions:
        found += one.files
        found += [{**file, 'itemId': None, 'attachedToType': 'item', 'attachedToId': one.item['_id'],
                   'spm': {'beside': True}} for file in one.beside]
    return found
