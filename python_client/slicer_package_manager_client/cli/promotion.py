"""Commands that promote a draft to a release, and that set whether one is offered as the latest."""
from __future__ import annotations

from typing import Any

import click

from slicer_package_manager_client.cli import completion, options, output
from slicer_package_manager_client.cli.session import Session, pass_session


@click.command()
@options.app_name
@click.argument('name', shell_complete=completion.releases)
@options.changing_command
@pass_session
def promote(session: Session, app_name: str, name: str, coll_id: str | None, as_json: bool, dry_run: bool) -> None:
    """Move all packages and extensions of the release's revision from the draft to the release.

    Readers see either none or all of them in the release. Ids, files and download counts stay. Create the release
    first.
    """
    client = session.client
    release = client.findRelease(app_name, name, coll_id)
    revision = release['meta'].get('revision')
    if dry_run:
        output.planned(f'move the draft of revision {revision} to the release "{release["name"]}"', as_json=as_json,
                       item=release)
        return
    promoted = client.promoteDraft(app_name, release['_id'], coll_id)
    output.show({'status': 'promoted', 'item': promoted},
                f'{release["name"]} {revision} ({release["_id"]}) PROMOTED', as_json=as_json)


def ready_command(noun: str, argument: str) -> click.Command:
    """Return the command ``ready`` of a release or a draft.

    :param argument: how it is named: by its name or its revision.
    """
    @click.command('ready', help=f'Set whether a {noun} is offered as the latest one.\n\nREADY is true, '
                                 'which is the default, false, or auto: the server decides.')
    @options.app_name
    @click.argument(argument, shell_complete=completion.releases if noun == 'release' else None)
    @click.argument('ready', type=click.Choice(['true', 'false', 'auto']), default='true')
    @options.changing_command
    @pass_session
    def command(session: Session, /, app_name: str, ready: str, coll_id: str | None, as_json: bool, dry_run: bool,
                **given: Any) -> None:
        client = session.client
        is_draft = noun == 'draft'
        found = (client.findDraft if is_draft else client.findRelease)(app_name, given[argument], coll_id)
        if dry_run:
            output.planned(f'set "ready" of the {noun} "{found["name"]}" to {ready}', as_json=as_json, item=found)
            return
        changed = (client.setDraftReady if is_draft else client.setReleaseReady)(
            app_name, given[argument], ready, coll_id)
        output.show({'status': 'updated', 'ready': ready, 'item': changed},
                    f'{found["name"]} {found["meta"].get("revision", "")} ({found["_id"]}) READY {ready}',
                    as_json=as_json)

    return command
