"""The report of a migration: what was taken over, and what a person should know or decide."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from slicer_package_manager.registry.schema import urls
from slicer_package_manager.registry.schema.types import Document


class Outcome(Enum):
    """What a note says about a document of the source."""

    #: Values were changed, so that they are valid here.
    MENDED = 'mended'
    #: It is here, and no list has it.
    NOT_LISTED = 'not listed'
    #: Fewer people can read it than before.
    NOW_HIDDEN = 'now hidden'
    #: It was deleted here.
    DELETED = 'deleted'
    #: It is not here, or is left as it is.
    LEFT_OUT = 'left out'
    #: Its bytes are missing, or are others than the source states.
    LOST = 'lost'
    #: The verification found another value here.
    DIFFERENT = 'different'
    #: A person has to decide.
    UNDECIDED = 'undecided'


#: After these, the command exits with 1.
FOR_A_PERSON = frozenset({Outcome.LOST, Outcome.DIFFERENT, Outcome.UNDECIDED})


class Note(NamedTuple):
    """One line of the report.

    :param kind: of the document, such as ``item``.
    :param remedy: what a person can do, if anything.
    :param fields: the values that are others here than at the source, such as ``name`` and ``meta.os``. ``meta`` is all
        metadata, and ``_id`` means that another document stands for this one.
    """

    outcome: Outcome
    kind: str
    id: str
    name: str
    reason: str
    remedy: str = ''
    fields: tuple[str, ...] = ()

    def as_json(self) -> Document:
        """The note as it is in the report."""
        return {**self._asdict(), 'outcome': self.outcome.value}


class Report:
    """What a run has found and done.

    :ivar totals: numbers by what they count, such as ``items`` and ``items written``.
    """

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self.notes: list[Note] = []

    def add(self, notes: Iterable[Note]) -> None:
        """Add ``notes`` to the report, without the credentials of URLs in them."""
        self.notes.extend(one._replace(name=urls.without_credentials(one.name),
                                       reason=urls.without_credentials(one.reason)) for one in notes)

    @property
    def undecided(self) -> list[Note]:
        """The notes that a person has to look at before the switch."""
        return [note for note in self.notes if note.outcome in FOR_A_PERSON]

    def as_json(self) -> Document:
        """The report as a JSON document."""
        return {'totals': dict(sorted(self.totals.items())), 'notes': [note.as_json() for note in self.notes],
                'conclusion': self.conclusion()}

    def conclusion(self) -> str:
        """The sentence at the end: whether to switch."""
        if not self.undecided:
            return 'Ready to switch.'
        found = Counter(note.outcome.value for note in self.undecided)
        listed = ' and '.join(f'{number} {outcome}' for outcome, number in sorted(found.items()))
        return f'Not ready to switch: {listed}; see these lines of the report.'
