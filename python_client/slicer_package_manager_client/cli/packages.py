"""Commands for packages and for extensions, made from the two kinds."""
from __future__ import annotations

from typing import Any

import click

from slicer_package_manager_client.cli import options, output
from slicer_package_manager_client.cli.channels import delete, planned
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.cli.upload import upload_command
from slicer_package_manager_client.kinds import ARCHITECTURES, EXTENSION, OPERATING_SYSTEMS, Kind


def group(kind: Kind) -> click.Group:
    """The commands for ``kind``."""
    commands = click.Group(kind.label, help=f'Upload, list, download and delete {kind.noun}s.')
    for command in (_list_command, upload_command, _download_command, _delete_command):
        commands.add_command(command(kind))
    return commands


def _list_command(kind: Kind) -> click.Command:
    article = f'{kind.noun}s within an application'

    @click.command('list', help=f'List all the {article}.')
    @options.app_name
    @options.option('--name', help=f'The baseName of the {kind.label}')
    @options.option('--os', type=click.Choice(OPERATING_SYSTEMS))
    @options.option('--arch', type=click.Choice(ARCHITECTURES))
    @_filters(kind)
    @options.limit(f'{kind.label}s')
    @options.every_command
    @pass_session
    @click.pass_context
    def command(ctx: click.Context, session: Session, /, app_name: str, as_json: bool, **given: Any) -> None:
        if given.get('all') and ctx.get_parameter_source('limit') is click.core.ParameterSource.DEFAULT:
            given['limit'] = 0
        found = session.client.listThings(kind, app_name, **given)
        names = {} if as_json else session.client.releaseNames(kind, app_name, found, given['coll_id'])
        rows = [[{**item['meta'], 'name': item['name'], '_id': item['_id'],
                  'release': item['meta'].get('release') or names[item['folderId']]}.get(key)
                 for _head, key in kind.columns] for item in found] if not as_json else []
        output.show(found, output.table([head for head, _key in kind.columns], rows), as_json=as_json)

    return command


def _filters(kind: Kind) -> options.Decorator:
    """The filters that one kind has and the other has not."""
    if kind is EXTENSION:
        of_kind = [
            options.option('--app_revision', help='The revision of the application'),
            options.option('--release', default='draft', show_default=True,
                           help='List all extensions within the release'),
            options.option('--query', help='Text expected to be found in the extension name or description'),
            click.option('--all', is_flag=True, help='List all the extensions of the application'),
        ]
    else:
        of_kind = [
            options.option('--revision', help='The revision of the application'),
            options.option('--version', help='The version of the application'),
            options.option('--release', help='List all packages within the release'),
        ]

    def decorate(function: Any) -> Any:
        for one in reversed(of_kind):
            function = one(function)
        return function

    return decorate


def _download_command(kind: Kind) -> click.Command:
    @click.command('download', help=f'Download an {kind.noun}.')
    @options.app_name
    @click.argument('id_or_name')
    @options.option('--dir_path', help=f'Directory to download the {kind.label} to  [default: this one]')
    @options.option('--output', help='Path to save it under, instead of its own name')
    @click.option('--force', is_flag=True, help='Overwrite a different file')
    @options.changing_command
    @pass_session
    def command(session: Session, /, app_name: str, id_or_name: str, as_json: bool, dry_run: bool,
                **given: Any) -> None:
        item, path, status = session.client.fetch(kind, app_name, id_or_name, dry_run=dry_run, **given)
        done = f'DOWNLOADED [{path}]' if status == 'downloaded' else f'is already at [{path}]'
        if dry_run and status == 'downloaded':
            planned(f'download "{item["name"]}" to "{path}"', as_json=as_json, item=item)
        else:
            output.show({'status': status, 'path': str(path), 'item': item},
                        f'{item["name"]} ({item["_id"]}) {done}', as_json=as_json)

    return command


def _delete_command(kind: Kind) -> click.Command:
    @click.command('delete', help=f'Delete an {kind.noun} by ID or name.')
    @options.app_name
    @click.argument('id_or_name')
    @options.deleting_command
    @pass_session
    def command(session: Session, /, app_name: str, id_or_name: str, coll_id: str | None, as_json: bool,
                dry_run: bool, yes: bool) -> None:
        client = session.client
        item = client.find(kind, app_name, id_or_name, coll_id)
        delete(item, f'the {kind.noun} "{item["name"]}"',
               f'{item["name"]} {item["meta"].get("revision", "")} ({item["_id"]}) DELETED',
               lambda: client.deleteThing(kind, app_name, item['_id'], coll_id),
               as_json=as_json, dry_run=dry_run, yes=yes)

    return command
