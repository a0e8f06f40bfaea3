"""What a check finds."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from slicer_package_manager.registry.schema.invariants import Bytes, Violation, bytes_violation

ERROR, WARNING = 'error', 'warning'
#: What was begun and not finished for so long will not be finished any more.
ABANDONED = timedelta(days=1)
#: What to do about bytes that are lost.
AGAIN = 'Upload it again, or restore a backup elsewhere and take it from there.'


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    ``what`` names the fact and ``todo`` the remedy; ``mend``, where it is given, does that and loses nothing that
    anybody may want.
    """

    severity: str
    what: str
    todo: str
    mend: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Options:
    """How thorough the checks are: ``sample`` files are read whole, or all of them with ``None``."""

    sample: int | None = 50


class Check(NamedTuple):
    """A check: its name, what it looks at, and what finds something."""

    name: str
    looks_at: str
    find: Callable[[Options], Iterator[Finding]]

    def made(self, options: Options) -> Iterator[Finding]:
        """What :attr:`find` finds, and that it broke off if it did.

        :raises PyMongoError, OSError: the database or a disk is away, so that no check can be made.
        """
        try:
            yield from self.find(options)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            yield Finding(ERROR, f'This check broke off at a damaged document ({type(error).__name__}: {error}).',
                          'See what "documents" found; mend that first, and check again.')


def bytes_finding(file: dict[str, Any], place: object, found: Bytes | None) -> Finding | None:
    """What is wrong with the bytes ``found`` at ``place``, ``None`` if there are none, compared with their ``file``."""
    stated = Bytes(file.get('size'), file.get('sha512'))
    violation = bytes_violation(stated, found)
    if violation is None:
        return None
    size, sha512 = found or (None, None)
    what = {
        Violation.BYTES_MISSING: f'The bytes of {named(file)} are not at {place}.',
        Violation.BYTES_OF_OTHER_SIZE: f'{named(file)} has {size} bytes at {place} instead of {stated.size}.',
        Violation.BYTES_CHANGED: f'The bytes of {named(file)} at {place} have the checksum {str(sha512)[:16]}... '
                                 f'instead of {str(stated.sha512)[:16]}...',
    }
    return Finding(ERROR, what[violation], AGAIN)


def named(document) -> str:
    """The file or upload ``document``, as it is told."""
    place = f' of the item {document["itemId"]}' if document.get('itemId') else ''
    return f'"{document["name"]}" ({document["_id"]}{place})'
