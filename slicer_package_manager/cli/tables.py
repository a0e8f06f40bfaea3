"""Tables on standard output."""
import json
import sys
from collections.abc import Mapping, Sequence

import click


def show(columns: Sequence[str], rows: Sequence[Mapping[str, object]], *, as_json: bool = False) -> None:
    """Print ``rows``, whose keys are ``columns`` in lower case. Lines are wrapped only on a terminal.

    :param as_json: print all values of the rows as JSON instead.
    """
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console  # noqa: PLC0415 - most commands need not load it
    from rich.table import Table  # noqa: PLC0415
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(str(row[column.lower()]) for column in columns))
    Console(width=None if sys.stdout.isatty() else 10_000, highlight=False, markup=False).print(table)
