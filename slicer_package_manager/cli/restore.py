"""The command ``restore``: restores a server from a backup."""
from __future__ import annotations

from pathlib import Path

import click

from slicer_package_manager.backup.directory import Directory
from slicer_package_manager.backup.restore import Target, restore_backup
from slicer_package_manager.cli import connection
from slicer_package_manager.cli.backup import DIRECTORY, failures
from slicer_package_manager.cli.data_dir import DataDir
from slicer_package_manager.cli.progress import step


@click.command()
@click.argument('directory', type=DIRECTORY)
@connection.options
@click.option('--at', metavar='TIME', help='Name of the backup to restore, or the beginning of it; by default '
                                           'the newest backup is restored.')
@click.option('--replace', is_flag=True,
              help='Drop what the database has, and keep files of the assetstore beside the restored ones.')
def restore(directory: Path, database: str | None, data_dir: Path, at: str | None, replace: bool) -> None:
    """Restore a backup from DIRECTORY into an empty database, and its files into the data directory.

    The backup is verified before anything is changed. A damaged backup is refused, and so is a database or an
    assetstore that is not empty. No server may run on them.

    \b
    Examples:
      slicer-package-manager restore /srv/backups --data-dir /srv/restored
      slicer-package-manager restore /srv/backups --at 2026-11-01 --database mongodb://127.0.0.1:27017/girder

    Exit codes: 0 the backup is restored, 1 it is not (the reason is on standard error), 2 the command line is wrong.
    """  # noqa: D301 - click takes the control character as "keep these lines"
    place, data = Directory(directory), DataDir(data_dir)
    with failures(), place.reading():
        chosen = place.find(at)
        with connection.connected(database, data_dir, alone=True):
            from girder.models import getDbConnection  # noqa: PLC0415 - Girder connects when it is imported
            data.create()
            target = Target(getDbConnection().get_database(), data.assetstore)
            found = restore_backup(place, chosen, target, step, replace=replace)
            from slicer_package_manager.registry import indexes  # noqa: PLC0415 - as above
            indexes.ensure()
    documents = sum(entry['entries'] for entry in found['collections'].values())
    click.echo(f'Restored {chosen.name}: {documents} documents, {found["contents"]["entries"]} files.')
    for lost in found['left_out']:
        click.echo(f'Not in the backup: {lost}', err=True)
