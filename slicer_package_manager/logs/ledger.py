"""The ledger: which contents of logs have been read, and which days are sealed.

It has one line of JSON for each commit, which is either a flush or a seal:

1. The records of a flush are written, one file for each day, named after the flush.
2. Its line is appended: what was read of each content, and in which hours there were requests.
3. A process that is killed before has committed nothing: at the next start, files of a flush that the ledger lacks are
   deleted (:func:`days.clean`), and the contents are read again.

A content is known by its checksum, after decompression and up to the end of its last complete line. A log that has
grown begins with a known content; the rest of it belongs to the same *chain*. Other contents begin a chain. Checksums
are keyed, since that of a log with one line would allow to guess the line.
"""
from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any

from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.place import Place, replaced

#: Of the checksum of the first line, so many digits are kept: enough to find the contents to compare with.
_HEAD_DIGITS = 4


@dataclass(frozen=True)
class Content:
    """What was read of a log.

    :param head: see :meth:`Ledger.head`.
    :param size: the number of bytes from its beginning.
    :param digest: their checksum.
    """

    source: str
    head: str
    size: int
    digest: str
    chain: str


@dataclass
class Flush:
    """What one commit adds.

    :param hours: for each source and day, the hours with requests, as bits of a number.
    """

    id: str
    contents: list[Content] = field(default_factory=list)
    hours: dict[str, dict[str, int]] = field(default_factory=dict)

    def note_hour(self, source: str, day: str, hour: int) -> None:
        """Note that there were requests in the ``hour`` of ``day``."""
        days = self.hours.setdefault(source, {})
        days[day] = days.get(day, 0) | 1 << hour


class Ledger:
    """The ledger in ``place``, which the caller has locked."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._contents: dict[tuple[str, str], list[Content]] = {}
        self.tips: dict[str, Content] = {}
        self.flushes: set[str] = set()
        self.sealed: set[date] = set()
        self.hours: dict[str, dict[str, int]] = {}
        self._key = self._load_key()
        self._load()

    def _load_key(self) -> bytes:
        if not self._place.key.exists():
            with replaced(self._place.key) as new:
                new.write_text(secrets.token_hex(32))
        return bytes.fromhex(self._place.key.read_text())

    def _load(self) -> None:
        """Read all commits; what follows the last complete line was not committed.

        :raises LogsError: a line is damaged.
        """
        if not self._place.ledger.exists():
            return
        text = self._place.ledger.read_bytes()
        whole = text.rfind(b'\n') + 1
        for number, line in enumerate(text[:whole].splitlines(), 1):
            try:
                self._apply(json.loads(line))
            except ValueError as error:
                raise LogsError(f'Line {number} of {self._place.ledger} is damaged: {error}. Restore the statistics '
                                'directory from a backup: without it, lines would count twice.') from error
        if whole < len(text):
            os.truncate(self._place.ledger, whole)

    def _apply(self, commit: dict[str, Any]) -> None:
        if 'sealed' in commit:
            self.sealed.add(date.fromisoformat(commit['sealed']))
            return
        self.flushes.add(commit['flush'])
        for one in commit['contents']:
            self.note(Content(**one))
        for source, days in commit['hours'].items():
            for day, hours in days.items():
                mine = self.hours.setdefault(source, {})
                mine[day] = mine.get(day, 0) | hours

    def checksum(self) -> blake2b:
        """Return a checksum of nothing yet."""
        return blake2b(key=self._key, digest_size=32)

    def head(self, first_line: bytes) -> str:
        """Return what selects the contents that may begin with ``first_line``."""
        return blake2b(first_line, key=self._key).hexdigest()[:_HEAD_DIGITS]

    def candidates(self, source: str, head: str) -> list[Content]:
        """Return the known contents with this head, the smallest one first."""
        return sorted(self._contents.get((source, head), ()), key=lambda one: one.size)

    def is_tip(self, content: Content) -> bool:
        """Whether nothing is known of what follows ``content``."""
        return self.tips[content.chain] == content

    def note(self, content: Content) -> None:
        """Note that ``content`` was read; the next commit has it."""
        self._contents.setdefault((content.source, content.head), []).append(content)
        self.tips[content.chain] = content

    def commit(self, flush: Flush) -> None:
        """Append ``flush``, whose records are on the disk, and whose contents are noted."""
        self._append({'flush': flush.id, 'contents': [vars(one) for one in flush.contents], 'hours': flush.hours})

    def seal(self, days: Iterable[date]) -> None:
        """State that the records of ``days`` are final."""
        for day in days:
            self._append({'sealed': day.isoformat()})

    def _append(self, commit: dict[str, Any]) -> None:
        with self._place.ledger.open('ab') as file:
            file.write(json.dumps(commit, separators=(',', ':')).encode() + b'\n')
            file.flush()
            os.fsync(file.fileno())
        self._apply({**commit, 'contents': []})
