"""Commands about the login and the way to the server."""
from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slicer_package_manager_client.cli import options, output
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.errors import Refused, SlicerPackageManagerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slicer_package_manager_client.diagnosis import Finding


@click.command()
@click.argument('app_name', required=False)
@options.every_command
@pass_session
def whoami(session: Session, app_name: str | None, coll_id: str | None, as_json: bool) -> int:
    """Print the user, the API key with its scopes and expiry, and whether it may upload to an application.

    Fails if no credentials are given, or uploads to APP_NAME are not allowed.
    """
    from slicer_package_manager_client import identity

    client = session.client
    with client.explained():
        found = identity.who(client)
        if found['user'] is None:
            raise Refused('You are not logged in.', server=client.urlBase,
                          advice='Give --api-key or set GIRDER_API_KEY.')
        lines = identity.summary(found)
        if app_name:
            app = client.findApp(app_name, coll_id)
            found['may_upload'] = identity.may_write(client, app, found['scopes'])
            lines.append((f'uploads to {app["name"]}', 'allowed' if found['may_upload'] else 'not allowed'))
    output.show(found, '\n'.join(f'{name}: {value}' for name, value in lines), as_json=as_json)
    if found.get('may_upload', True):
        return 0
    return session.print_error(Refused(f'Uploads to "{app_name}" are not allowed.', server=client.urlBase))


@click.command()
@click.argument('app_name', required=False)
@options.every_command
@pass_session
def doctor(session: Session, app_name: str | None, coll_id: str | None, as_json: bool) -> int:
    """Check address, proxy, TLS, server, clock, login and, for APP_NAME, the permission to upload.

    The exit status is that of the worst problem. Warnings do not change it. Each check makes one attempt.
    """
    session.limit_retries(0)
    found = list(_checks(session, app_name, coll_id))
    output.show({'checks': [vars(finding) for finding in found]},
                output.table(('CHECK', 'RESULT', 'DETAIL'), [
                    (finding.check, finding.result, session.redacted(finding.detail)) for finding in found]),
                as_json=as_json)
    return max(finding.exit_code for finding in found)


def _checks(session: Session, app_name: str | None, coll_id: str | None) -> Iterator[Finding]:
    from slicer_package_manager_client import diagnosis

    yield from diagnosis.of_server(session.client_without_login())
    try:
        yield from diagnosis.of_login(session.client, app_name, coll_id)
    except SlicerPackageManagerError as error:
        yield diagnosis.failed('login', error)
    yield diagnosis.of_machine()
