"""Commands for applications, their releases and their drafts."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import click

from slicer_package_manager_client.cli import completion, options, output
from slicer_package_manager_client.cli.promotion import promote, ready_command
from slicer_package_manager_client.cli.prune import prune
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.errors import Conflict

if TYPE_CHECKING:
    from slicer_package_manager_client.registry import Document


@click.group()
def app() -> None:
    """Create, list and delete applications."""


@app.command('create')
@click.argument('name')
@options.option('--desc', help='Description of the application')
@options.option('--coll_name', help='Name of the new collection')
@options.option('--coll_desc', help='Description of the new collection')
@click.option('--public/--private', default=True, show_default=True,
              help='Whether the application should be publicly visible')
@options.changing_command
@pass_session
def create_app(session: Session, name: str, desc: str | None, coll_name: str | None, coll_desc: str | None,
               public: bool, coll_id: str | None, as_json: bool, dry_run: bool) -> None:
    """Create a new application."""
    client = session.client
    known = [] if coll_name else client.listApp(name, coll_id)
    if known:
        if known[0].get('public') is not None and known[0]['public'] != public:
            raise Conflict(f'The application "{name}" exists already, and is {_visible(not public)}.',
                           server=client.urlBase, advice='Change it in the web client.')
        if desc is not None and desc != known[0].get('description', ''):
            output.note(_unchanged('application', known[0], client.urlBase))
        output.show({'status': 'unchanged', 'item': known[0]}, f'The application "{name}" already exists.',
                    as_json=as_json)
    elif dry_run:
        output.planned(f'create the {_visible(public)} application "{name}"', as_json=as_json)
    else:
        made = client.createApp(name, desc=desc, coll_id=coll_id, coll_name=coll_name, coll_desc=coll_desc,
                                public=public)
        output.show({'status': 'created', 'item': made}, f'{made["_id"]} ({made["name"]}) CREATED',
                    as_json=as_json)


@app.command('list')
@options.option('--name', help='Name of the application')
@options.every_command
@pass_session
def list_apps(session: Session, name: str | None, coll_id: str | None, as_json: bool) -> None:
    """List applications."""
    found = session.client.listApp(name=name, coll_id=coll_id)
    output.show(found, output.table(('NAME', 'APPLICATION ID'), [(one['name'], one['_id']) for one in found]),
                as_json=as_json)


@app.command('delete')
@click.argument('name')
@options.deleting_command
@pass_session
def delete_app(session: Session, name: str, coll_id: str | None, as_json: bool, dry_run: bool,
               yes: bool) -> None:
    """Delete an application."""
    client = session.client
    found = client.findApp(name, coll_id)
    delete(found, f'the application "{name}" with all its releases, packages and extensions',
           f'{found["name"]} ({found["_id"]}) DELETED', lambda: client.deleteApp(found['_id']),
           as_json=as_json, dry_run=dry_run, yes=yes)


@click.group()
def release() -> None:
    """Create, list, promote and delete releases of an application."""


@release.command('create')
@options.app_name
@click.argument('name')
@click.argument('revision')
@options.option('--desc', help='Description of the release')
@options.changing_command
@pass_session
def create_release(session: Session, app_name: str, name: str, revision: str, desc: str | None,
                   coll_id: str | None, as_json: bool, dry_run: bool) -> None:
    """Create a new release."""
    client = session.client
    known = [one for one in client.listRelease(app_name, coll_id=coll_id)
             if one['name'] == name and one['meta'].get('revision') == revision]
    if known:
        if desc is not None and desc != known[0].get('description', ''):
            output.note(_unchanged('release', known[0], client.urlBase))
        output.show({'status': 'unchanged', 'item': known[0]}, f'The release "{name}" already exists.',
                    as_json=as_json)
    elif dry_run:
        output.planned(f'create the release "{name}" of revision {revision}', as_json=as_json)
    else:
        made = client.createRelease(app_name, name, revision, coll_id=coll_id, desc=desc)
        output.show({'status': 'created', 'item': made}, f'{made["name"]} {revision} ({made["_id"]}) CREATED',
                    as_json=as_json)


@release.command('list')
@options.app_name
@options.every_command
@pass_session
def list_releases(session: Session, app_name: str, coll_id: str | None, as_json: bool) -> None:
    """List the releases of an application."""
    show_channels(session.client.listRelease(app_name, coll_id=coll_id), as_json=as_json)


@release.command('delete')
@options.app_name
@click.argument('name', shell_complete=completion.releases)
@options.deleting_command
@pass_session
def delete_release(session: Session, app_name: str, name: str, coll_id: str | None, as_json: bool,
                   dry_run: bool, yes: bool) -> None:
    """Delete a release."""
    client = session.client
    found = client.findRelease(app_name, name, coll_id)
    delete(found, f'the release "{found["name"]}" with its packages and extensions',
           f'{found["name"]} {found["meta"].get("revision", "")} ({found["_id"]}) DELETED',
           lambda: client.deleteRelease(app_name, found['_id'], coll_id),
           as_json=as_json, dry_run=dry_run, yes=yes)


@click.group()
def draft() -> None:
    """List and delete drafts, the revisions of an application that are no releases."""


@draft.command('list')
@options.app_name
@options.option('--revision', help='Only the draft of this revision')
@options.limit('drafts')
@options.option('--offset', type=click.IntRange(min=0), default=0, help='Number of drafts to skip')
@options.every_command
@pass_session
def list_drafts(session: Session, app_name: str, revision: str | None, limit: int, offset: int,
                coll_id: str | None, as_json: bool) -> None:
    """List the drafts of an application."""
    show_channels(session.client.listDraftRelease(app_name, coll_id=coll_id, revision=revision, limit=limit,
                                                  offset=offset), as_json=as_json)


@draft.command('delete')
@options.app_name
@click.argument('revision')
@options.deleting_command
@pass_session
def delete_draft(session: Session, app_name: str, revision: str, coll_id: str | None, as_json: bool,
                 dry_run: bool, yes: bool) -> None:
    """Delete the draft of a revision, with its packages and extensions."""
    client = session.client
    found = client.findDraft(app_name, revision, coll_id)
    delete(found, f'the draft of revision {revision} with its packages and extensions',
           f'{found["name"]} {revision} ({found["_id"]}) DELETED',
           lambda: client.deleteDraftRelease(app_name, revision, coll_id),
           as_json=as_json, dry_run=dry_run, yes=yes)


draft.add_command(prune)
release.add_command(promote)
release.add_command(ready_command('release', 'name'))
draft.add_command(ready_command('draft', 'revision'))


def delete(document: Document, what: str, done: str, act: Callable[[], Any], *, as_json: bool, dry_run: bool,
           yes: bool) -> None:
    """Delete ``document``, or print that it would be deleted."""
    if dry_run:
        output.planned(f'delete {what}', as_json=as_json, item=document)
        return
    output.confirm(f'Delete {what}?', yes=yes)
    act()
    output.show({'status': 'deleted', 'item': document}, done, as_json=as_json)


def show_channels(folders: list[Document], *, as_json: bool) -> None:
    """Print releases or drafts."""
    output.show(folders, output.table(('APP REVISION', 'NAME', 'RELEASE ID'), [
        (folder['meta'].get('revision'), folder['name'], folder['_id']) for folder in folders]),
        as_json=as_json)


def _visible(public: bool) -> str:
    return 'public' if public else 'private'


def _unchanged(what: str, folder: Document, server: str) -> str:
    return (f'The description of the {what} stays "{folder.get("description", "")}": this command changes nothing that '
            f'exists. To change it, edit the folder in the web client, or send '
            f'PUT {server.rstrip("/")}/folder/{folder["_id"]}?description=...')
