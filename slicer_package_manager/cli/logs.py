"""The commands ``logs``: statistics from the logs of web servers."""
from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from slicer_package_manager.cli import connection, logs_load, progress
from slicer_package_manager.cli.data_dir import DataDir
from slicer_package_manager.cli.logs_check import check
from slicer_package_manager.cli.logs_options import failures, place_option
from slicer_package_manager.cli.logs_publish import publish
from slicer_package_manager.cli.logs_report import report
from slicer_package_manager.cli.logs_unload import unload
from slicer_package_manager.cli.logs_who import who

if TYPE_CHECKING:
    from slicer_package_manager.logs.ingest import FileReport
    from slicer_package_manager.logs.place import Place

#: Exit code: files could not be read to the end.
_INCOMPLETE = 3
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def logs() -> None:
    """Make statistics of downloads from the logs of web servers.

    \b
    Examples:
      slicer-package-manager logs facts -o facts.jsonl.gz
      slicer-package-manager logs ingest --dir /var/log/nginx --match '*access*' --countries GeoLite2-Country.mmdb
      slicer-package-manager logs ingest access.log.2.gz --facts facts.jsonl.gz --dry-run
      slicer-package-manager logs publish --repository example/statistics --token-file token
      slicer-package-manager logs who $(sha512sum installer.exe | cut -d' ' -f1)
    """  # noqa: D301 - click takes the control character as "keep these lines"


@logs.command()
@connection.options
@click.option('-o', '--output', type=_FILE, help='File to write; it is compressed if its name ends with ".gz". '
                                                 'Standard output by default.')
def facts(database: str | None, data_dir: Path, output: Path | None) -> None:
    """Export what the server knows of all files that were ever published, as lines of JSON.

    With this file, "logs ingest --facts" works on a computer that cannot reach the database. It names private packages
    too, marked as such.
    """
    with failures():
        if output is None:
            _export(database, data_dir, sys.stdout.buffer)
        else:
            with output.open('wb') as raw, nullcontext(raw) if output.suffix != '.gz' else gzip.open(raw, 'wb') as file:
                number = _export(database, data_dir, file)
            click.echo(f'{number} files are in {output}.', err=True)


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int:
        """Write ``data``."""


def _export(database: str | None, data_dir: Path, file: _Writable) -> int:
    number = 0
    with connection.connected(database, data_dir):
        # Girder connects when it is imported.
        from slicer_package_manager.registry.catalog import published_files  # noqa: PLC0415
        for one in published_files.read():
            file.write(json.dumps(one, separators=(',', ':')).encode() + b'\n')
            number += 1
    return number


@logs.command()
@click.argument('files', nargs=-1, type=_FILE)
@click.option('--dir', 'directory', type=click.Path(exists=True, file_okay=False, path_type=Path),
              help='Read all logs in this directory and below it.')
@click.option('--match', default='*', show_default=True, help='With --dir: only files whose names match this pattern.')
@place_option
@connection.options
@click.option('--facts', 'facts_file', type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help='Facts of files that "logs facts" has exported, in place of those in the database.')
@click.option('--source', default='default', show_default=True,
              help='Name of the server that wrote the logs. A line that is in two logs of one source counts once.')
@click.option('--countries', type=_FILE, envvar='SLICER_PACKAGE_MANAGER_COUNTRIES', show_envvar=True,
              help="Database of countries in MaxMind's format; without it, the country is unknown.")
@click.option('--open-days', type=click.IntRange(0, 60), default=2, show_default=True,
              help='Days for which logs of a day are accepted, after its end and after its last lines were read. Then '
                   'all that could be traced to a client is deleted.')
@click.option('--threshold', type=click.IntRange(1), default=5, show_default=True,
              help='Number of clients of a day that share each published combination of country, client and system.')
@click.option('--raw-logs', type=click.Choice(['pseudonyms', 'unchanged']),
              help='Keep the requests, too, until "logs publish" has published and deleted them: with a pseudonym of '
                   'the day in place of each address, or as they are. Without it, none is kept.')
@click.option('--dry-run', is_flag=True, help='Read the logs and report what is in them, but write nothing.')
@click.option('--json', 'as_json', is_flag=True, help='Print the report as JSON, with each file.')
def ingest(files: tuple[Path, ...], directory: Path | None, match: str, statistics_dir: Path | None,
           database: str | None, data_dir: Path, facts_file: Path | None, raw_logs: str | None, dry_run: bool,
           as_json: bool, **options: Any) -> None:
    """Read access logs (FILES, or all in a directory), and update the daily files.

    Logs of nginx, Apache, "serve", Amazon S3, CloudFront and MinIO are recognized, plain or compressed by gzip, zstd or
    bzip2. They may be read again, overlap and come in any order: each line counts once. A log that still grows, or ends
    in the middle of a line, is continued the next time. If the facts are from the database of a server, the daily files
    are loaded into it, see "logs load".

    Exit codes: 0 all files were read, 1 nothing was done (the reason is on standard error), 2 the command line is
    wrong, 3 some files could not be read, or not to their end, or --dir and --match found none.
    """
    if not files and directory is None:
        raise click.UsageError('Name the logs to read: FILES, or --dir DIRECTORY.')
    if not match:
        raise click.BadParameter('It matches no name. "*" matches all.', param_hint='--match')
    with failures():
        from slicer_package_manager.logs import ingest as reading  # noqa: PLC0415
        from slicer_package_manager.logs.rules.raw_lines import Kind  # noqa: PLC0415
        from slicer_package_manager.logs.statistics import Options, Statistics, locked  # noqa: PLC0415
        found = reading.files_below(directory, match) if directory else []
        with _place(statistics_dir or data_dir / 'statistics', dry=dry_run) as path, locked(path) as place:
            statistics = Statistics(place, Options(**options, raw_logs=Kind(raw_logs) if raw_logs else None),
                                    progress.step)
            of_server = not dry_run and _use_facts(statistics, facts_file, database, data_dir)
            if not dry_run:
                statistics.require_facts()
            reports = statistics.ingest([*files, *found], dry=dry_run)
            days = [] if dry_run else statistics.publish()
            loaded = _load(place, database, data_dir) if of_server else None
    problems = [one for one in reports if one.problem]
    _report(reports, [day.isoformat() for day in days], as_json=as_json)
    if loaded and loaded.days and not as_json:
        logs_load.report(loaded)
    if directory and not found:
        click.echo(f'No file below {directory} has a name that matches {match}.', err=True)
    if (directory and not found) or any(one.name in map(str, files) or not one.is_no_log for one in problems):
        sys.exit(_INCOMPLETE)


@contextmanager
def _place(directory: Path, *, dry: bool) -> Iterator[Path]:
    """Give the statistics directory; a temporary one for a dry run without statistics."""
    if not dry or directory.is_dir():
        yield directory
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)


def _use_facts(statistics: Any, file: Path | None, database: str | None, data_dir: Path) -> bool:
    """Store the facts in ``file``, or else those of the server, if there is one; return whether they are its facts."""
    if file:
        statistics.use_facts(file)
    elif database or DataDir(data_dir).database.is_dir():
        with tempfile.NamedTemporaryFile(suffix='.jsonl') as exported:
            _export(database, data_dir, exported)
            exported.flush()
            statistics.use_facts(Path(exported.name))
        return True
    return False


def _load(place: Place, database: str | None, data_dir: Path) -> logs_load.Loaded | None:
    """Load the daily files, if there are any, into the server: also those of a run that was killed before it did."""
    from slicer_package_manager.logs import manifest  # noqa: PLC0415 - most commands need not load it
    if not manifest.read(place)['days']:
        return None
    with connection.connected(database, data_dir):
        return logs_load.into_connected(place)


def _report(reports: Sequence[FileReport], days: list[str], *, as_json: bool) -> None:
    from slicer_package_manager.logs.rules.counting import KEPT, REASONS  # noqa: PLC0415
    lines: Counter[str] = sum((one.lines for one in reports), Counter())
    kept = lines.pop(KEPT, 0)
    if as_json:
        click.echo(json.dumps({
            'lines': kept + lines.total(), 'kept': kept, 'left_out': lines, 'days': days,
            'files': [{'name': one.name, 'lines': one.lines.total(), 'kept': one.lines[KEPT], 'problem': one.problem,
                       'known_bytes': one.known, 'incomplete': one.incomplete,
                       'left_out': {reason: number for reason, number in one.lines.items() if reason != KEPT}}
                      for one in reports]}, indent=2))
        return
    click.echo(f'{len(reports)} files, {kept + lines.total()} new lines: {kept} are requests for packages.')
    for reason, number in lines.most_common():
        click.echo(f'  {number} lines left out: {REASONS[reason]} ("{reason}")')
    known = sum(one.known for one in reports)
    if known:
        click.echo(f'{known} bytes were read before.')
    for one in reports:
        if one.incomplete:
            click.echo(f'{one.name}: the last line is not complete yet; it is read when the log has grown.', err=True)
        if one.problem:
            click.echo(f'{one.name}: {one.problem}', err=True)
    if days:
        click.echo(f'Daily files were made for {len(days)} days, {days[0]} to {days[-1]}.')


logs.add_command(check)
logs.add_command(logs_load.load)
logs.add_command(unload)
logs.add_command(who)
logs.add_command(publish)
logs.add_command(report)
