"""The call that lists the applications that a user may edit."""
from __future__ import annotations

from girder.api.describe import Description
from girder.models.folder import Folder

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user


@call(access.LIST_EDITABLE, (
    Description('List the applications, of all collections, that the user may edit, sorted by name.')
    .notes('An application is listed if the user may write to it, or to one of its releases or drafts.')
    .errorResponse('The user is not logged in.', 401)
), model=Folder)
def listEditable() -> Response:
    return applications.editable(current_user())
