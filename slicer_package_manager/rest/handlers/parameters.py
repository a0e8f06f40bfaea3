"""Descriptions of parameters and errors that several calls share."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from girder.api.describe import Description

from slicer_package_manager.registry.links import rules as link_rules
from slicer_package_manager.registry.schema.fields import SYSTEM_FIELDS, Field, PackageType

#: Filters that match nothing if their value is empty: a script whose variable is unset must not get everything.
_NEVER_EMPTY = ('item_id', 'version')


def of_application(summary: str) -> Description:
    """Begin the description of a call for one application, whose id is in the path."""
    return (Description(summary)
            .param('app_id', 'Id of the application, 24 hexadecimal digits.', paramType='path')
            .errorResponse('The call requires a login, or the application or the requested document is private.', 401)
            .errorResponse('The user lacks the permission for the application or for the requested document.', 403)
            .errorResponse('The application does not exist.', 404))


def with_fields(description: Description, package_type: PackageType) -> Description:
    """Add a parameter for each metadata field of ``package_type``."""
    for field in (*package_type.fields, *package_type.form_only):
        description.param(field.name, field.description, required=field.required, dataType=field.type,
                          enum=list(field.enum) if field.enum else None)
    for name, text in link_rules.FIELDS.items():
        description.param(name, text, required=False, dataType='integer' if name == 'size' else 'string')
    return description.errorResponse(
        'Values are missing or invalid; the message lists all of them.').errorResponse(
        'Another item in the folder has the name that the template of the application produces.', 409).errorResponse(
        'The request is larger than 1 MiB.', 413)


def with_filters(description: Description, fields: Iterable[Field] = SYSTEM_FIELDS) -> Description:
    """Add the list filters of ``fields``, by default of operating system and architecture."""
    for field in fields:
        if field.filter:
            description.param(field.name, field.filter, required=False, enum=list(field.enum) if field.enum else None)
    return description


def filters_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of ``values`` of list filters that apply. An empty text is no filter, as in forms."""
    return {name: value for name, value in values.items() if value != '' or name in _NEVER_EMPTY}


def with_downloads(description: Description) -> Description:
    """Add the parameter that includes the number of downloads of each item."""
    return description.param('with_downloads', 'Include the number of downloads of each item, as "downloads" next '
                             'to "meta".', required=False, dataType='boolean', default=False)
