"""Descriptions of parameters that several calls have in common."""
from __future__ import annotations

from collections.abc import Iterable

from girder.api.describe import Description

from slicer_package_manager.registry.links import rules
from slicer_package_manager.registry.schema.fields import SYSTEM_FIELDS, Field, PackageType


def of_application(summary: str) -> Description:
    """A description that begins with the application in the path."""
    return (Description(summary)
            .param('app_id', 'Id of the application, 24 hexadecimal digits.', paramType='path')
            .errorResponse('The user is not logged in, and the application or what is asked for is private.', 401)
            .errorResponse('The user has no access to the application or to what is asked for.', 403)
            .errorResponse('There is no such application.', 404))


def with_fields(description: Description, package_type: PackageType) -> Description:
    """``description`` with a parameter for each field of ``package_type``."""
    for field in (*package_type.fields, *package_type.form_only):
        description.param(field.name, field.description, required=field.required, dataType=field.type,
                          enum=list(field.enum) if field.enum else None)
    for name, text in rules.FIELDS.items():
        description.param(name, text, required=False, dataType='integer' if name == 'size' else 'string')
    return description.errorResponse(
        'Values are missing or unusable; the message names all of them.').errorResponse(
        'Another item in the folder has the name that the template of the application gives.', 409).errorResponse(
        'The request is larger than 1 MiB.', 413)


def with_filters(description: Description, fields: Iterable[Field] = SYSTEM_FIELDS) -> Description:
    """Add the list filters of ``fields``, by default of operating system and architecture."""
    for field in fields:
        if field.filter:
            description.param(field.name, field.filter, required=False, enum=list(field.enum) if field.enum else None)
    return description


def with_downloads(description: Description) -> Description:
    """``description`` with the choice to get each item's number of downloads."""
    return description.param('with_downloads', 'Whether each item tells its own downloads, as "downloads" beside '
                             '"meta".', required=False, dataType='boolean', default=False)
