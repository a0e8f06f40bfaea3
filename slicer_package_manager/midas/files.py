"""Files at the addresses of MIDAS.

They are delivered like all files of packages, and counted like them, by :mod:`rest.downloads.delivery`. But no client
is redirected: Slicer 4 would take the redirect for the file. Links are streamed by the rules for all links.
"""
from __future__ import annotations

from girder.api.rest import setResponseHeader
from girder.exceptions import RestException

from slicer_package_manager.midas import outcomes
from slicer_package_manager.midas.addresses import Asked
from slicer_package_manager.registry.midas import targets
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.midas.targets import Target
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import object_id
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.downloads.delivery import deliver
from slicer_package_manager.rest.downloads.girder_file_calls import bounds
from slicer_package_manager.rest.handlers.call import Response, current_user
from slicer_package_manager.rest.middleware import request_state
from slicer_package_manager.rest.middleware.permissions import permitted
from slicer_package_manager.rest.middleware.security_headers import SANDBOX


@permitted(access.DOWNLOAD_FILE, cookie=True)
def send(asked: Asked, params: Document) -> Response:
    """Send the file that the request names.

    :raises RestException: it names none or several (400), or what it names is unknown (404) or gone (410).
    """
    kind = asked.row.kind or Kind.ITEM
    if asked.number is None:
        raise RestException('Name the file to download: /midas3/download?items=ID, or ?bitstream=ID.')
    if _is_several(asked.number):
        raise RestException('This server sends one file at a time: request each of the items by itself.')
    target, url = targets.resolve(kind, asked.number, current_user())
    return _deliver(target, params) if target else outcomes.elsewhere(url)


def _is_several(number: str) -> bool:
    """Whether ``number`` names several items, as ``1-2`` or ``1,2-3``. ``1,2`` is a revision of one."""
    first, *more = number.split(',')
    return '-' in number or len(more) > 1 or (len(more) == 1 and object_id(more[0]) is not None) or not first


def _deliver(target: Target, params: Document) -> Response:
    setResponseHeader('Content-Security-Policy', SANDBOX)
    request_state.current().is_package_sent = True
    file = {**(target.file or {}), **_renamed(params.get('name'))}
    return deliver(target.item if target.is_package else None, file, 'attachment', bounds(params),
                   is_public=bool(target.folder.get('public')), may_redirect=False)


def _renamed(name: object) -> Document:
    """Another name for the file in ``Content-Disposition``, without a path."""
    if not name:
        return {}
    if validators.has_control_characters(str(name)):
        raise Invalid([('name', 'must not have control characters')])
    try:
        return {'name': validators.file_name(name)}
    except ValueError as error:
        raise Invalid([('name', str(error))]) from None
