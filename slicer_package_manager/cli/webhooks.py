"""The commands ``webhook``: who is notified when builds begin or cease to lack an extension."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from slicer_package_manager.cli import connection, tables
from slicer_package_manager.cli.errors import ServeError


@click.group()
def webhook() -> None:
    """Notify authors of extensions when builds lack their extension, or have it again."""


@webhook.command()
@click.argument('extension')
@click.argument('url')
@click.argument('application', required=False)
@connection.options
def add(extension: str, url: str, application: str | None, database: str | None, data_dir: Path) -> None:
    """Notify URL of changes of EXTENSION, and print the secret with which the server signs what it sends.

    The extension must be expected, see "expected sync". The setting slicer_package_manager.webhook_hosts must allow the
    host of the URL. APPLICATION is a name or an id, by default the only application.

    \b
    Examples:
      slicer-package-manager webhook add SlicerIGT https://hooks.example.org/slicer
    """  # noqa: D301 - click takes the control character as "keep these lines"
    with connection.connected(database, data_dir), connection.reporting():
        from slicer_package_manager.registry.server import settings  # noqa: PLC0415 - Girder connects
        from slicer_package_manager.registry.webhooks import hooks  # noqa: PLC0415 - Girder connects
        settings.register()
        made = hooks.add(connection.application(application), extension, url)
    click.echo(f'The webhook {made["_id"]} is notified of changes of {extension}. The secret, which is shown '
               'only now, is:', err=True)
    click.echo(made['secret'])


@webhook.command('list')
@click.argument('application', required=False)
@click.option('--json', 'as_json', is_flag=True, help='Print the webhooks as JSON.')
@connection.options
def list_webhooks(application: str | None, as_json: bool, database: str | None, data_dir: Path) -> None:
    """List the webhooks of an APPLICATION (name or id), or of all, with the result of the last delivery."""
    with connection.connected(database, data_dir), connection.reporting():
        from slicer_package_manager.registry.webhooks import hooks  # noqa: PLC0415 - Girder connects
        found = hooks.of(connection.application(application) if application else None)
    rows: list[dict[str, Any]] = [
        {'id': str(one['_id']), 'extension': one['name'], 'url': one['url'], 'waiting': len(one['pending']),
         'last': f'{one["last"]["time"]:%Y-%m-%d %H:%M}' if one['last'] else '',
         'problem': one['last']['problem'] if one['last'] else ''} for one in found]
    tables.show(('Id', 'Extension', 'URL', 'Waiting', 'Last', 'Problem'), rows, as_json=as_json)


@webhook.command()
@click.argument('webhook_id')
@connection.options
def ping(webhook_id: str, database: str | None, data_dir: Path) -> None:
    """Send a test to the webhook with the id WEBHOOK_ID, and report whether it was accepted."""
    with connection.connected(database, data_dir), connection.reporting():
        from slicer_package_manager.registry.server import settings  # noqa: PLC0415 - Girder connects
        from slicer_package_manager.registry.webhooks import delivery, hooks  # noqa: PLC0415 - Girder connects
        settings.register()
        hook = hooks.load(webhook_id)
        problem = delivery.ping(hook)
    if problem:
        raise ServeError(f'{hook["url"]} has not accepted the test: {problem}')
    click.echo(f'{hook["url"]} has accepted the test.')


@webhook.command()
@click.argument('webhook_id')
@connection.options
def remove(webhook_id: str, database: str | None, data_dir: Path) -> None:
    """Remove the webhook with the id WEBHOOK_ID, as "webhook list" shows it; nothing is sent to it from now on."""
    with connection.connected(database, data_dir), connection.reporting():
        from slicer_package_manager.registry.webhooks import hooks  # noqa: PLC0415 - Girder connects
        gone = hooks.remove(webhook_id)
    click.echo(f'{gone["url"]} is not notified of changes of {gone["name"]} any more.')
