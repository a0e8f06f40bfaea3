"""Output of commands: tables in the format of release 0.11, JSON, questions and notes."""
from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client import config
from slicer_package_manager_client.errors import InvalidRequest, SlicerPackageManagerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PADDING = 2


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Format two header lines, then one line for each row; cells have no line breaks."""
    cells = [[' '.join(str('' if value is None else value).split()) for value in row] for row in rows]
    widths = [max(len(head) + _PADDING, *(len(row[column]) for row in cells), 0)
              for column, head in enumerate(heads)]
    lines = [heads, ['-' * width for width in widths], *cells]
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def show(document: Any, text: str, *, as_json: bool) -> None:
    """Print the result of a command on stdout, as JSON or as text."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str) if as_json else text)


def planned(what: str, *, as_json: bool, **more: Any) -> None:
    """Print what the command would do without ``--dry-run``."""
    show({'status': 'planned', 'would': what, **more}, f'Would {what}.', as_json=as_json)


def note(text: str) -> None:
    """Print a remark on stderr, so that stdout has the result only."""
    click.echo(text, err=True)


def interactive() -> bool:
    """Whether stdin and stdout are a terminal, so that the user can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask(question: str) -> str | None:
    """Return the answer of the user, or the next line with text of a pipe; ``None`` at its end.

    The published client 0.11 reads answers from a pipe, too.
    """
    if interactive():
        return str(click.prompt(question, err=True))
    lines = (line.strip() for line in iter(sys.stdin.readline, ''))
    return next(filter(None, lines), None)


def ask_secret(what: str) -> str:
    """Return the first word of the answer of the user, which is not shown, or of stdin if that is no terminal.

    :raises InvalidRequest: there is no word.
    """
    is_asked = sys.stdin.isatty()
    answer = click.prompt(what, hide_input=True, err=True).encode() if is_asked else sys.stdin.buffer.read()
    try:
        word = config.first_word(answer)
    except ValueError as error:
        raise InvalidRequest(f'There is no {what} on standard input: {error}.') from error
    if not word:
        raise InvalidRequest(f'No {what} was given.')
    return word


def confirm(question: str, *, yes: bool) -> None:
    """Ask for confirmation on a terminal, unless ``yes`` is given.

    :raises SlicerPackageManagerError: the user declined.
    """
    if not yes and interactive() and not click.confirm(question, err=True):
        raise SlicerPackageManagerError('Not confirmed; nothing was deleted.')
