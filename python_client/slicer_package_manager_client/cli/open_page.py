"""Command that opens a page of the server in the browser."""
from __future__ import annotations

from urllib.parse import urlencode

import click

from slicer_package_manager_client import receipts
from slicer_package_manager_client.cli import options, output
from slicer_package_manager_client.cli.session import Session, pass_session
from slicer_package_manager_client.errors import NotFound
from slicer_package_manager_client.fields import PACKAGE_TYPES


@click.command('open')
@options.app_name
@click.argument('id_or_name', required=False)
@options.every_command
@pass_session
def open_page(session: Session, app_name: str, id_or_name: str | None, coll_id: str | None, as_json: bool) -> None:
    """Open the catalog of an application, or the page of a package or extension, in the browser.

    Prints the address; the browser is started only from a terminal.
    """
    app = session.client.findApp(app_name, coll_id)
    url = _item_page(session, app['_id'], id_or_name) if id_or_name else (
        f'{receipts.root(session.client.urlBase)}/catalog?{urlencode({"app": app["_id"]})}')
    output.show({'url': url}, url, as_json=as_json)
    if output.interactive() and not as_json:
        click.launch(url)


def _item_page(session: Session, app_id: str, id_or_name: str) -> str:
    for package_type in PACKAGE_TYPES:
        try:
            item = session.client.find(package_type, app_id, id_or_name)
        except NotFound:
            continue
        return receipts.item_page(session.client.urlBase, item['_id'])
    raise NotFound(f'There is no package and no extension "{id_or_name}".', server=session.client.urlBase)
