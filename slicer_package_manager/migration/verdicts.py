"""What to do with a document of the source: it is new, or the same, or was changed at the source, here, or at both."""
from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from slicer_package_manager.migration.journal import digest
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.references import PLACE
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.registration import ORIGIN

#: What each server changes by itself: it is written once.
_OF_THIS_SERVER = ('lastUse',)
#: The keys that are removed from a document when the source no longer has them.
_REMOVED = ('spm', ORIGIN, 'meta', *PLACE, 'linkUrl', 'attachedToType', 'attachedToId', 'otp')


class Verdict(Enum):
    """What to do with a document."""

    WRITE = auto()
    SAME = auto()
    #: It was changed here only, and stays.
    KEEP = auto()
    #: It was deleted here.
    DELETED = auto()
    #: It was changed here and at the source.
    UNDECIDED = auto()
    #: It is here, and no migration has written it.
    TAKEN = auto()
    #: Another document has its name or identity, and stays.
    BLOCKED = auto()


def verdict(before: Document | None, after: Document, written: bytes | None, *, is_own: bool = False,
            again: bool = False) -> Verdict:
    """Decide on the document ``after`` of the source, of which this server has ``before``.

    :param written: the digest of what a migration wrote last; ``None`` if none did.
    :param is_own: the document of the source is the same one, which is migrated in place.
    :param again: take what was deleted here.
    """
    if before is None:
        return Verdict.DELETED if written is not None and not again else Verdict.WRITE
    if not differences(before, after):
        return Verdict.SAME
    if is_own or (written and digest(before) == written):
        return Verdict.WRITE
    if written is None:
        return Verdict.TAKEN
    return Verdict.KEEP if digest(after) == written else Verdict.UNDECIDED


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Document:
    """The update that makes ``before`` the same as ``after``; empty if it is. Other keys of ``before`` stay."""
    changed = {key: value for key, value in after.items()
               if key not in _OF_THIS_SERVER and (key not in before or before[key] != value)}
    removed = dict.fromkeys((key for key in _REMOVED if key in before and key not in after), '')
    if 'itemId' in after and 'beside' not in before.get('spm', ()):
        removed.pop('spm', None)  # it is about the link of the file
    return {**({'$set': changed} if changed else {}), **({'$unset': removed} if removed else {})}


#: The verdicts that are reported.
REFUSALS = {
    Verdict.UNDECIDED: (
        Outcome.UNDECIDED, 'it was changed here and at the source since the migration before; the one here stays',
        'Make both the same, or delete one of them.'),
    Verdict.TAKEN: (Outcome.UNDECIDED, 'another document here has its id; it stays',
                    'Make both the same, or delete one of them.'),
    Verdict.BLOCKED: (Outcome.UNDECIDED, 'another folder here has its name or its revision; that one stays',
                      'Rename or delete one of the two, and run the migration again.'),
    Verdict.DELETED: (Outcome.LEFT_OUT, 'it was deleted here', 'To take it again, use --take-deleted.'),
}


def refusal(collection: str, document: Document, what: Verdict) -> Note:
    """The note about ``document`` of ``collection``, which is not written; see :data:`REFUSALS`."""
    outcome, reason, remedy = REFUSALS[what]
    name = document.get('name', document.get('login', ''))
    return Note(outcome, collection, str(document['_id']), str(name), reason, remedy)
