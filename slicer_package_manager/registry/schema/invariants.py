"""The invariants that connect packages, their files and the bytes of these files.

1. A document that refers to a parent has one: files are in items, items in folders, folders in a folder, a collection
   or a user (:data:`REFERENCES`).
2. A package has one file. A second one is allowed only while it waits to replace the first (:data:`REPLACEMENT_NAME`).
3. A package states whether it has a file, the SHA-512 of the file that readers get, and the size of all its files.
4. A package has the registration that follows from its folder, see ``registry/tree/consistency.py``.
5. A folder has the size of its items, and a collection that of all items below it. Both follow after the commit, so
   that uploads to one collection do not wait for each other; they are wrong if the process is killed before.
6. The bytes of a file are in its store: as many as its size states, with the SHA-512 that it states.

The functions take plain facts, so that every source can supply them: the live database of the doctor, the documents in
a backup, the objects that a restoration copies.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

from slicer_package_manager.registry.schema.types import Document

#: The name under which older clients upload a replacement; they delete the old file and rename the new one then.
REPLACEMENT_NAME = 'new_file'


class Violation(Enum):
    """A way in which stored data contradicts an invariant."""

    #: The package states that it has a file, and has none.
    FILE_MISSING = auto()
    #: The package has a file, and states that it has none.
    FILE_NOT_STATED = auto()
    #: The package states another SHA-512 than the file that readers get.
    WRONG_SHA512 = auto()
    #: The package states another size than that of its files.
    WRONG_SIZE = auto()
    #: The package has several files, none of which waits to replace another one.
    SEVERAL_FILES = auto()
    #: The store does not have the bytes of the file.
    BYTES_MISSING = auto()
    #: The store has another number of bytes.
    BYTES_OF_OTHER_SIZE = auto()
    #: The bytes in the store have another SHA-512.
    BYTES_CHANGED = auto()


class Reference(NamedTuple):
    """Documents of the collection ``child`` name a document of the collection ``parent`` by ``key``.

    ``condition`` is the field and the value that a child must have for this; ``optional`` states that ``key`` may be
    missing or ``None``.
    """

    child: str
    key: str
    parent: str
    condition: tuple[str, str] | None = None
    optional: bool = False

    @property
    def without_parent(self) -> list[Document]:
        """The aggregation of ``child`` that gives ``_id``, ``name`` and ``key`` of the children without a parent."""
        return [
            {'$match': {**dict([self.condition] if self.condition else []),
                        **({self.key: {'$ne': None}} if self.optional else {})}},
            {'$lookup': {'from': self.parent, 'localField': self.key, 'foreignField': '_id', 'as': 'parent'}},
            {'$match': {'parent': []}}, {'$project': {'name': 1, self.key: 1}}]


REFERENCES = (
    Reference('file', 'itemId', 'item', optional=True),
    Reference('item', 'folderId', 'folder'),
    Reference('folder', 'parentId', 'folder', ('parentCollection', 'folder')),
    Reference('folder', 'parentId', 'collection', ('parentCollection', 'collection')),
    Reference('folder', 'parentId', 'user', ('parentCollection', 'user')),
)


class FileFacts(NamedTuple):
    """The values of a file document that its package depends on; ``size`` in bytes."""

    name: str
    sha512: str | None
    size: int | None


class Statement(NamedTuple):
    """What a package states about its files; ``sha512`` is ``''`` where it is unknown, ``size`` is in bytes."""

    has_file: bool
    sha512: str
    size: int


def stated_by(package: Mapping[str, Any]) -> Statement:
    """What the item ``package`` states about its files."""
    spm, meta = package.get('spm') or {}, package.get('meta') or {}
    return Statement(bool(spm.get('ready')), meta.get('sha512') or '', package.get('size') or 0)


class FilesOfPackage(NamedTuple):
    """The files of one package: how many there are, and what the package must state about them."""

    number: int
    statement: Statement
    replacement_waits: bool


def files_of_package(files: Iterable[FileFacts]) -> FilesOfPackage:
    """Summarize ``files``, ordered by creation and id: readers get the first one. Reads each once and keeps none."""
    number, sha512, size, newest = 0, '', 0, ''
    for file in files:
        sha512 = sha512 if number else file.sha512 or ''
        number, size, newest = number + 1, size + (file.size or 0), file.name
    return FilesOfPackage(number, Statement(number > 0, sha512, size), number > 1 and newest == REPLACEMENT_NAME)


def package_violations(stated: Statement, files: FilesOfPackage) -> set[Violation]:
    """Compare what a package states with its ``files``."""
    true = files.statement
    found = {
        Violation.FILE_MISSING: stated.has_file and not true.has_file,
        Violation.FILE_NOT_STATED: true.has_file and not stated.has_file,
        Violation.WRONG_SHA512: stated.sha512 != true.sha512,
        Violation.WRONG_SIZE: stated.size != true.size,
        Violation.SEVERAL_FILES: files.number > 1 and not files.replacement_waits,
    }
    return {violation for violation, is_true in found.items() if is_true}


class Bytes(NamedTuple):
    """The bytes of a file: how many, and their SHA-512; ``None`` where a value is unknown."""

    size: int | None
    sha512: str | None = None


def bytes_violation(stated: Bytes, found: Bytes | None) -> Violation | None:
    """Compare the bytes that a file states with those in its store, ``None`` where the store has none."""
    if found is None:
        return Violation.BYTES_MISSING
    if _differ(stated.size, found.size):
        return Violation.BYTES_OF_OTHER_SIZE
    return Violation.BYTES_CHANGED if _differ(stated.sha512, found.sha512) else None


def _differ(stated: int | str | None, found: int | str | None) -> bool:
    return stated is not None and found is not None and stated != found
