"""What commands print: tables as release 0.11 printed them, JSON, questions and notes."""
from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client.errors import SlicerPackageManagerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PADDING = 2


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Two lines of head, then one line for each row; no cell holds a line break."""
    cells = [[' '.join(str('' if value is None else value).split()) for value in row] for row in rows]
    widths = [max(len(head) + _PADDING, *(len(row[column]) for row in cells), 0)
              for column, head in enumerate(heads)]
    lines = [heads, ['-' * width for width in widths], *cells]
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def show(document: Any, text: str, *, as_json: bool) -> None:
    """Print the answer of a command on stdout, for scripts or for people."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str) if as_json else text)


def note(text: str) -> None:
    """Print on stderr what is worth knowing, but no part of the answer."""
    click.echo(text, err=True)


def interactive() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask(question: str) -> str | None:
    """The answer to ``question``: of the user, or the next line of the input with text; ``None`` if that has ended.

    The published client 0.11 reads answers from a pipe too.
    """
    if interactive():
        return str(click.prompt(question, err=True))
    lines = (line.strip() for line in iter(sys.stdin.readline, ''))
    return next(filter(None, lines), None)


def confirm(question: str, *, yes: bool) -> None:
    """Ask, if there is somebody to be asked.

    :raises SlicerPackageManagerError: the answer was no.
    """
    if not yes and interactive() and not click.confirm(question, err=True):
        raise SlicerPackageManagerError('Not confirmed; nothing was deleted.')
