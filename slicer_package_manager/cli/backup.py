"""The commands ``backup``: create, list, verify and prune backups."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pymongo.errors import PyMongoError
from rich import filesize

from slicer_package_manager.backup import manifest
from slicer_package_manager.backup.directory import Directory
from slicer_package_manager.backup.errors import BackupError, DamagedError
from slicer_package_manager.backup.prune import Rule, prune_backups
from slicer_package_manager.backup.verify import verify_backup
from slicer_package_manager.cli import connection
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.progress import step

if TYPE_CHECKING:
    from slicer_package_manager.backup.create import Result

#: The function of a command, with options or without.
Command = Callable[..., Any]  # its parameters are its options
DIRECTORY = click.Path(file_okay=False, path_type=Path)
#: Exit code: there is a backup, but it lacks files that the database refers to.
_INCOMPLETE = 3


class DefaultGroup(click.Group):
    """A group whose default command is ``make``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command if the arguments begin with no other one."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ['make', *args]
        return super().parse_args(ctx, args)


@contextmanager
def failures() -> Iterator[None]:
    """Turn the errors of a backup into messages of the command.

    :raises ServeError: the backup cannot be made or used.
    """
    # A backup contains hashes of passwords and API keys.
    mask = os.umask(0o077)
    try:
        yield
    except (BackupError, PyMongoError) as error:
        raise ServeError(str(error)) from error
    except OSError as error:
        raise ServeError(f'{error.filename or "The directory"}: {error.strerror}.') from error
    finally:
        os.umask(mask)


def _rules(command: Command) -> Command:
    """Add to ``command`` the options that state which backups to keep."""
    for name, what in (('monthly', 'Keep the newest backup of each of the last N months that have one.'),
                       ('weekly', 'Keep the newest backup of each of the last N weeks that have one.'),
                       ('daily', 'Keep the newest backup of each of the last N days that have one.')):
        command = click.option(f'--keep-{name}', name, type=click.IntRange(0), default=0, metavar='N',
                               help=what)(command)
    return click.option('--keep', 'last', type=click.IntRange(0), default=0, metavar='N',
                        help='Keep the newest N backups.')(command)


@click.group(cls=DefaultGroup)
def backup() -> None:
    """Back up a running server, into a directory that all its backups share.

    "backup DIRECTORY" is short for "backup make DIRECTORY".

    \b
    Examples:
      slicer-package-manager backup /srv/backups
      slicer-package-manager backup /srv/backups --keep-daily 7 --keep-monthly 12
      slicer-package-manager backup list /srv/backups
      slicer-package-manager backup verify /srv/backups
    """  # noqa: D301 - click takes the control character as "keep these lines"


@backup.command()
@click.argument('directory', type=DIRECTORY)
@connection.options
@_rules
@click.option('--include-s3', is_flag=True, help='Copy the files in object storage (S3) too. Without this option the '
                                                 'backup has only their documents, and reports so.')
@click.option('--recheck', is_flag=True,
              help='Read the files that DIRECTORY already has, and copy those again that are damaged there.')
def make(directory: Path, database: str | None, data_dir: Path, include_s3: bool, recheck: bool, **keep: int) -> None:
    """Back up the database and its files into DIRECTORY.

    Files that DIRECTORY already has, also those of an interrupted backup, are not copied again. The backup contains
    hashes of passwords and API keys: only this user can read it.

    With --keep options, older backups that none of them keeps are removed afterwards.

    Exit codes: 0 the backup is complete, 1 there is none (the reason is on standard error), 2 the command line is
    wrong, 3 there is one, but the bytes of some files are lost: they are named, and no older backup is removed.
    """
    place, rule = Directory(directory), Rule(**keep)
    with failures(), connection.connected(database, data_dir), place.writing():
        # Girder's models connect when they are imported.
        from girder.models import getDbConnection  # noqa: PLC0415

        from slicer_package_manager.backup.create import create_backup  # noqa: PLC0415
        result = create_backup(getDbConnection().get_database(), place, step, include_s3=include_s3, check=recheck)
        _print(result)
        if result.left_out:
            raise SystemExit(_INCOMPLETE)
        if rule:
            _prune(place, rule)


def _print(result: Result) -> None:
    name = result.backup.name if result.backup else ''
    click.echo(f'Backup {name}: {result.documents} documents, {result.files} files. '
               f'{result.copied[0]} files were copied ({filesize.decimal(result.copied[1])}), '
               f'{result.shared[0]} were there ({filesize.decimal(result.shared[1])}).')
    for note in result.notes:
        click.echo(f'Note: {note}', err=True)
    for lost in result.left_out:
        click.echo(f'Not in the backup: {lost}', err=True)


def _prune(place: Directory, rule: Rule) -> None:
    with place.reading(exclusive=True):
        removed, unused = prune_backups(place, rule)
    for one in removed:
        click.echo(f'Removed {one.name}.')
    if unused:
        click.echo(f'Removed {unused} files that belong to no backup.')


@backup.command('list')
@click.argument('directory', type=DIRECTORY)
def list_(directory: Path) -> None:
    """List the complete backups in DIRECTORY, oldest first."""
    with failures():
        for one in Directory(directory).backups():
            found = manifest.read(one.path)
            documents = sum(entry['entries'] for entry in found['collections'].values())
            lost = f', {len(found["left_out"])} lost files' if found['left_out'] else ''
            click.echo(f'{one.name}  {documents} documents, {found["contents"]["entries"]} files{lost}')


@backup.command()
@click.argument('directory', type=DIRECTORY)
@click.option('--at', metavar='TIME', help='Name of the backup to read, or the beginning of it; by default all '
                                           'backups are read.')
def verify(directory: Path, at: str | None) -> None:
    """Read the backups in DIRECTORY completely, and report all damage.

    Exit codes: 0 the backups are intact, 1 a backup is damaged or cannot be read, 2 the command line is wrong.
    """
    place = Directory(directory)
    damaged = False
    with failures(), place.reading():
        for one in [place.find(at)] if at else place.backups() or [place.find()]:
            try:
                verify_backup(place, one, step)
                click.echo(f'{one.name}: whole')
            except DamagedError as error:
                damaged = True
                click.echo('\n'.join([f'{one.name}: damaged', *(f'  {what}' for what in error.problems)]), err=True)
    raise SystemExit(int(damaged))


@backup.command()
@click.argument('directory', type=DIRECTORY)
@_rules
def prune(directory: Path, **keep: int) -> None:
    """Remove the backups in DIRECTORY that no --keep option keeps, and the files that only they have."""
    rule = Rule(**keep)
    if not rule:
        raise click.UsageError('State what to keep: --keep, --keep-daily, --keep-weekly or --keep-monthly.')
    place = Directory(directory)
    with failures(), place.writing():
        _prune(place, rule)
