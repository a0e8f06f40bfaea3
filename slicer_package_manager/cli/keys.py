"""The commands ``key``: API keys for build machines and other programs."""
from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import click

from slicer_package_manager.cli import connection, tables

_PURPOSES = ('upload', 'read', 'full')


@click.group()
def key() -> None:
    """Create API keys for programs, limited in scope and time, list and revoke them."""


@key.command()
@click.argument('login')
@connection.options
@click.option('--name', required=True, help='What the key is for, such as "Nightly build on linux-3".')
@click.option('--scope', type=click.Choice(_PURPOSES), default='upload', show_default=True,
              help='What the key allows: only to upload packages, only to read, or all that the user may do.')
@click.option('--days', type=click.IntRange(1, 3650), default=365, show_default=True,
              help='Number of days after which the key expires.')
@click.option('--application', help='Name or id of the only application that the key can upload to.')
def create(login: str, database: str | None, data_dir: Path, name: str, scope: str, days: int,
           application: str | None) -> None:
    """Create a key of the user LOGIN, and print it on standard output. It is not shown again.

    \b
    Examples:
      slicer-package-manager key create buildbot --name "Nightly build" --days 180
      slicer-package-manager key create buildbot --name "Slicer only" --application Slicer
    """  # noqa: D301 - click takes the control character as "keep these lines"
    with connection.accounts('api_keys', database, data_dir) as keys:
        app = connection.application(application) if application else None
        made = keys.create(login, name, scope, days, app)
    click.echo(f'Key {made["_id"]} of {login} expires on {made["expires"]:%Y-%m-%d}. It is not shown again:', err=True)
    click.echo(made['key'])


@key.command('list')
@click.argument('login', required=False)
@connection.options
@click.option('--json', 'as_json', is_flag=True, help='Print the keys as JSON.')
def list_keys(login: str | None, database: str | None, data_dir: Path, as_json: bool) -> None:
    """List all keys, or those of the user LOGIN, without their secrets."""
    with connection.accounts('api_keys', database, data_dir) as keys:
        rows = [_row(keys, one) for one in keys.of(login)]
    tables.show(_COLUMNS, rows, as_json=as_json)


_COLUMNS = ('Id', 'Login', 'Name', 'Scope', 'Application', 'State', 'Created', 'Used', 'Expires')


def _row(keys: ModuleType, one: dict[str, Any]) -> dict[str, str]:
    return {'id': str(one['_id']), 'login': one['login'], 'name': one['name'],
            'scope': keys.purpose_of(one) or ' '.join(one['scope']),
            'application': str(one.get('spm', {}).get('app', '')), 'state': keys.state_of(one),
            **{name: f'{one[field]:%Y-%m-%d}' if one.get(field) else 'never' for name, field in (
                ('created', 'created'), ('used', 'lastUse'), ('expires', 'expires'))}}


@key.command()
@click.argument('key_id')
@connection.options
def revoke(key_id: str, database: str | None, data_dir: Path) -> None:
    """Delete the key with the id KEY_ID, as "key list" shows it; the server refuses it from now on."""
    with connection.accounts('api_keys', database, data_dir) as keys:
        revoked = keys.revoke(key_id)
    click.echo(f'Key {revoked["_id"]} ("{revoked["name"]}") is revoked.')
