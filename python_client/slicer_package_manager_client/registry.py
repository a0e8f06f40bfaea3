"""Lookup of applications, releases, drafts and packages by the names that users give."""
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from slicer_package_manager_client.constants import Constant
from slicer_package_manager_client.errors import Conflict, NotFound

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.fields import PackageType

Document = dict[str, Any]

_ID = re.compile(r'[0-9a-f]{24}')
DRAFT = Constant.DRAFT_RELEASE_NAME


def given(**values: Any) -> Document:
    """Return the values that are not empty, as REST parameters."""
    return {key: value for key, value in values.items() if value is not None and value != ''}


def application(client: Connection, name: str, coll_id: str | None = None) -> Document:
    """Return the application with that name (in that collection) or id.

    :raises NotFound: it does not exist.
    """
    if _ID.fullmatch(name):
        found = client.get('app', parameters={'app_id': name})
        if isinstance(found, dict) and found.get('_id') == name:
            return found
    found = client.get('app', parameters=given(name=name, collection_id=coll_id))
    match = next((app for app in found if app['name'] == name), None)
    if match is None:
        raise NotFound(f'There is no application "{name}".', server=client.urlBase,
                       advice='See "app list".')
    return cast('Document', match)


def release(client: Connection, app: Document, name: str) -> Document:
    """Return the release with that name or id, or the folder of the drafts.

    :raises NotFound: it does not exist.
    """
    found = client.get(f'app/{app["_id"]}/release', parameters={'release_id_or_name': name})
    if not found:
        raise NotFound(f'There is no release "{name}" in "{app["name"]}".', server=client.urlBase,
                       advice='See "release list".')
    return cast('Document', found)


def draft(client: Connection, app: Document, revision: str) -> Document:
    """Return the draft of that revision.

    :raises NotFound: it does not exist.
    """
    found = client.get(f'app/{app["_id"]}/draft', parameters={'revision': revision, 'limit': 0})
    match = next((one for one in found if one['meta'].get('revision') == revision), None)
    if match is None:
        raise NotFound(f'There is no draft of revision "{revision}" in "{app["name"]}".',
                       server=client.urlBase, advice='See "draft list".')
    return cast('Document', match)


def packages(client: Connection, package_type: PackageType, app: Document, **filters: Any) -> list[Document]:
    """Return packages or extensions, newest first."""
    return cast('list[Document]', client.get(f'app/{app["_id"]}/{package_type.label}', parameters=given(**filters)))


def package(client: Connection, package_type: PackageType, app: Document, id_or_name: str,
            **filters: Any) -> Document:
    """Return the package or extension with that id or name.

    With ``filters``, and if no item has the name, it is a base name, of which the newest build is returned.

    :param filters: parameters of the list call, such as ``os``; empty ones have no effect.
    :raises NotFound: it does not exist.
    :raises Conflict: several have that name.
    """
    filters = given(**filters)
    found = [] if filters else _named(client, package_type, app, id_or_name)
    if found:
        return found[0]
    found = packages(client, package_type, app, baseName=id_or_name, **filters, limit=0)
    if not found:
        chosen = ''.join(f', {key} "{value}"' for key, value in filters.items())
        raise NotFound(f'There is no {package_type.label} "{id_or_name}"{chosen} in "{app["name"]}".',
                       server=client.urlBase, advice=f'See "{package_type.label} list".')
    systems = {f'--os {item["meta"].get("os")} --arch {item["meta"].get("arch")}' for item in found}
    if len(systems) > 1:
        raise Conflict(f'The {package_type.label} "{id_or_name}" is there for several systems.', server=client.urlBase,
                       advice=f'Give one: {", ".join(sorted(systems))}.')
    return found[0]


def _named(client: Connection, package_type: PackageType, app: Document, id_or_name: str) -> list[Document]:
    """Return the item with that id or name, as a list.

    :raises Conflict: several have that name.
    """
    found: list[Document] = []
    if _ID.fullmatch(id_or_name):
        found = packages(client, package_type, app, **{f'{package_type.label}_id': id_or_name})
    if not found:
        found = packages(client, package_type, app, **{f'{package_type.label}_name': id_or_name}, limit=0)
    if len(found) > 1:
        ids = ', '.join(item['_id'] for item in found)
        raise Conflict(f'{len(found)} {package_type.label}s are called "{id_or_name}".', server=client.urlBase,
                       advice=f'Give the id of one: {ids}.')
    return found


def registered(client: Connection, package_type: PackageType, app: Document, values: Document) -> Document | None:
    """Return the package with the identity in ``values``, in a release rather than in a draft, or ``None``."""
    identity = {key: values[key] for key in package_type.identity}
    found = [item for item in packages(client, package_type, app, **identity, limit=0)
             if all(str(item['meta'].get(key)) == value for key, value in identity.items())]
    return next((item for item in found if item['meta'].get('release')), found[0] if found else None)


def release_names(client: Connection, app: Document, package_type: PackageType,
                  items: list[Document]) -> dict[str, str]:
    """Return the name of the release, or "draft", for each folder of ``items``."""
    if not items:
        return {}
    releases = client.get(f'app/{app["_id"]}/release', parameters={'limit': 0})
    by_id = {folder['_id']: folder['name'] for folder in releases}
    revisions = {folder['meta'].get('revision') for folder in releases}
    names = {}
    for item in items:
        folder = item['folderId']
        if folder in names:
            continue
        names[folder] = by_id.get(folder, DRAFT)
        # Extensions are in a subfolder, which is looked up only if it may belong to a release.
        if package_type.release_filter == 'release_id' and item['meta'].get(package_type.app_revision) in revisions:
            names[folder] = by_id.get(client.get(f'folder/{folder}')['parentId'], DRAFT)
    return names
