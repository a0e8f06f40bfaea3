"""The command ``logs publish``: statistics from logs go to a private repository of GitHub."""
from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager.cli import connection, progress
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.logs_options import failures, place_option

if TYPE_CHECKING:
    from slicer_package_manager.logs.publication.options import Result
    from slicer_package_manager.logs.rules.raw_lines import Kind

#: Exit code: GitHub is busy or cannot be reached.
_LATER = 3


@click.command()
@click.option('--repository', required=True, metavar='OWNER/NAME',
              envvar='SLICER_PACKAGE_MANAGER_STATISTICS_REPOSITORY', show_envvar=True,
              help='Private repository on GitHub.')
@click.option('--token-file', type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help='File with the token of GitHub; by default, the token is in GITHUB_TOKEN.')
@place_option
@connection.data_dir_option
@click.option('--raw', is_flag=True, help='Publish raw logs as they are, with addresses, in place of those with '
                                          'pseudonyms. They must have been kept by "logs ingest --raw-logs unchanged".')
@click.option('--no-raw-logs', is_flag=True, help='Neither publish nor delete raw logs.')
@click.option('--keep-raw-days', type=click.IntRange(1), default=90, show_default=True,
              help='Delete raw logs of older days: in the repository, and here if they are published.')
@click.option('--threshold', type=click.IntRange(1), default=5, show_default=True,
              help='Refuse daily files that were made with a smaller threshold; show nothing in raw logs with '
                   'pseudonyms that fewer clients of a day share.')
@click.option('--notice', default='', envvar='SLICER_PACKAGE_MANAGER_COUNTRIES_NOTICE', show_envvar=True,
              help='Notice in the report that the license of the database of countries requires.')
@click.option('--api-url', default='https://api.github.com', show_default=True,
              help='API of GitHub; of GitHub Enterprise Server, "https://HOST/api/v3".')
@click.option('--uploads-url', multiple=True,
              help='Further origin that may get files if GitHub names it for uploads; that of the API is known.')
@click.option('--retries', type=click.IntRange(0, 20), default=5, show_default=True,
              help='Further attempts, with growing pauses, when GitHub is busy or cannot be reached.')
@click.option('--pause', type=click.FloatRange(0), default=2, show_default=True,
              help='Time before the first of them, in seconds; a time that GitHub states is obeyed.')
@click.option('--dry-run', is_flag=True, help='Report what would be published and deleted, but change nothing.')
@click.option('--json', 'as_json', is_flag=True, help='Print the report as JSON.')
def publish(token_file: Path | None, statistics_dir: Path | None, data_dir: Path, raw: bool, no_raw_logs: bool,
            keep_raw_days: int, threshold: int, notice: str, dry_run: bool, as_json: bool, **access: Any) -> None:
    """Publish the daily files, their report and raw logs in a private repository of GitHub.

    Run it once a day. It publishes what is missing in the repository or differs there, so it may be interrupted at any
    moment, and missed days are caught up. The token requires the permission "Contents: Read and write" for this
    repository (fine-grained), or the scope "repo" (classic).

    Exit codes: 0 all is published, 1 something is wrong (the reason is on standard error), 2 the command line is wrong,
    3 GitHub is busy, limits requests or cannot be reached: run it again later.

    \b
    Examples:
      slicer-package-manager logs publish --repository example/statistics --token-file token --dry-run
      slicer-package-manager logs publish --repository example/statistics --api-url https://github.example.org/api/v3
    """  # noqa: D301 - click takes the control character as "keep these lines"
    if raw and no_raw_logs:
        raise click.UsageError('Choose one of --raw and --no-raw-logs.')
    with failures():
        from slicer_package_manager.logs.errors import LaterError  # noqa: PLC0415
        from slicer_package_manager.logs.publication.options import Options  # noqa: PLC0415
        try:
            result = _run(statistics_dir or data_dir / 'statistics', _token(token_file), access, Options(
                _kind(raw=raw, none=no_raw_logs), keep_raw_days, threshold, notice, dry_run))
        except LaterError as error:
            click.echo(f'Error: {error}', err=True)
            sys.exit(_LATER)
    _report(result, dry=dry_run, as_json=as_json)


def _run(directory: Path, token: str, access: dict[str, Any], options: Any) -> Result:
    from slicer_package_manager.logs.github.api import Access, GitHub  # noqa: PLC0415
    from slicer_package_manager.logs.publication.run import Publication  # noqa: PLC0415
    from slicer_package_manager.logs.statistics import locked  # noqa: PLC0415
    if not directory.is_dir():
        raise ServeError(f'There are no statistics in {directory}. Run "slicer-package-manager logs ingest" first, or '
                         'name their directory with --statistics-dir.')
    reached = Access(access['repository'], token, access['api_url'], access['uploads_url'], access['retries'] + 1,
                     access['pause'], notice=lambda message: click.echo(message, err=True))
    with locked(directory) as place, closing(GitHub(reached)) as github:
        return Publication(place, github, options, progress.step).run()


def _token(file: Path | None) -> str:
    token = file.read_text(encoding='utf-8', errors='replace') if file else os.environ.get('GITHUB_TOKEN', '')
    if not token.strip():
        raise ServeError(f'There is no token of GitHub in {file or "GITHUB_TOKEN"}. Name a file that has one with '
                         '--token-file.')
    return token.strip()


def _kind(*, raw: bool, none: bool) -> Kind | None:
    from slicer_package_manager.logs.rules.raw_lines import Kind  # noqa: PLC0415
    if none:
        return None
    return Kind.UNCHANGED if raw else Kind.PSEUDONYMS


def _report(result: Result, *, dry: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2))
        return
    would = 'Would be ' if dry else ''
    for words, names in (('committed', result.files), ('sent as assets of releases', result.assets),
                         ('deleted in the repository', result.deleted_there),
                         ('deleted here, since they are published', result.deleted_here)):
        if names:
            click.echo(f'{would}{words}: {_shown(names)}' if dry else f'{words.capitalize()}: {_shown(names)}')
    if result.is_empty:
        click.echo('All is published.')
    for notice in result.notices:
        click.echo(notice, err=True)


def _shown(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f'{len(names)} files, {names[0]} to {names[-1]}'
