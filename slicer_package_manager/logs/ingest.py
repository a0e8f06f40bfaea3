"""Read logs into the records of their days, each line once, however often and in whichever files it arrives.

Files may be sent again, overlap, grow, and end in the middle of a line. The result does not depend on their order:

1. What is known of the contents of a file is left out, see :mod:`ledger`.
2. In each chain of contents, a line counts as often as it is there.
3. Among the chains of one source, it counts as often as in the one that has it most often.
4. A line that is not complete yet is read when the log has grown. A last line without a line break is a chain of its
   own if it looks complete, so that it counts once, whether the log grows or not.
"""
from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slicer_package_manager.logs import days as open_days
from slicer_package_manager.logs.days import Days
from slicer_package_manager.logs.engine import Counts, Engine
from slicer_package_manager.logs.ledger import Content, Flush, Ledger
from slicer_package_manager.logs.raw_logs import RawLogs
from slicer_package_manager.logs.reading import DamagedError, Lines, blocks, readable_blocks
from slicer_package_manager.progress import Advance

#: How many records are in memory before they are written.
_RECORDS = 250_000
#: Where the first line of a log is looked for, in bytes.
_HEAD = 1 << 16
#: How complete lines end that have no line break, by how they begin.
_ENDS = {b'{': b'}'}
_QUOTED = b'"'


@dataclass
class FileReport:
    """What became of a file.

    :param lines: the number of lines that were read, by reason; see :data:`counting.REASONS`.
    :param known: how many bytes of its contents were read before.
    :param problem: why it was not read, or not to its end.
    :param incomplete: whether its last line is not complete yet.
    """

    name: str
    lines: Counter[str] = field(default_factory=Counter)
    known: int = 0
    problem: str = ''
    incomplete: bool = False

    @property
    def is_no_log(self) -> bool:
        """Whether there are lines, and none is in a known format."""
        return bool(self.lines) and self.lines['damaged'] == self.lines.total()


class Ingest:
    """Reads logs of ``source`` by ``engine``.

    :param raw: where lines for raw logs are written, if ``engine`` stages them.
    :param dry: nothing is written.
    """

    def __init__(self, ledger: Ledger, days: Days, engine: Engine, source: str, *, raw: RawLogs,
                 dry: bool = False) -> None:
        self._ledger, self._days, self._engine, self._source, self._dry = ledger, days, engine, source, dry
        self._raw = raw
        self._flush = Flush(secrets.token_hex(8))
        self._reports: list[tuple[FileReport, Counts]] = []

    def read(self, paths: Sequence[Path], advance: Advance) -> list[FileReport]:
        """Read the files ``paths``, and return what became of each."""
        for path in paths:
            self._file(path, advance)
        self._commit()
        for report, counts in self._reports:
            report.lines = counts.reasons
            if report.is_no_log and not report.problem:
                report.problem = 'it is no access log: no line is in a known format'
        return [report for report, _ in self._reports]

    def _file(self, path: Path, advance: Advance) -> None:
        report, counts = FileReport(str(path)), Counts()
        self._reports.append((report, counts))
        try:
            self._contents(path, report, counts, advance)
        except (OSError, DamagedError) as error:
            report.problem = error.strerror or str(error) if isinstance(error, OSError) else str(error)

    def _contents(self, path: Path, report: FileReport, counts: Counts, advance: Advance) -> None:
        head = self._ledger.head(_first_line(path))
        known = self._known(path, head)
        chain = known.chain if known else secrets.token_hex(8)
        report.known = known.size if known else 0
        digest = self._ledger.checksum()
        lines = Lines(blocks(path, advance), report.known, digest)
        end, last = report.known, b''

        def note() -> None:
            if end > report.known:
                self._note(Content(self._source, head, end, digest.hexdigest(), chain))
        try:
            for piece in lines:
                self._engine.submit(piece.lines, self._source, chain, counts)
                end, last = piece.end, piece.lines
                if self._engine.wait_if_full(_RECORDS):
                    note()
                    self._commit()
        finally:
            note()
        self._rest(lines.rest, last, report, counts)

    def _known(self, path: Path, head: str) -> Content | None:
        """Return the known content with which ``path`` begins, if the rest of it can be added to that chain."""
        candidates = {one.size: one for one in self._ledger.candidates(self._source, head)}
        found, has_more = _longest(path, candidates, self._ledger) if candidates else (None, False)
        return None if found and has_more and not self._ledger.is_tip(found) else found

    def _rest(self, rest: bytes, last: bytes, report: FileReport, counts: Counts) -> None:
        """Read what follows the last line break, if it looks like a complete line."""
        if not rest:
            return
        end = _ENDS.get(rest[:1], _QUOTED)
        if not rest.endswith(end) or (last and not last.rstrip(b'\r\n').endswith(end)):
            report.incomplete = True
            return
        digest = self._ledger.checksum()
        digest.update(rest)
        chain = digest.hexdigest()[:16]
        if chain not in self._ledger.tips:
            self._engine.submit(rest, self._source, chain, counts)
            self._note(Content(self._source, '', len(rest), digest.hexdigest(), chain))

    def _note(self, content: Content) -> None:
        self._ledger.note(content)
        self._flush.contents.append(content)

    def _commit(self) -> None:
        """Write the staged records and, after them, their commit."""
        self._engine.wait()
        if self._dry:
            self._engine.clear()
            return
        flush, self._flush = self._flush, Flush(secrets.token_hex(8))
        for _, counts in self._reports:
            for hour in counts.hours:
                flush.note_hour(self._source, f'{hour:%Y-%m-%d}', hour.hour)
            counts.hours.clear()
        paths = self._write(flush)
        if flush.contents:
            open_days.commit_files(paths)
            self._ledger.commit(flush)
        self._engine.clear()

    def _write(self, flush: Flush) -> list[Path]:
        """Write what is staged, and return the files."""
        paths = []
        for day in self._engine.days():
            paths.append(self._days.prepare(day) / f'{flush.id}.parquet')
            self._engine.write(day, paths[-1])
        for day in self._engine.raw_days():
            self._days.prepare(day)  # its salt is that of the pseudonyms
            paths.append(self._raw.prepare(day) / f'{flush.id}.parquet')
            self._engine.write_raw(day, paths[-1])
        return paths


def _first_line(path: Path) -> bytes:
    """Return the first line of a log that is no header."""
    begin = b''
    for block in readable_blocks(path):
        begin += block[:_HEAD]
        if len(begin) >= _HEAD:
            break
    lines = begin[:_HEAD].split(b'\n')
    return next((line for line in lines if not line.startswith(b'#')), b'')


def _longest(path: Path, candidates: dict[int, Content], ledger: Ledger) -> tuple[Content | None, bool]:
    """Return the longest of ``candidates`` (by size) that ``path`` begins with, and whether lines follow it."""
    digest, at, found, last_break = ledger.checksum(), 0, None, 0
    sizes = sorted(candidates, reverse=True)
    for block in readable_blocks(path):
        begin = at
        while sizes and begin + len(block) >= sizes[-1]:
            size = sizes.pop()
            digest.update(block[at - begin:size - begin])
            at = size
            found = candidates[size] if digest.hexdigest() == candidates[size].digest else found
        digest.update(block[at - begin:])
        at = begin + len(block)
        last_break = max(last_break, begin + block.rfind(b'\n') + 1)
        if not sizes and (found is None or last_break > found.size):
            break
    return found, found is not None and last_break > found.size


def files_below(directory: Path, pattern: str) -> Iterator[Path]:
    """Yield the files below ``directory`` whose names match ``pattern``, in order; hidden ones are left out."""
    for path in sorted(directory.rglob(pattern)):
        if path.is_file() and not any(part.startswith('.') for part in path.relative_to(directory).parts):
            yield path


def total_size(paths: Iterable[Path]) -> int:
    """Return the size of the files that exist."""
    return sum(path.stat().st_size for path in paths if path.is_file())
