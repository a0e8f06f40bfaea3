"""The commands ``backup``: copies of a server's database and files."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from pymongo.errors import PyMongoError

from slicer_package_manager.cli import connection
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.progress import size, step

DIRECTORY = click.Path(file_okay=False, path_type=Path)
#: The backup is there, and something that the database speaks of is not in it.
_INCOMPLETE = 3


class DefaultGroup(click.Group):
    """A group whose command ``make`` need not be named."""

    def parse_args(self, ctx, args):
        """Name the command that is meant."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ['make', *args]
        return super().parse_args(ctx, args)


@contextmanager
def failures() -> Iterator[None]:
    """End the command with the reason when a backup cannot be made or used.

    :raises ServeError: it cannot.
    """
    from slicer_package_manager.backup.errors import BackupError  # noqa: PLC0415
    # What is written holds hashes of passwords and API keys.
    mask = os.umask(0o077)
    try:
        yield
    except (BackupError, PyMongoError) as error:
        raise ServeError(str(error)) from error
    except OSError as error:
        raise ServeError(f'{error.filename or "The directory"}: {error.strerror}.') from error
    finally:
        os.umask(mask)


def _rules(command: Callable) -> Callable:
    """The options of ``command`` that say which backups to keep."""
    for name, what in (('monthly', 'Keep the newest backup of each of the last N months that have one.'),
                       ('weekly', 'Keep the newest backup of each of the last N weeks that have one.'),
                       ('daily', 'Keep the newest backup of each of the last N days that have one.')):
        command = click.option(f'--keep-{name}', type=click.IntRange(0), default=0, metavar='N', help=what)(command)
    return click.option('--keep', type=click.IntRange(0), default=0, metavar='N',
                        help='Keep the newest N backups.')(command)


@click.group(cls=DefaultGroup)
def backup():
    """Back up a server while it runs, into a directory that all its backups share.

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
@click.option('--include-s3', is_flag=True, help='Copy the files in object storage (S3) too. Without this the backup '
                                                 'has their documents only, and says so.')
@click.option('--recheck', is_flag=True,
              help='Read the files that DIRECTORY has already, and copy those again that have changed there.')
def make(directory: Path, database, data_dir: Path, include_s3, recheck, **keep):
    """Make a backup of the database and of the files that it speaks of, in DIRECTORY.

    Files that DIRECTORY has already are not copied again, be it from an earlier backup or from one that was broken
    off. The backup holds hashes of passwords and API keys: only this user can read it.

    With a --keep option older backups are removed afterwards; what any of these options keeps stays.

    Exit codes: 0 the backup is complete, 1 there is none (the reason is on standard error), 2 the command line is
    wrong, 3 there is one, but the bytes of some files are lost: they are named, and nothing older is removed.
    """
    from slicer_package_manager.backup.create import create_backup  # noqa: PLC0415
    from slicer_package_manager.backup.directory import Directory  # noqa: PLC0415
    place, rule = Directory(directory), _rule(keep)
    with failures(), connection.connected(database, data_dir), place.writing():
        from girder.models import getDbConnection  # noqa: PLC0415 - Girder connects when it is imported
        result = create_backup(getDbConnection().get_database(), place, step, include_s3=include_s3, check=recheck)
        _tell(result)
        if result.left_out:
            raise SystemExit(_INCOMPLETE)
        if rule:
            _prune(place, rule)


def _tell(result) -> None:
    click.echo(f'Backup {result.backup.name}: {result.documents} documents, {result.files} files. '
               f'{result.copied[0]} files were copied ({size(result.copied[1])}), '
               f'{result.shared[0]} were there ({size(result.shared[1])}).')
    for note in result.notes:
        click.echo(f'Note: {note}', err=True)
    for lost in result.left_out:
        click.echo(f'Not in the backup: {lost}', err=True)


def _rule(keep):
    from slicer_package_manager.backup.prune import Rule  # noqa: PLC0415
    return Rule(keep['keep'], keep['keep_daily'], keep['keep_weekly'], keep['keep_monthly'])


def _prune(place, rule) -> None:
    from slicer_package_manager.backup.prune import prune_backups  # noqa: PLC0415
    with place.reading(exclusive=True):
        removed, unused = prune_backups(place, rule)
    for one in removed:
        click.echo(f'Removed {one.name}.')
    if unused:
        click.echo(f'Removed {unused} files that no backup has.')


@backup.command('list')
@click.argument('directory', type=DIRECTORY)
def list_(directory: Path):
    """List the complete backups in DIRECTORY, oldest first."""
    from slicer_package_manager.backup import manifest  # noqa: PLC0415
    from slicer_package_manager.backup.directory import Directory  # noqa: PLC0415
    with failures():
        for one in Directory(directory).backups():
            facts = manifest.read(one.path)
            documents = sum(told['entries'] for told in facts['collections'].values())
            lost = f', {len(facts["left_out"])} lost files' if facts['left_out'] else ''
            click.echo(f'{one.name}  {documents} documents, {facts["contents"]["entries"]} files{lost}')


@backup.command()
@click.argument('directory', type=DIRECTORY)
@click.option('--at', metavar='TIME', help='The backup to read, as it is listed, or the beginning of its name; '
                                           'by default all.')
def verify(directory: Path, at):
    """Read backups in DIRECTORY whole, and name everything in them that is damaged.

    Exit codes: 0 all is as it was written, 1 something is damaged or cannot be read, 2 the command line is wrong.
    """
    from slicer_package_manager.backup.directory import Directory  # noqa: PLC0415
    from slicer_package_manager.backup.errors import DamagedError  # noqa: PLC0415
    from slicer_package_manager.backup.verify import verify_backup  # noqa: PLC0415
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
def prune(directory: Path, **keep):
    """Remove the backups in DIRECTORY that no --keep option keeps, and the files that no other backup has."""
    from slicer_package_manager.backup.directory import Directory  # noqa: PLC0415
    rule = _rule(keep)
    if not rule:
        raise click.UsageError('Say what to keep: --keep, --keep-daily, --keep-weekly or --keep-monthly.')
    place = Directory(directory)
    with failures(), place.writing():
        _prune(place, rule)
