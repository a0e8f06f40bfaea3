"""The commands ``expected``: which extensions the builds of an application should have."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from slicer_package_manager.cli import connection, tables
from slicer_package_manager.cli.errors import ServeError


@click.group()
def expected() -> None:
    """Choose which extensions builds should have, to see which ones are missing."""


@expected.command()
@click.argument('source', type=click.Path(exists=True, path_type=Path))
@click.argument('application', required=False)
@click.option('--branch', help='Branch of the index: main, or a version such as 5.8. By default the one that is '
              'checked out in SOURCE.')
@connection.options
def sync(source: Path, application: str | None, branch: str | None, database: str | None, data_dir: Path) -> None:
    """Expect the extensions of the index SOURCE: a directory, a Git checkout or a zip archive of Slicer's index.

    APPLICATION is a name or an id, by default the only application. Builds whose version begins with the name of the
    branch should have these extensions. Previews of all other versions should have those of a branch such as main.

    \b
    Examples:
      git clone --branch main https://github.com/Slicer/ExtensionsIndex
      slicer-package-manager expected sync ExtensionsIndex
      slicer-package-manager expected sync ExtensionsIndex-5.8.zip Slicer --branch 5.8
    """  # noqa: D301 - click takes the control character as "keep these lines"
    with connection.connected(database, data_dir), connection.reporting():
        from slicer_package_manager.registry.expected import sources, store  # noqa: PLC0415 - Girder connects
        app = connection.application(application)
        branch = branch or sources.branch_of(source)
        if not branch:
            raise ServeError(f'{source} is no Git checkout of a branch. Name the branch with --branch, such as main.')
        entries = sources.read(source)
        added, removed = store.replace(app, branch, entries)
    click.echo(f'{len(entries)} extensions are expected of builds of {branch}: {len(added)} new, '
               f'{len(removed)} removed.')
    for sign, names in (('+', added), ('-', removed)):
        for name in names:
            click.echo(f'{sign} {name}')


@expected.command('list')
@click.argument('application', required=False)
@click.option('--json', 'as_json', is_flag=True, help='Print the branches with all extensions as JSON.')
@connection.options
def list_branches(application: str | None, as_json: bool, database: str | None, data_dir: Path) -> None:
    """List the branches of the index, when each was synchronized, and how many extensions are expected."""
    with connection.connected(database, data_dir), connection.reporting():
        from slicer_package_manager.registry.expected import store  # noqa: PLC0415 - Girder connects
        found = store.of_app(connection.application(application))
    rows: list[dict[str, Any]] = [
        {'branch': name, 'synchronized': f'{one["synced"]:%Y-%m-%d %H:%M}',
         'extensions': one['entries'] if as_json else len(one['entries'])} for name, one in found.items()]
    tables.show(('Branch', 'Synchronized', 'Extensions'), rows, as_json=as_json)


@expected.command()
@click.argument('branch')
@click.argument('application', required=False)
@connection.options
def remove(branch: str, application: str | None, database: str | None, data_dir: Path) -> None:
    """Expect no extensions of BRANCH any more."""
    with connection.connected(database, data_dir), connection.reporting():
        from slicer_package_manager.registry.expected import store  # noqa: PLC0415 - Girder connects
        store.remove(connection.application(application), branch)
    click.echo(f'No extensions are expected of builds of {branch} any more.')
