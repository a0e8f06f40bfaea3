"""Connect the commands to a database: that of a running server, or one that they start themselves."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import platformdirs
import pymongo
from girder.exceptions import RestException, ValidationException
from girder.utility.config import loadConfig
from pymongo.errors import ConnectionFailure, PyMongoError

from slicer_package_manager.cli import database, mongod, replica_set, web
from slicer_package_manager.cli.data_dir import DataDir
from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.cli.supervisor import Supervisor
from slicer_package_manager.registry import usable
from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
from slicer_package_manager.registry.schema.types import Document

Command = Callable[..., Any]  # a function whose parameters are its options


def options(command: Command) -> Command:
    """Add to ``command`` the options that select a database; they are those of ``serve``."""
    command = click.option(
        '--database', metavar='URI', envvar=['SLICER_PACKAGE_MANAGER_DATABASE', 'GIRDER_MONGO_URI'], show_envvar=True,
        help='MongoDB of the server, mongodb://HOST:PORT/NAME; by default that of the data directory.')(command)
    return data_dir_option(command)


def data_dir_option(command: Command) -> Command:
    """Add to ``command`` the option that names a data directory."""
    return click.option(
        '--data-dir', type=click.Path(file_okay=False, path_type=Path), envvar='SLICER_PACKAGE_MANAGER_DATA_DIR',
        show_envvar=True, show_default=True,
        default=platformdirs.user_data_dir('slicer-package-manager', appauthor=False),
        help='Data directory of a server with an embedded database; the server may run or not.')(command)


@contextmanager
def connected(database_uri: str | None, data_dir: Path, *, alone: bool = False, by_migration: bool = False
              ) -> Iterator[None]:
    """Connect Girder's models, which must not have been imported before, to a database.

    That of a data directory is used through its running server; without one it runs only within this context.

    :param alone: for a restoration: no server may run on the data directory, and a missing database is created.
    :param by_migration: the data of an older server is to be migrated in place.
    :raises ServeError: there is no such database, it does not answer, or this version cannot use it.
    """
    with ExitStack() as stack:
        own = _own if alone else _embedded
        uri = database.completed(database_uri) if database_uri else stack.enter_context(own(DataDir(data_dir)))
        _require_usable(uri, by_restoration=alone, by_migration=by_migration)
        for name in ('GIRDER_TEST_DB', *([] if database_uri else ['GIRDER_MONGO_REPLICA_SET'])):
            os.environ.pop(name, None)
        os.environ.update({**web.DEFAULTS, **os.environ, 'GIRDER_MONGO_URI': uri})
        loadConfig()  # Girder read the environment when it was imported
        yield


@contextmanager
def accounts(module: str, database_uri: str | None, data_dir: Path) -> Iterator[ModuleType]:
    """The module ``module`` of ``registry.accounts``, connected to the database of the options.

    :raises ServeError: see :func:`connected`, or the module refuses a call.
    """
    with connected(database_uri, data_dir):
        # Girder connects when it is imported.
        imported = import_module(f'slicer_package_manager.registry.accounts.{module}')
        imported.register()
        with reporting():
            yield imported


@contextmanager
def reporting() -> Iterator[None]:
    """Report what the registry refuses in this context as the failure of a command.

    :raises ServeError: the registry refuses a call.
    """
    try:
        yield
    except (RestException, ValidationException) as error:
        raise ServeError(str(error)) from error


def application(name_or_id: str | None) -> Any:  # the folder of an application
    """The application with this name or id; without one, the only application. Call it when :func:`connected`.

    :raises ServeError: there is no such application, or more than one.
    """
    # Girder connects when it is imported.
    from slicer_package_manager.registry.catalog import applications  # noqa: PLC0415
    found = applications.by_id_or_name(name_or_id)
    if len(found) == 1:
        return found[0]
    if name_or_id is None:
        what = 'are several applications. Name one, or give its id' if found else 'is no application'
        raise ServeError(f'There {what}.')
    what = 'There is no application' if not found else 'Several applications have the name'
    raise ServeError(f'{what} "{name_or_id}". Give the id of one.')


@contextmanager
def _embedded(data: DataDir) -> Iterator[str]:
    if not data.database.is_dir():
        raise ServeError(f'There is no server in the data directory {data.path}. Name another directory with '
                         '--data-dir, or a database with --database.')
    running = mongod.socket_path(data.sockets)
    # Do not wait for a database whose server was killed.
    if running.exists() and data.in_use() and answers(database.socket_uri(str(running)), database.ANSWER_SECONDS):
        yield database.socket_uri(str(running))
        return
    with _own(data) as uri:
        yield uri


@contextmanager
def _own(data: DataDir) -> Iterator[str]:
    program = mongod.find_mongod()
    data.create(data.database, data.log.parent)
    with data.locked(), Supervisor() as supervisor:
        endpoint = mongod.Endpoint(data.sockets)
        try:
            supervisor.add(mongod.start(program, data, endpoint))
            if not replica_set.wait(endpoint.uri, database.START_SECONDS, supervisor.pause):
                raise ServeError(f'The database does not answer within {database.START_SECONDS:.0f} s.')
            yield endpoint.uri
        finally:
            endpoint.remove()


def answers(uri: str, seconds: float) -> bool:
    """Whether the database of ``uri`` answers within ``seconds``."""
    client: pymongo.MongoClient[Document] = pymongo.MongoClient(uri, serverSelectionTimeoutMS=int(seconds * 1000))
    with client:
        try:
            client.admin.command('ping')
        except PyMongoError:
            return False
    return True


def _require_usable(uri: str, **exceptions: bool) -> None:
    try:
        usable.require_at(uri, database.patience(uri, database.ANSWER_SECONDS), **exceptions)
    except UnusableDatabaseError as error:
        raise ServeError(str(error)) from error
    except ConnectionFailure as error:
        raise ServeError(f'The database {database.hosts_of(uri)} does not answer. Check --database.') from error
    except PyMongoError as error:
        raise ServeError(f'The database at {database.hosts_of(uri)} cannot be used: {error}') from error
