"""The command ``logs unload``: remove loaded days from the server."""
from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import click

from slicer_package_manager.cli import connection, logs_load, progress
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.logs_options import DAY, failures, place_option


@click.command()
@click.option('--from', 'first', type=DAY, help='First day to remove; by default the first one that is loaded.')
@click.option('--to', 'last', type=DAY, help='Last day to remove; by default the last one that is loaded.')
@click.option('--all', 'everything', is_flag=True, help='Remove all days.')
@place_option
@connection.options
def unload(first: datetime | None, last: datetime | None, everything: bool, statistics_dir: Path | None,
           database: str | None, data_dir: Path) -> None:
    """Remove days that were loaded from the server, such as those of wrong logs.

    The daily files stay: days that are in the statistics directory are loaded again by the next "logs load" or "logs
    ingest". The counts of the server itself are not changed.

    \b
    Example:
      slicer-package-manager logs unload --from 2026-11-01 --to 2026-11-03
    """  # noqa: D301 - click takes the control character as "keep these lines"
    if everything == bool(first or last):
        raise click.UsageError('Name the days to remove: --from, --to or both; or --all.')
    with failures():
        from slicer_package_manager.logs import manifest  # noqa: PLC0415 - most commands need not load it
        from slicer_package_manager.logs.place import Place  # noqa: PLC0415
        place = Place(statistics_dir or data_dir / 'statistics')
        with place.locked() if place.path.is_dir() else nullcontext(), connection.connected(database, data_dir):
            days = _remove(first, last)
        kept = [day for day in days if day in manifest.read(place)['days']]
    click.echo(f'{len(days)} days were removed from the server, {days[0]} to {days[-1]}.')
    if kept:
        click.echo(f'{len(kept)} of them are still in {place.published}: "logs load" and "logs ingest" will load them '
                   'again.', err=True)


def _remove(first: datetime | None, last: datetime | None) -> list[str]:
    """Remove the days of this period from the database that is connected; return them.

    :raises ServeError: there are none.
    """
    from slicer_package_manager.registry.downloads import logged  # noqa: PLC0415 - Girder connects
    begin, end = (f'{one:%Y-%m-%d}' if one else '' for one in (first, last))
    known = sorted(logged.checksums())
    days = [day for day in known if begin <= day <= (end or day)]
    if not days:
        there = f'It has {len(known)} days, {known[0]} to {known[-1]}' if known else 'No days were loaded into it'
        raise ServeError(f'The server has no days of this period from logs. {there}.')
    with progress.step('Removing days', len(days), False) as advance:
        for day in days:
            logged.remove(day)
            advance(1)
    logs_load.add_up()
    return days
