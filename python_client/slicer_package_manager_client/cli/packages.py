"""Commands for packages and for extensions, made from the two package types."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client.cli import completion, options, output
from slicer_package_manager_client.cli.channels import delete
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.cli.upload import upload_command
from slicer_package_manager_client.fields import ARCHITECTURES, EXTENSION, OPERATING_SYSTEMS, PACKAGE, PackageType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slicer_package_manager_client.registry import Document


def group(package_type: PackageType) -> click.Group:
    """The commands for ``package_type``."""
    commands = click.Group(package_type.label, help=f'Upload, list, show, download and delete {package_type.noun}s.')
    for command in (_list_command, _show_command, upload_command, _download_command, _delete_command):
        commands.add_command(command(package_type))
    return commands


def _list_command(package_type: PackageType) -> click.Command:
    @click.command('list', help=f'List {package_type.noun}s of an application.')
    @options.app_name
    @options.option('--name', help=f'Only this baseName of the {package_type.label}')
    @options.option('--os', type=click.Choice(OPERATING_SYSTEMS), help='Only this operating system')
    @options.option('--arch', type=click.Choice(ARCHITECTURES), help='Only this processor architecture')
    @_filters(package_type)
    @options.limit(f'{package_type.label}s')
    @options.every_command
    @pass_session
    @click.pass_context
    def command(ctx: click.Context, session: Session, /, app_name: str, as_json: bool, **given: Any) -> None:
        if given.get('all') and ctx.get_parameter_source('limit') is click.core.ParameterSource.DEFAULT:
            given['limit'] = 0
        found = session.client.listPackages(package_type, app_name, **given)
        names = {} if as_json else session.client.releaseNames(package_type, app_name, found, given['coll_id'])
        rows = [[{**item['meta'], 'name': item['name'], '_id': item['_id'],
                  'release': item['meta'].get('release') or names[item['folderId']]}.get(key)
                 for _head, key in package_type.columns] for item in found] if not as_json else []
        output.show(found, output.table([head for head, _key in package_type.columns], rows), as_json=as_json)

    return command


def _filters(package_type: PackageType) -> options.Decorator:
    """The filters that only this type of package has."""
    if package_type is EXTENSION:
        of_package_type = [
            options.option('--app_revision', help='Only this revision of the application'),
            options.option('--release', shell_complete=completion.releases,
                           default='draft', show_default=True,
                           help='Only extensions of this release; draft for those of no release'),
            options.option('--query', help='Words that the name, description, keywords or contributors contain'),
            click.option('--all', is_flag=True, help='List extensions of all releases and drafts'),
        ]
    else:
        of_package_type = [
            options.option('--revision', help='Only this revision of the application'),
            options.option('--version', help='Only this version of the application'),
            options.option('--release', shell_complete=completion.releases,
                           help='Only packages of this release; draft for those of no release'),
        ]

    def decorate(function: Any) -> Any:
        for one in reversed(of_package_type):
            function = one(function)
        return function

    return decorate


def _selection(package_type: PackageType) -> options.Decorator:
    """The argument and the options that select one item."""
    revision = '--app_revision' if package_type is EXTENSION else '--revision'
    selecting = [
        click.argument('id_or_name'),
        options.option('--os', type=click.Choice(OPERATING_SYSTEMS), help='Operating system of the build'),
        options.option('--arch', type=click.Choice(ARCHITECTURES), help='Processor architecture of the build'),
        options.option(revision, help='Revision of the application  [default: the newest build]'),
        options.option('--release', shell_complete=completion.releases,
                           help='Release of the application; draft for a build of no release'),
    ]
    if package_type is PACKAGE:
        selecting.insert(4, options.option('--version', help='Version of the application'))

    def decorate(function: Any) -> Any:
        for one in reversed(selecting):
            function = one(function)
        return function

    return decorate


def _selecting_help(package_type: PackageType) -> str:
    return (f'ID_OR_NAME is the id or the full name of the item, or the base name of the {package_type.label}, such as '
            f'"{"SlicerIGT" if package_type is EXTENSION else "Slicer"}": then the newest build that the options '
            'select.')


def _show_command(package_type: PackageType) -> click.Command:
    @click.command('show', help=f'Print what the server has about an {package_type.noun}.\n\n'
                                f'{_selecting_help(package_type)}')
    @options.app_name
    @_selection(package_type)
    @options.every_command
    @pass_session
    def command(session: Session, /, app_name: str, id_or_name: str, as_json: bool, **given: Any) -> None:
        client = session.client
        item = client.find(package_type, app_name, id_or_name, **given)
        from slicer_package_manager_client import receipts

        document = {'item': item, **receipts.addresses(client.urlBase, item['_id'], client.fileOf(item)),
                    'provenance': client.provenanceOf(package_type, app_name, item, given['coll_id'])}
        output.show(document, '\n'.join(f'{name}: {value}' for name, value in _facts(document)), as_json=as_json)

    return command


def _facts(document: Document) -> Iterator[tuple[str, Any]]:
    """Yield the lines about an item."""
    item, file = document['item'], document['file']
    yield from (('name', item['name']), ('id', item['_id']))
    for key, value in sorted(item['meta'].items()):
        if value not in {'', None} and key != 'sha512':
            yield key, ' '.join(str(value).split())
    yield from (('file', file['name']), ('size', file.get('size')), ('sha512', file.get('sha512')),
                ('url', document['url']), ('download', document['download_url']))
    build, attestation = (document['provenance'].get(key) for key in ('build', 'attestation'))
    if build:
        yield 'built by', f'{build["repository"]}@{build["commit"]}, run {build["run"]} ({build["run_url"]})'
    if attestation:
        yield 'attestation', attestation['url']


def _download_command(package_type: PackageType) -> click.Command:
    @click.command('download', help=f'Download an {package_type.noun}.\n\n{_selecting_help(package_type)}')
    @options.app_name
    @_selection(package_type)
    @options.option('--dir_path', help=f'Directory to download the {package_type.label} to  [default: this one]')
    @options.option('--output', help='Path to save it under, instead of its own name')
    @click.option('--force', is_flag=True, help='Overwrite a different file')
    @options.option('--verify-provenance', metavar='OWNER/REPO',
                    help='Store the file only if its attestation proves that GitHub Actions built it in this '
                         'repository')
    @options.changing_command
    @pass_session
    def command(session: Session, /, app_name: str, id_or_name: str, as_json: bool, dry_run: bool,
                **given: Any) -> None:
        item, path, status = session.client.fetch(package_type, app_name, id_or_name, dry_run=dry_run, **given)
        done = f'DOWNLOADED [{path}]' if status == 'downloaded' else f'is already at [{path}]'
        if dry_run and status == 'downloaded':
            output.planned(f'download "{item["name"]}" to "{path}"', as_json=as_json, item=item)
        else:
            output.show({'status': status, 'path': str(path), 'item': item},
                        f'{item["name"]} ({item["_id"]}) {done}', as_json=as_json)

    return command


def _delete_command(package_type: PackageType) -> click.Command:
    @click.command('delete', help=f'Delete an {package_type.noun} by ID or name.')
    @options.app_name
    @click.argument('id_or_name')
    @options.deleting_command
    @pass_session
    def command(session: Session, /, app_name: str, id_or_name: str, coll_id: str | None, as_json: bool,
                dry_run: bool, yes: bool) -> None:
        client = session.client
        item = client.find(package_type, app_name, id_or_name, coll_id)
        delete(item, f'the {package_type.noun} "{item["name"]}"',
               f'{item["name"]} {item["meta"].get("revision", "")} ({item["_id"]}) DELETED',
               lambda: client.deletePackage(package_type, app_name, item['_id'], coll_id),
               as_json=as_json, dry_run=dry_run, yes=yes)

    return command


package, extension = group(PACKAGE), group(EXTENSION)
