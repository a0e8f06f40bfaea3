"""The command ``logs who``: the downloads of one file, by day, country and system."""
from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager.cli import connection, tables

if TYPE_CHECKING:
    from slicer_package_manager.registry.downloads.affected import Affected


@click.command()
@click.argument('checksum')
@connection.options
@click.option('--json', 'as_json', is_flag=True, help='Print all as JSON, also the downloads by day, country and '
                                                      'system together.')
def who(checksum: str, database: str | None, data_dir: Path, as_json: bool) -> None:
    """Print how often the file with the SHA-512 CHECKSUM was downloaded, by day, country and operating system.

    For any file that was ever published, also if it was replaced or deleted. The MD5 of files from MIDAS will do, too.
    The numbers are from logs, which "logs ingest" or "logs load" has loaded into the server. Robots are left out.

    \b
    Example:
      slicer-package-manager logs who $(sha512sum installer.exe | cut -d' ' -f1)
    """  # noqa: D301 - click takes the control character as "keep these lines"
    with connection.connected(database, data_dir), connection.reporting():
        # Girder connects when it is imported.
        from slicer_package_manager.registry.downloads import affected  # noqa: PLC0415
        found = affected.find(checksum)
    if as_json:
        click.echo(json.dumps({**found._asdict(), 'logs': found.logs._asdict()}, indent=2, default=str))
    else:
        _print(found)


def _print(found: Affected) -> None:
    for one in found.files:
        click.echo(_described(one))
    click.echo(f'{found.requests} downloads, and {found.robots} by robots, in the logs of {found.logs.number} days, '
               f'{found.logs.first} to {found.logs.last}.')
    for column, key, rows in (('Day', 'day', found.days), ('Country', 'country', found.countries),
                              ('System', 'client_os', found.systems)):
        if rows:
            click.echo()
            tables.show((column, 'Downloads', 'Clients'), [
                {column.lower(): row[key], 'downloads': row['requests'], 'clients': row['clients']} for row in rows])
    for one in found.replacements:
        if one['requests']:
            click.echo(f'The file was replaced on {one["day"]}: of the {one["requests"]} downloads of its successor on '
                       'that day, some may be of this file.')


def _described(file: dict[str, Any]) -> str:
    names = ('kind', 'baseName', 'os', 'arch', 'app_revision', 'release')
    what = ' '.join(str(file[name]) for name in names if file.get(name))
    removed = f', replaced or deleted {file["removed"]:%Y-%m-%d %H:%M} UTC' if 'removed' in file else ''
    return f'{file["name"]}: {what}, published {file["created"]:%Y-%m-%d %H:%M} UTC{removed}.'
