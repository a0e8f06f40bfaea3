"""Checks of packages: whether they agree with their files."""
from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from girder.models.file import File
from girder.models.item import Item

from slicer_package_manager.doctor.findings import ABANDONED, ERROR, WARNING, Finding, Options, name
from slicer_package_manager.registry.schema.invariants import (
    REPLACEMENT_NAME,
    FileFacts,
    Violation,
    files_of_package,
    package_violations,
    stated_by,
)
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import item_files, keys

PACKAGES = {keys.PACKAGE_TYPE: {'$exists': True}}
#: The findings about a package that contradicts its file, of which the first one that is true is reported.
_CONTRADICTIONS = (
    (Violation.FILE_NOT_STATED, 'has a file, and is not listed.', 'Use --fix, which lists it.'),
    (Violation.FILE_MISSING, 'is listed, and has no file.',
     'Use --fix, which removes it from the lists, and upload its file again.'),
    (Violation.WRONG_SHA512, 'states another checksum than that of its file.', 'Use --fix, which corrects it.'),
)


def without_files(_options: Options) -> Iterator[Finding]:
    """Packages that never got a file, so that no list has them."""
    abandoned = {keys.HAS_FILE: False, 'updated': {'$lt': clock.now() - ABANDONED}}
    for item in Item().find({**PACKAGES, **abandoned}, fields=['name']):
        if File().findOne({'itemId': item['_id']}, fields=['_id']) is None:
            yield Finding(WARNING, f'{name(item)} has had no file for more than a day; it is not listed.',
                          'Upload its file, or delete it.')


def contradictions(_options: Options) -> Iterator[Finding]:
    """Packages that have several files, or contradict their file."""
    pipeline: list[Document] = [
        {'$match': PACKAGES},
        {'$lookup': {'from': 'file', 'localField': '_id', 'foreignField': 'itemId', 'as': 'files'}}]
    # A transaction changes a package and its files together.
    found = [one for item in transactions.at_one_moment(Item()).aggregate(pipeline) for one in _findings(item)]
    yield from found


def _findings(item: Document) -> Iterator[Finding]:
    files = sorted(item['files'], key=lambda file: (file['created'], file['_id']))
    # A contradiction is repaired by keeping one file; which one of several is for a person to choose.
    yield from _several(item, files) if len(files) > 1 else _contradictions_of(item, files)


def _several(item: Document, files: list[Document]) -> Iterator[Finding]:
    same = len({(file.get('sha512'), file.get('size')) for file in files}) == 1 and files[0].get('sha512')
    waits = files[-1]['name'] == REPLACEMENT_NAME
    if waits and files[-1]['created'] > clock.now() - ABANDONED:
        return  # its uploader deletes the older one next
    names = ', '.join(name(file) for file in files)
    yield Finding(ERROR, f'{name(item)} has {len(files)} files: {names}.',
                  'Delete all but one; clients cannot install a package with several.',
                  partial(_reconcile, item) if same and not waits else None)


def _contradictions_of(item: Document, files: list[Document]) -> Iterator[Finding]:
    violations = package_violations(stated_by(item), files_of_package(
        FileFacts(file['name'], file.get('sha512'), file.get('size')) for file in files))
    yield from [Finding(ERROR, f'{name(item)} {what}', todo, partial(_reconcile, item))
                for violation, what, todo in _CONTRADICTIONS if violation in violations][:1]
    if Violation.WRONG_SIZE in violations:
        yield Finding(WARNING, f'{name(item)} has the size {item["size"]}, but its file has another size.',
                      'Use --fix, which corrects it.', partial(_reconcile, item))


def _reconcile(item: Document) -> None:
    item_files.settle(item)
    now = Item().load(item['_id'], force=True)
    if now:
        Item().recalculateSize(now)
