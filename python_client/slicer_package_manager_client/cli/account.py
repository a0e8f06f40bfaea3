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
@options.as_json
@pass_session
def login(session: Session, as_json: bool) -> None:
    """Store an API key in the keyring of the system, for the server of --api-url.

    The key is asked for, or read from standard input if that is no terminal. It is stored if the server accepts it.
    Commands use it unless other credentials are given.
    """
    from datetime import datetime, timezone

    from slicer_package_manager_client import identity, logins

    logins.require_keyring()
    key = session.read_key()
    client = session.client_without_login()
    with client.explained():
        client.authenticate(apiKey=key)
        found = identity.who(client)
    name = logins.store(client.urlBase, key, str(found['user']))
    others = ', '.join(one.source for one in session.credentials(client.urlBase)[:-1])
    for line in (identity.expiry_warning(client.api_key, datetime.now(timezone.utc)),
                 f'Other credentials have precedence: {others}.' if others else None):
        if line:
            output.note(line)
    output.show({'status': 'stored', 'keyring': name, **found},
                f'You are logged in to {found["server"]} as {found["user"]}. The API key is in the {name}.',
                as_json=as_json)


@click.command()
@options.as_json
@pass_session
def logout(session: Session, as_json: bool) -> None:
    """Remove the API key for the server of --api-url from the keyring of the system.

    The key remains valid: delete it on the account page of the server if other people may know it.
    """
    from slicer_package_manager_client import logins

    server = logins.address(session.client_without_login().urlBase)
    if logins.delete(server):
        output.show({'status': 'removed', 'server': server}, f'The API key for {server} is removed.', as_json=as_json)
        return
    others = ', '.join(logins.recorded())
    output.show({'status': 'unchanged', 'server': server}, f'No API key for {server} is stored.', as_json=as_json)
    if others:
        output.note(f'There are keys for {others}; name one of them with --api-url.')


@click.command()
@click.argument('app_name', required=False)
@options.every_command
@pass_session
def whoami(session: Session, app_name: str | None, coll_id: str | None, as_json: bool) -> int:
    """Print the user, the API key with its scopes and expiry, and whether it may upload to an application.

    Also prints where the credentials come from, and which ones are not used because others have precedence.

    Fails if no credentials are given, or uploads to APP_NAME are not allowed.
    """
    from slicer_package_manager_client import explain, identity

    client = session.client
    with client.explained():
        found = identity.who(client)
        if found['user'] is None:
            raise Refused('You are not logged in.', server=client.urlBase,
                          advice=explain.how_to_log_in())
        found['credentials'] = [one.source for one in session.credentials(client.urlBase)]
        lines = [*identity.summary(found), *_precedence(found['credentials'])]
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
    """Check address, proxy, TLS, server, clock, credentials, login and, for APP_NAME, the permission to upload.

    The exit status is that of the worst problem. Warnings do not change it. Each check makes one attempt.
    """
    session.limit_retries(0)
    found = list(_checks(session, app_name, coll_id))
    output.show({'checks': [vars(finding) for finding in found]},
                output.table(('CHECK', 'RESULT', 'DETAIL'), [
                    (finding.check, finding.result, session.redacted(finding.detail)) for finding in found]),
                as_json=as_json)
    return max(finding.exit_code for finding in found)


def _precedence(sources: list[str]) -> list[tuple[str, str]]:
    """Return the lines about the sources of credentials, in the order of their precedence."""
    lines = [('credentials', sources[0]), ('not used', ', '.join(sources[1:]))]
    return [line for line in lines if line[1]]


def _checks(session: Session, app_name: str | None, coll_id: str | None) -> Iterator[Finding]:
    from slicer_package_manager_client import diagnosis

    client = session.client_without_login()
    yield from diagnosis.of_server(client)
    try:
        yield diagnosis.of_credentials([one.source for one in session.credentials(client.urlBase)])
        yield from diagnosis.of_login(session.client, app_name, coll_id)
    except SlicerPackageManagerError as error:
        yield diagnosis.failed('login', error)
    yield diagnosis.of_machine()
