"""What the commands ``migrate`` print at their end, and how they exit."""
from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from slicer_package_manager.migration.notes import Note, Report

#: The exit codes of a migration that a person has to decide on, and of one that is not done.
UNDECIDED, NOT_DONE = 1, 2
#: How many lines of one outcome are printed; the report has all.
_PRINTED = 20
_CONTROL_CHARACTERS = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]')


def finish(found: Report, report: Path | None, *, dry_run: bool) -> None:
    """Print the report, write it to the file ``report`` if there is one, and exit."""
    _print(found, dry_run=dry_run)
    if report:
        try:
            report.write_text(json.dumps(found.as_json(), indent=2) + '\n')
        except OSError as error:
            click.echo(f'Error: the migration is done, but its report cannot be written: {error}', err=True)
            sys.exit(NOT_DONE)
    sys.exit(UNDECIDED if found.undecided else 0)


def _print(report: Report, *, dry_run: bool) -> None:
    by_outcome: dict[str, list[Note]] = {}
    for note in report.notes:
        by_outcome.setdefault(note.outcome.value, []).append(note)
    for outcome, notes in by_outcome.items():
        for note in notes[:_PRINTED]:
            click.echo(_visible(f'{outcome}: {note.kind} "{note.name}" ({note.id}): {note.reason}')
                       + (f'\n    {_visible(note.remedy)}' if note.remedy else ''))
        if notes[_PRINTED:]:
            click.echo(f'{outcome}: {len(notes) - _PRINTED} more; --report FILE writes all.')
    _print_totals(report.totals)
    if dry_run:
        click.echo('This was a dry run; nothing was written.')
    click.echo(report.conclusion())


def _visible(text: str) -> str:
    """``text`` with escapes for the characters that could move the cursor or look like another line."""
    return _CONTROL_CHARACTERS.sub(lambda found: found[0].encode('unicode_escape').decode(), text)


def _print_totals(totals: Counter[str]) -> None:
    for name, number in sorted(totals.items()):
        click.echo(f'{name}: {number:,}')
