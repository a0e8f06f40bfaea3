"""The commands ``migrate``: take over an older server."""
from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import click
from girder.exceptions import GirderBaseException
from pymongo.errors import BulkWriteError, ExecutionTimeout, PyMongoError

from slicer_package_manager.cli import connection, migration_report
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.progress import json_lines, step
from slicer_package_manager.progress import Steps

if TYPE_CHECKING:
    from slicer_package_manager.migration.midas.run import MidasOptions
    from slicer_package_manager.migration.notes import Report
    from slicer_package_manager.migration.options import Options

#: Beginnings of the addresses of databases, and of servers that are read over REST.
_DATABASES, _SERVERS = ('mongodb://', 'mongodb+srv://'), ('https://', 'http://')
_API_KEY_VARIABLE = 'SLICER_PACKAGE_MANAGER_OLDER_API_KEY'
#: Where messages of MongoDB begin to show values of documents, which may be secrets.
_DOCUMENTS = re.compile(r',? (?:full error|dup key):.*', re.DOTALL)
_LATE = ('the database took too long for a write, or another process has locked what is to be written. Run the same '
         'command again to continue.')
_SAMPLE = '--sample is how many files --verify reads: use --verify, too.'


@click.group()
def migrate() -> None:
    """Take over an older server. It is only read, and goes on serving meanwhile."""


def _stores(_ctx: click.Context, _parameter: click.Parameter, given: Sequence[str]) -> dict[str, Path]:
    pairs = [one.partition('=') for one in given]
    if any(not equals or not path for _, equals, path in pairs):
        raise click.BadParameter('must be the id of an assetstore and a directory, ID=PATH')
    return {identifier: Path(path) for identifier, _, path in pairs}


def _directories(_ctx: click.Context, _parameter: click.Parameter, given: Sequence[str]) -> dict[str, Path]:
    pairs = {beginning: Path(path) for beginning, _, path in (one.rpartition('=') for one in given)}
    for beginning, path in pairs.items():
        if not beginning or not path.is_dir():
            raise click.BadParameter(f'"{beginning}={path}" must be a number or path of MIDAS and a directory that is '
                                     'here, separated by "="')
    return pairs


def _report_path(_ctx: click.Context, _parameter: click.Parameter, given: Path | None) -> Path | None:
    """Refuse a report that cannot be written before hours of work, not after them."""
    if given and not given.exists() and not (given.parent.is_dir() and os.access(given.parent, os.W_OK)):
        raise click.BadParameter(f'the directory {given.parent} does not exist, or cannot be written to')
    return given


def _shared_options(command: connection.Command) -> connection.Command:
    """Add to ``command`` the options of all migrations."""
    for option in reversed((
        click.option('--dry-run', is_flag=True, help='Report what would be done, and write nothing.'),
        click.option('--report', type=click.Path(dir_okay=False, writable=True, path_type=Path),
                     callback=_report_path, help='Write the whole report here, as JSON.'),
        click.option('--allow-link-hosts', 'link_hosts', multiple=True, metavar='HOST',
                     help='Allow links to this host from now on; may be repeated.'),
        click.option('--sample', type=click.IntRange(0), metavar='N',
                     help='With --verify: read only so many files, at random.'),
        click.option('--rate', type=click.IntRange(1), metavar='BYTES', help='Read at most so many bytes per second.'),
        click.option('--json-progress', is_flag=True, help='Report the progress as lines of JSON on standard error.'),
        click.option('--connections', type=click.IntRange(1, 32), default=2, show_default=True,
                     help='Number of files that are copied at the same time.'))):
        command = option(command)
    return command


@migrate.command()
@click.argument('source', required=False, envvar='SLICER_PACKAGE_MANAGER_OLDER_DATABASE')
@connection.options
@click.option('--in-place', is_flag=True, help='Migrate the database of --database itself, instead of copying from '
                                               'SOURCE.')
@click.option('--i-have-a-backup', is_flag=True, help='Required by --in-place.')
@click.option('--app', 'apps', multiple=True, metavar='ID', help='Only the application with this id or name; may be '
                                                                 'repeated.')
@click.option('--packages-only', is_flag=True, help='Leave out folders and items that are in no application.')
@click.option('--source-assetstore', 'roots', multiple=True, metavar='ID=PATH', callback=_stores,
              help='Where the directory of an assetstore of SOURCE is mounted here; may be repeated.')
@click.option('--same-users', is_flag=True, help='An account here with the login of one of SOURCE is that of the same '
                                                 'person.')
@click.option('--prefer', type=click.Choice(['first', 'last']), help='Of several items with one identity, list the '
              'first or the last by creation; by default the one that was updated last.')
@click.option('--prefer-newest-file', is_flag=True, help='Of several files of an item, the newest is for readers; by '
              'default the one whose checksum the item states.')
@click.option('--keep-settings', is_flag=True, help='Take over the registration policy and the CORS headers, too.')
@click.option('--since-last', is_flag=True, help='Take what has changed since the run before, which must have ended, '
                                                 'and name what was deleted at the source.')
@click.option('--delete', is_flag=True, help='With --since-last: delete here what was deleted at the source, unless it '
                                             'was changed here.')
@click.option('--verify', is_flag=True, help='At the end, read both databases and all files here again, and compare.')
@click.option('--source-api', metavar='URL', help='The public API of the older server, https://HOST/api/v1. With '
              '--verify and --api: its answers to the requests of clients are compared. With --files link: it delivers '
              'the files.')
@click.option('--api', metavar='URL', help='With --source-api: the API of this server, which must be running.')
@click.option('--take-deleted', is_flag=True, help='Take what was deleted here since the run before, too.')
@click.option('--files', type=click.Choice(['copy', 'link', 'keep']), default='copy', show_default=True,
              help='Copy files; or link to the older server, which delivers those that everyone may read, from SOURCE '
                   'or --source-api; or keep those that are in object storage there: then this server gets the '
                   'assetstore, with its credentials.')
@_shared_options
def girder(source: str | None, database: str | None, data_dir: Path, in_place: bool, i_have_a_backup: bool,
           dry_run: bool, report: Path | None, json_progress: bool, prefer: Literal['first', 'last'] | None,
           prefer_newest_file: bool, **given: Any) -> None:
    """Take over applications, packages, accounts and download counts of the older Slicer Package Manager.

    SOURCE is the database of the older server (Girder 3), mongodb://HOST:PORT/NAME. If it has a password, pass it by
    the variable SLICER_PACKAGE_MANAGER_OLDER_DATABASE. Its files must be readable here. Or SOURCE is the API of the
    running server, https://HOST/api/v1, with an API key of an administrator in SLICER_PACKAGE_MANAGER_OLDER_API_KEY:
    passwords and API keys do not come along then, and without a key only what everyone may read does.

    The source is never written to. Run the command again at any time: it takes what is new or changed, and overwrites
    nothing that was changed here. Readers see an application when all of it is here.

    \b
    Examples:
      slicer-package-manager migrate girder mongodb://old.example.org/girder --dry-run
      slicer-package-manager migrate girder mongodb://old.example.org/girder --report report.json
      slicer-package-manager migrate girder https://old.example.org/api/v1
      slicer-package-manager migrate girder --in-place --i-have-a-backup --database mongodb://127.0.0.1:27017/girder

    Exit codes: 0 all is taken over, 1 a person has to decide on what the report names, 2 the migration is not done (the
    reason is on standard error), or the command line is wrong.
    """  # noqa: D301 - click takes the control character as "keep these lines"
    _check(source, database, in_place=in_place, confirmed=i_have_a_backup or dry_run, **given)
    with _failures(), connection.connected(database, data_dir, by_migration=in_place):
        # Girder connects when it is imported.
        from slicer_package_manager.migration.options import Options  # noqa: PLC0415
        from slicer_package_manager.migration.rules.items import Choices  # noqa: PLC0415
        options = Options(in_place=in_place, dry_run=dry_run, choices=Choices(prefer, prefer_newest_file), **given)
        found = _migrate(source, options, _steps(as_json=json_progress))
    migration_report.finish(found, report, dry_run=dry_run)


@migrate.command()
@click.argument('source', envvar='SLICER_PACKAGE_MANAGER_MIDAS_DATABASE')
@connection.options
@click.option('--assetstore', 'roots', multiple=True, metavar='ID=DIR', callback=_directories,
              help='The directory of the assetstore with this number; may be repeated.')
@click.option('--path-map', 'moved', multiple=True, metavar='OLD=DIR', callback=_directories,
              help='Files outside of assetstores, whose path begins with OLD, are in this directory; may be repeated.')
@click.option('--app', metavar='ID|NAME', help="The application that gets everything, a new one if it is not here; "
                                               "Slicer's by default.")
@click.option('--old-revisions', type=click.Choice(['keep', 'drop']), default='keep', show_default=True,
              help='Whether files of older revisions can be read by their old links, or are gone (410).')
@click.option('--same-users', is_flag=True, help='An account here with the e-mail address of an uploader is that of '
                                                 'the same person.')
@click.option('--redirects', type=click.File(encoding='utf-8-sig', errors='replace'),
              help='A table of data that is elsewhere now. Each line has the number of an item, or an MD5, and a URL.')
@click.option('--admins', is_flag=True, help="Administrators of MIDAS get an administrator's account, also if they "
                                             'uploaded nothing.')
@click.option('--verify', is_flag=True, help='At the end, read aliases, counts and all files here again, and compare.')
@_shared_options
def midas(source: str, database: str | None, data_dir: Path, moved: dict[str, Path], app: str | None,
          report: Path | None, json_progress: bool, old_revisions: str, admins: bool, redirects: TextIO | None,
          **given: Any) -> None:
    """Import packages and extensions of Slicer from a MIDAS server.

    SOURCE is its database, restored into MariaDB: mysql://USER@HOST/DB. If it has a password, pass it by the variable
    SLICER_PACKAGE_MANAGER_MIDAS_DATABASE. Its files must be readable here, with --assetstore for each assetstore. Both
    are only read. Run the command again at any time: it continues, and overwrites nothing that was changed here.
    Readers see what is imported when all of it is here. The old links lead to it from then on.

    \b
    Examples:
      slicer-package-manager migrate midas mysql://root@localhost/midas --assetstore 1=/mnt/midas/assetstore --dry-run
      slicer-package-manager migrate midas mysql://root@localhost/midas --assetstore 1=/mnt/midas/assetstore --verify

    Exit codes: 0 all is imported, 1 a person has to decide on what the report names, 2 the import is not done (the
    reason is on standard error), or the command line is wrong.
    """  # noqa: D301 - click takes the control character as "keep these lines"
    if given['sample'] is not None and not given['verify']:
        raise click.UsageError(_SAMPLE)
    with _failures(), connection.connected(database, data_dir):
        # Girder connects when it is imported.
        from slicer_package_manager.migration.midas.run import MidasOptions  # noqa: PLC0415
        from slicer_package_manager.migration.options import Options  # noqa: PLC0415
        options = MidasOptions(Options(**given), app, moved, old_revisions == 'keep', admins, list(redirects or ()))
        found = _import(source, options, _steps(as_json=json_progress))
    migration_report.finish(found, report, dry_run=given['dry_run'])


def _check(source: str | None, database: str | None, *, in_place: bool, confirmed: bool, **given: Any) -> None:
    if in_place == bool(source):
        raise click.UsageError('Name the database of the older server as SOURCE, or use --in-place.')
    if source and not source.startswith((*_DATABASES, *_SERVERS)):
        raise click.UsageError('SOURCE must be the address of a database, mongodb://HOST:PORT/NAME, or of the API of a '
                               'running server, https://HOST/api/v1')
    if given['delete'] and not given['since_last']:
        raise click.UsageError('--delete deletes what was deleted since the run before: use --since-last, too.')
    if given['sample'] is not None and not given['verify']:
        raise click.UsageError(_SAMPLE)
    is_linked = given['files'] == 'link'
    is_compared = bool(given['source_api'] and given['api'] and given['verify'])
    if not is_compared and (given['api'] or (given['source_api'] and not is_linked)):
        raise click.UsageError('--source-api and --api are compared by --verify: use all three together.')
    if is_linked and (in_place or not (given['source_api'] or str(source).startswith(_SERVERS))):
        raise click.UsageError('--files link makes links to the older server: name its API, --source-api '
                               'https://HOST/api/v1. In place, files stay where they are.')
    if in_place and given['since_last']:
        raise click.UsageError('--since-last is for copies: in place, there is one database only.')
    if in_place and not database:
        raise click.UsageError('--in-place migrates the database of --database; name it.')
    if in_place and not confirmed:
        raise click.UsageError('--in-place changes the database of the older server. Make a backup of it and of its '
                               'files first, and add --i-have-a-backup.')


def _steps(*, as_json: bool) -> Steps:
    return json_lines if as_json else step


@contextmanager
def _failures() -> Iterator[None]:
    """Exit with 2 and the reason if the migration cannot be done; with ``LOGLEVEL=debug``, show the traceback, too."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo('\nError: the migration is not done: it was interrupted. Run the same command again to continue.',
                   err=True)
        sys.exit(migration_report.NOT_DONE)
    except Exception as error:  # noqa: BLE001 - no failure ends with a traceback only
        if os.environ.get('LOGLEVEL', '').upper() == 'DEBUG':
            traceback.print_exc()
        click.echo(f'Error: the migration is not done: {_reason(error)}', err=True)
        sys.exit(migration_report.NOT_DONE)


def _reason(error: Exception) -> str:
    """What ``error`` says, without the documents that messages of MongoDB show as a whole."""
    from slicer_package_manager.migration.errors import MigrationError  # noqa: PLC0415
    wrong = ((error.details or {}).get('writeErrors') or [{}])[0] if isinstance(error, BulkWriteError) else {}
    message = str(wrong.get('errmsg') or getattr(error, 'message', error))
    if isinstance(error, PyMongoError):
        message = _LATE if isinstance(error, ExecutionTimeout) else _DOCUMENTS.sub('', message)
    if not isinstance(error, (ServeError, MigrationError, GirderBaseException, PyMongoError, OSError, RuntimeError)):
        message = f'{type(error).__name__}: {message}. Set LOGLEVEL=debug to see where it happened, and report it.'
    return message


def _migrate(source: str | None, options: Options, steps: Steps) -> Report:
    from girder.models import getDbConnection  # noqa: PLC0415

    from slicer_package_manager.cli.bootstrap import NEW_DATABASE_SETTINGS  # noqa: PLC0415
    from slicer_package_manager.migration import girder_database, pace, rest_client, run  # noqa: PLC0415
    here = girder_database.opened(getDbConnection().get_database())
    if source and source.startswith(_SERVERS):
        client = rest_client.RestClient(source, os.environ.get(_API_KEY_VARIABLE), pace.Pace(options.rate))
        return run.migrate_over_rest(client, here, options, NEW_DATABASE_SETTINGS, steps)
    older = girder_database.connect(source) if source else here
    return run.migrate(older, here, options, NEW_DATABASE_SETTINGS, steps)


def _import(source: str, options: MidasOptions, steps: Steps) -> Report:
    from girder.models import getDbConnection  # noqa: PLC0415

    from slicer_package_manager.migration import girder_database  # noqa: PLC0415
    from slicer_package_manager.migration.midas import database, run  # noqa: PLC0415
    here = girder_database.opened(getDbConnection().get_database())
    with database.connected(source) as tables:
        return run.migrate(tables, here, options, steps)
