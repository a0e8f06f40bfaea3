"""Calls for the administration in the browser."""
from __future__ import annotations

from girder.api.describe import Description
from girder.models.folder import Folder

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.schema import name_templates
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call, current_user


@call(access.LIST_EDITABLE, (
    Description('List the applications, of all collections, that the user may edit, sorted by name.')
    .notes('An application is listed if the user may write to it, or to one of its releases or drafts.')
    .errorResponse('The user is not logged in.', 401)
), model=Folder)
def listEditable() -> Response:
    return applications.editable(current_user())


@call(access.GET_NAME_TEMPLATE_EXAMPLE, (
    Description('Render a name template with the metadata of an example.')
    .notes('The response has `name`, and `keys`: the metadata keys that such a template may contain, sorted. Nothing '
           'is saved.')
    .param('package_type', 'Whether the template names packages or extensions.', enum=list(PACKAGE_TYPES))
    .param('template', 'The template, such as `{baseName}_{os}_{arch}_{revision}`.', strip=False)
    .errorResponse('The template is invalid; the message is the one that saving it returns.')
    .errorResponse('The user is not logged in.', 401)
))
def getNameTemplateExample(package_type: str, template: str) -> Response:
    found = PACKAGE_TYPES[package_type]
    try:
        name = name_templates.render(template, found, found.examples)
    except ValueError as error:
        raise Invalid([(found.template, str(error))]) from None
    return {'name': name, 'keys': sorted(found.keys)}
