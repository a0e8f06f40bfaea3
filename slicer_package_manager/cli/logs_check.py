"""The command ``logs check``: the server's own counts beside those from logs."""
from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager.cli import connection, tables
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.logs_options import DAY, failures, place_option

if TYPE_CHECKING:
    from slicer_package_manager.logs.check import Comparison, Row

_DIFFERENT, _NOT_COMPARED = 1, 2
_PERCENT = 100


@click.command()
@place_option
@connection.options
@click.option('--counts', 'counts_file', type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help='Counts of the server by day, as "downloadstats" returns them as CSV, in place of those in the '
                   'database.')
@click.option('--from', 'first', type=DAY, help='First day to compare; by default the first one with logs.')
@click.option('--to', 'last', type=DAY, help='Last day to compare; by default the last one with logs.')
@click.option('--tolerance', type=click.FloatRange(0, 100), default=0.1, show_default=True,
              help='Largest difference of a day, in percent, that is no disagreement.')
@click.option('--limit', type=click.IntRange(0), default=20, show_default=True,
              help='Number of packages with differences to print.')
@click.option('--json', 'as_json', is_flag=True, help='Print the comparison as JSON, with all packages that differ.')
@click.option('--save', is_flag=True, help='Save the comparison beside the daily files, for "logs report".')
def check(statistics_dir: Path | None, database: str | None, data_dir: Path, counts_file: Path | None,
          first: datetime | None, last: datetime | None, tolerance: float, limit: int, as_json: bool,
          save: bool) -> None:
    """Compare the downloads that the server has counted with those in the logs, and explain differences.

    The numbers from logs include robots, which the server counts too. Private packages are left out.

    Exit codes: 0 all days agree, 1 a day differs by more than the tolerance, 2 they could not be compared (the reason
    is on standard error), or the command line is wrong.
    """
    try:
        with failures():
            from slicer_package_manager.logs import check as checks  # noqa: PLC0415
            from slicer_package_manager.logs.place import Place  # noqa: PLC0415
            counts = checks.counts_in(counts_file) if counts_file else _counts(database, data_dir)
            period = checks.Period(first and first.date(), last and last.date())
            place = Place(statistics_dir or data_dir / 'statistics')
            found = checks.compare(place, counts, period)
            if save:
                found.save(place)
    except ServeError as error:
        click.echo(f'Error: {error.message}', err=True)
        sys.exit(_NOT_COMPARED)
    differ = [row for row in found.days if not row.numbers.agrees(tolerance / _PERCENT)]
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        _print(found, differ, limit)
    sys.exit(_DIFFERENT if differ else 0)


def _counts(database: str | None, data_dir: Path) -> list[dict[str, Any]]:
    """Return the counts of all public packages by day."""
    with connection.connected(database, data_dir):
        # Girder connects when it is imported.
        from slicer_package_manager.registry.downloads import public_counts  # noqa: PLC0415
        return list(public_counts.by_day())


def _print(found: Comparison, differ: Iterable[Row], limit: int) -> None:
    tables.show(('Day', 'Server', 'Logs', 'Robots', 'Incomplete', 'Difference'), [
        {'day': row.day, **row.numbers._asdict(), 'difference': f'{row.numbers.difference:+}'} for row in found.days])
    for row in differ:
        click.echo(f'{row.day}: {row.numbers.difference:+}: {"; ".join(row.reasons)}.')
    for row in found.packages[:limit]:
        click.echo(f'{row.day} {" ".join(row.package)}: server {row.numbers.server}, logs {row.numbers.logs}: '
                   f'{"; ".join(row.reasons)}.')
    if len(found.packages) > limit:
        click.echo(f'{len(found.packages) - limit} more packages differ; --json prints them all.')
    total = found.total
    share = _PERCENT * total.difference / total.server if total.server else 0
    click.echo(f'{len(found.days)} days: server {total.server}, logs {total.logs}, of them {total.robots} by robots '
               f'({share:+.3f} %).')
