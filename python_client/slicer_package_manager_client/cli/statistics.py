"""Command that prints download counts."""
from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client.cli import options, output
from slicer_package_manager_client.cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slicer_package_manager_client.registry import Document

_DAY = click.DateTime(['%Y-%m-%d'])
_COLUMNS = ('period', 'kind', 'baseName', 'revision', 'release', 'os', 'arch', 'count')


@click.command()
@options.app_name
@options.option('--from', 'date_from', type=_DAY, help='First day that is counted, as YYYY-MM-DD')
@options.option('--to', 'date_to', type=_DAY, help='Last day that is counted, as YYYY-MM-DD')
@options.option('--by', 'granularity', type=click.Choice(['day', 'month', 'year']),
                help='Count each day, month or year separately')
@click.option('--csv', 'as_csv', is_flag=True, help='Print CSV for spreadsheets')
@options.every_command
@pass_session
def stats(session: Session, app_name: str, date_from: Any, date_to: Any, granularity: str | None, as_csv: bool,
          coll_id: str | None, as_json: bool) -> None:
    """Print how often packages and extensions of an application were downloaded."""
    if as_csv and as_json:
        raise click.UsageError('Give --csv or --json, not both.')
    filters = {'date_from': date_from and date_from.strftime('%Y-%m-%d'),
               'date_to': date_to and date_to.strftime('%Y-%m-%d'), 'granularity': granularity}
    answer = session.client.downloadStatistics(app_name, coll_id, **filters)
    rows = list(flat(answer)) if isinstance(answer, dict) else answer
    columns = [name for name in _COLUMNS if any(name in row for row in rows)] or list(_COLUMNS[1:])
    if as_csv:
        click.echo(as_csv_text(columns, rows), nl=False)
    else:
        output.show(answer, output.table([name.upper() for name in columns], [
            [row.get(name) for name in columns] for row in rows]), as_json=as_json)


def flat(counts: Document) -> Iterator[Document]:
    """Convert the nested totals, which the server returns without a period, to rows."""
    for revision, kinds in sorted(counts.items()):
        for system, arch, count in _systems(kinds.get('applications', {})):
            yield {'kind': 'package', 'baseName': '', 'revision': revision, 'os': system, 'arch': arch,
                   'count': count}
        for name, systems in sorted(kinds.get('extensions', {}).items()):
            for system, arch, count in _systems(systems):
                yield {'kind': 'extension', 'baseName': name, 'revision': revision, 'os': system,
                       'arch': arch, 'count': count}


def _systems(counts: Document) -> Iterator[tuple[str, str, int]]:
    for system, architectures in sorted(counts.items()):
        for arch, count in sorted(architectures.items()):
            yield system, arch, count


def as_csv_text(columns: list[str], rows: list[Document]) -> str:
    """Format rows as CSV; a text that a spreadsheet would run as a formula gets an apostrophe."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(('=', '+', '-', '@', '\t', '\r')):
        return f"'{value}"
    return '' if value is None else value
