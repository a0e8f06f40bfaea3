"""Read logs into the records of their days, each line once, however often and in whichever files it arrives.

Files may be sent again, overlap, grow, and end in the middle of a line. The result does not depend on their order:

1. What is known of the contents of a file is left out, see :mod:`ledger`.
2. In each chain of contents, a line counts as often as it is there.
3. Among the chains of one source, it counts as often as in the one that has it most often.
4. A line that is not complete yet is read when the log has grown. A last line without a line break is a chain of its
   own if it is complete, see :func:`_is_complete`, so that it counts once, whether the log grows or not.
"""
from __future__ import annotations

import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from slicer_package_manager.logs import days as open_days
from slicer_package_manager.logs.days import Days
from slicer_package_manager.logs.engine import Counts, Engine
from slicer_package_manager.logs.ledger import Content, Flush, Ledger
from slicer_package_manager.logs.raw_logs import RawLogs
from slicer_package_manager.logs.reading import Lines, UnreadableError, blocks, opened, readable_blocks
from slicer_package_manager.progress import Advance

#: How many records are in memory before they are written.
_RECORDS = 250_000
#: Where the first line of a log is looked for, in bytes.
_HEAD = 1 << 16
_ESCAPED = re.compile(rb'\\.')


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
            with opened(path) as log:
                self._contents(log, report, counts, advance)
        except (OSError, UnreadableError) as error:
            report.problem = error.strerror or str(error) if isinstance(error, OSError) else str(error)

    def _contents(self, log: BinaryIO, report: FileReport, counts: Counts, advance: Advance) -> None:
        head = self._ledger.head(_first_line(log))
        known = self._known(log, head)
        chain = known.chain if known else secrets.token_hex(8)
        report.known = known.size if known else 0
        digest = read = self._ledger.checksum()
        lines = Lines(blocks(log, advance), report.known, digest)
        end = report.known

        def note() -> None:
            if end > report.known:
                self._note(Content(self._source, head, end, read.hexdigest(), chain))
        try:
            for piece in lines:
                self._engine.submit(piece.lines, self._source, chain, counts)
                end, read = piece.end, digest.copy()
                if self._engine.wait_if_full(_RECORDS):
                    note()
                    self._commit()
        finally:
            note()
        self._rest(lines, report, counts)

    def _known(self, log: BinaryIO, head: str) -> Content | None:
        """Return the known content with which ``log`` begins, if the rest of it can be added to that chain."""
        candidates = {one.size: one for one in self._ledger.candidates(self._source, head)}
        found, has_more = _longest(log, candidates, self._ledger) if candidates else (None, False)
        return None if found and has_more and not self._ledger.is_tip(found) else found

    def _rest(self, lines: Lines, report: FileReport, counts: Counts) -> None:
        """Read what follows the last line break, if it is a complete line."""
        rest = lines.rest
        if not rest:
            return
        if not _is_complete(rest, lines.last):
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


def _is_complete(rest: bytes, last: bytes) -> bool:
    """Whether ``rest`` lacks nothing but its line break: it has as many quotes as the ``last`` line, or is JSON.

    To count the beginning of a line would be to count it twice when the rest of it arrives.
    """
    if rest.startswith(b'{'):
        return _is_json(rest)
    return rest.endswith(b'"') and last.rstrip(b'\r\n').endswith(b'"') and _quotes(rest) == _quotes(last)


def _is_json(line: bytes) -> bool:
    with suppress(ValueError, RecursionError):
        json.loads(line)
        return True
    return False


def _quotes(line: bytes) -> int:
    return _ESCAPED.sub(b'', line).count(b'"')


def _first_line(log: BinaryIO) -> bytes:
    """Return the first line of a log that is no header."""
    begin = b''
    for block in readable_blocks(log):
        begin += block[:_HEAD]
        if len(begin) >= _HEAD:
            break
    lines = begin[:_HEAD].split(b'\n')
    return next((line for line in lines if not line.startswith(b'#')), b'')


def _longest(log: BinaryIO, candidates: dict[int, Content], ledger: Ledger) -> tuple[Content | None, bool]:
    """Return the longest of ``candidates`` (by size) that ``log`` begins with, and whether lines follow it."""
    digest, at, found, last_break = ledger.checksum(), 0, None, 0
    sizes = sorted(candidates, reverse=True)
    for block in readable_blocks(log):
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


def files_below(directory: Path, pattern: str) -> list[Path]:
    """Return the files below ``directory`` whose names match ``pattern``, in order; hidden ones are left out.

    Also what cannot be read, so that it is reported: directories that cannot be listed, links that lead nowhere or to a
    directory, and pipes.
    """
    errors: list[OSError] = []
    found: list[Path] = []
    for root, folders, names in os.walk(directory, onerror=errors.append):
        folders[:] = [name for name in folders if not name.startswith('.')]
        paths = [Path(root, name) for name in names if not name.startswith('.')]
        paths += [path for path in (Path(root, name) for name in folders) if path.is_symlink()]
        found += [path for path in paths if path.match(pattern)]
    return sorted([*found, *(Path(error.filename) for error in errors)])


def total_size(paths: Iterable[Path]) -> int:
    """Return the size of the files that can be found."""
    total = 0
    for path in paths:
        with suppress(OSError):
            total += path.stat().st_size
    return total
