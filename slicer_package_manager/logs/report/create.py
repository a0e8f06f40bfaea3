"""Make a report: a directory with ``report.html``, and for each plot a ``.csv`` and a ``.png``."""
from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from slicer_package_manager import csv_cells
from slicer_package_manager.logs import check, manifest
from slicer_package_manager.logs.check import Period
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.place import Place, replaced
from slicer_package_manager.logs.report import comparison, daily_files, tables
from slicer_package_manager.logs.report.comparison import Comparison
from slicer_package_manager.logs.report.daily_files import DailyFiles, Span
from slicer_package_manager.logs.report.images import images
from slicer_package_manager.logs.report.page import About, Part, page
from slicer_package_manager.logs.report.sections import NAMES, sections
from slicer_package_manager.logs.report.tables import Table

NAME = 'report.html'


class Options(NamedTuple):
    """What a report is about.

    :param check: the file with the comparison of ``logs check``; by default the one beside the daily files, if any.
    :param notice: what the database of countries requires to be shown.
    """

    period: Period = Period()
    check: Path | None = None
    notice: str = ''


class Report(NamedTuple):
    """A report that was made: its page, its period, and the number of downloads."""

    path: Path
    period: Span
    downloads: int


def create(place: Place, output: Path, options: Options) -> Report:
    """Make the report of the daily files in ``place``, and write it to the directory ``output``.

    :raises LogsError: the period has no downloads, or a file cannot be read.
    """
    with daily_files.opened(place.published, options.period) as files:
        totals = tables.summary(files)
        if not any(totals.values()):
            raise LogsError(f'The daily files of {files.period.first} to {files.period.last} have no downloads. Choose '
                            'another period with --from and --to.')
        parts = [Part(one, images(one.plot) if one.plot else None, _csv(one.table))
                 for one in sections(files, _comparison(place, options, files.period))]
        _write(output, page(_about(place, files, totals, options.notice), parts), parts)
        return Report(output / NAME, files.period, totals['Downloads'])


def _comparison(place: Place, options: Options, period: Span) -> Comparison | None:
    found = comparison.found(options.check or place.published / check.NAME, period)
    if options.check and not found:
        raise LogsError(f'{options.check} compares no day of {period.first} to {period.last}.')
    return found


def _about(place: Place, files: DailyFiles, totals: Mapping[str, int], notice: str) -> About:
    there = files.there(files.period)
    known = manifest.read(place)['days']
    return About(files.period, totals, [day for day in files.period.days if day not in there],
                 [day for day in there if not known.get(day.isoformat(), {'final': True})['final']], notice)


def _csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(table.columns)
    writer.writerows([csv_cells.harmless(value) for value in row] for row in table.rows)
    return text.getvalue()


def _write(output: Path, html: str, parts: Iterable[Part]) -> None:
    """Write all files, the page as the last one; delete those that an earlier report had more."""
    files: dict[str, bytes] = {}
    for section, drawn, text in parts:
        files[f'{section.name}.csv'] = text.encode()
        if drawn:
            files[f'{section.name}.png'] = drawn.png
    for name, content in {**files, NAME: html.encode()}.items():
        with replaced(output / name) as new:
            new.write_bytes(content)
    for name in {f'{one}.{suffix}' for one in NAMES for suffix in ('csv', 'png')} - files.keys():
        (output / name).unlink(missing_ok=True)
