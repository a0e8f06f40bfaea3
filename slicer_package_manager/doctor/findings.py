"""The findings of checks."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from slicer_package_manager.registry.schema.invariants import Bytes, Violation, bytes_violation
from slicer_package_manager.registry.schema.types import Document

ERROR, WARNING = 'error', 'warning'
#: Work that was begun and not finished for this long is abandoned.
ABANDONED = timedelta(days=1)
#: What to do about lost bytes.
UPLOAD_AGAIN = 'Upload it again, or restore a backup elsewhere and take it from there.'


@dataclass(frozen=True)
class Finding:
    """One problem of an installation.

    ``what`` names the problem and ``todo`` the remedy. ``repair``, if there is one, applies the remedy; it never
    removes anything that a user may want.
    """

    severity: str
    what: str
    todo: str
    repair: Callable[[], Any] | None = None  # what it returns is ignored


@dataclass(frozen=True)
class Options:
    """How thorough the checks are: ``sample`` is the number of files whose bytes are read, ``None`` for all files."""

    sample: int | None = 50


class Check(NamedTuple):
    """A check: its name, what it expects, and the function that finds what is not so."""

    name: str
    expects: str
    find: Callable[[Options], Iterator[Finding]]

    def findings(self, options: Options) -> Iterator[Finding]:
        """Yield what :attr:`find` finds; a check that stops at a damaged document is a finding too.

        :raises PyMongoError, OSError: the database or a disk cannot be reached, so that no check is possible.
        """
        try:
            yield from self.find(options)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            yield Finding(ERROR, f'This check stopped at a damaged document ({type(error).__name__}: {error}).',
                          'Repair what the check "documents" found, and run the doctor again.')


def bytes_finding(file: Document, place: object, found: Bytes | None) -> Finding | None:
    """Compare the bytes ``found`` at ``place``, ``None`` if there are none, with what their ``file`` states."""
    stated = Bytes(file.get('size'), file.get('sha512'))
    violation = bytes_violation(stated, found)
    if violation is None:
        return None
    size, sha512 = found or (None, None)
    what = {
        Violation.BYTES_MISSING: f'The bytes of {file_name(file)} are not at {place}.',
        Violation.BYTES_OF_OTHER_SIZE: f'{file_name(file)} has {size} bytes at {place} instead of {stated.size}.',
        Violation.BYTES_CHANGED: f'The bytes of {file_name(file)} at {place} have the checksum {str(sha512)[:16]}... '
                                 f'instead of {str(stated.sha512)[:16]}...',
    }
    return Finding(ERROR, what[violation], UPLOAD_AGAIN)


def file_name(document: Document) -> str:
    """The name of a file or an upload in messages, with its id and that of its item."""
    place = f' of the item {document["itemId"]}' if document.get('itemId') else ''
    return f'"{document["name"]}" ({document["_id"]}{place})'


def name(document: Document) -> str:
    """The name of a folder or an item in messages, with its id."""
    return f'"{document["name"]}" ({document["_id"]})'
