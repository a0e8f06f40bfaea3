"""The command ``logs report``: plots and tables of the daily files."""
from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from slicer_package_manager.cli import connection
from slicer_package_manager.cli.logs_options import DAY, failures, place_option


@click.command()
@place_option
@connection.data_dir_option
@click.option('-o', '--output', type=click.Path(file_okay=False, path_type=Path),
              help='Directory to write to; by default "report" in the directory of the statistics.')
@click.option('--from', 'first', type=DAY, help='First day; by default the first one with daily files.')
@click.option('--to', 'last', type=DAY, help='Last day; by default the last one with daily files.')
@click.option('--check', 'check_file', type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help='Comparison with the counts of the server, as "logs check --json" prints it; by default that which '
                   '"logs check --save" has saved.')
@click.option('--notice', default='', envvar='SLICER_PACKAGE_MANAGER_COUNTRIES_NOTICE', show_envvar=True,
              help='Notice that the license of the database of countries requires.')
def report(statistics_dir: Path | None, data_dir: Path, output: Path | None, first: datetime | None,
           last: datetime | None, check_file: Path | None, notice: str) -> None:
    """Make a report: a page with plots and tables, and each table as CSV and each plot as PNG.

    The daily files suffice: --statistics-dir may also name a copy of the directory "published". The page is one file,
    which loads nothing.

    Exit codes: 0 the report was made, 1 it was not, such as for a period without downloads (the reason is on standard
    error), 2 the command line is wrong.
    """
    if first and last and first > last:
        raise click.UsageError(f'The period ends ({last.date()}) before it begins ({first.date()}).')
    directory = statistics_dir or data_dir / 'statistics'
    with failures():
        from slicer_package_manager.logs import place  # noqa: PLC0415
        from slicer_package_manager.logs.check import Period  # noqa: PLC0415
        from slicer_package_manager.logs.report.create import Options, create  # noqa: PLC0415
        period = Period(first and first.date(), last and last.date())
        made = create(place.for_reading(directory), output or directory / 'report', Options(period, check_file, notice))
    click.echo(f'{made.path} has {made.downloads:,} downloads from {made.period.first} to {made.period.last}.')
