"""Calls that look up packages: for updates of Slicer, package managers and scripts."""
from __future__ import annotations

from collections.abc import Callable

import cherrypy
from girder.api.describe import Description
from girder.api.rest import setRawResponse

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.lookup import lookup
from slicer_package_manager.registry.lookup.parameters import PARAMETERS
from slicer_package_manager.registry.midas import targets
from slicer_package_manager.registry.midas.numbers import Kind, spelled
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access, item_files
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.handlers import site
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.middleware.permissions import permitted
from slicer_package_manager.rest.middleware.response_cache import record_response


def _description(summary: str, *, one_system: bool = True) -> Description:
    description = of_application(summary)
    for name, parameter in PARAMETERS.items():
        description.param(name, parameter.description, required=one_system and name == 'os', dataType=parameter.type,
                          enum=list(parameter.enum) if parameter.enum else None)
    return description.errorResponse('A value is invalid, or more than one of revision, closest-revision, version and '
                                     'date is given; the message names all problems.')


@call(access.FIND_PACKAGES, (
    _description('Find the newest package, or another one, for an operating system.')
    .errorResponse('There is no such application, or no such package in it.', 404)
), has_form=True)
def findPackage(app_id: str, params: Document) -> Response:
    return _found(params, lambda: _application(app_id))


@call(access.FIND_PACKAGES, (
    _description('Find the newest packages, or others, for each operating system and stability.', one_system=False)
), has_form=True)
def findAllPackages(app_id: str, params: Document) -> Response:
    return _all_found(params, lambda: _application(app_id))


@call(access.FIND_PACKAGES, (
    _description('Download the package that the same parameters find: a redirect to the file.')
    .errorResponse('There is no such application, or no such package in it.', 404)
), has_form=True, cookie=True)
def downloadPackage(app_id: str, params: Document) -> Response:
    build = lookup.find(_application(app_id), current_user(), params)
    return _redirect(f'/api/v1/item/{build.id}/download')


@permitted(access.FIND_PACKAGES)
def find(params: Document) -> Response:
    """``/find``: like ``package/find`` of the default application."""
    return _found(params, _default_application)


@permitted(access.FIND_PACKAGES)
def find_all(params: Document) -> Response:
    """``/findall``: like ``package/findall`` of the default application."""
    return _all_found(params, _default_application)


@permitted(access.FIND_PACKAGES, cookie=True)
def download(params: Document) -> Response:
    """``/download`` with parameters: a redirect to ``/bitstream/:id``, which redirects to the file."""
    build = lookup.find(_default_application(), current_user(), params)
    return _redirect(f'/bitstream/{build.id}')


@permitted(access.DOWNLOAD_FILE, cookie=True)
def bitstream(bitstream_id: str, params: Document) -> Response:  # noqa: ARG001 - Girder passes both
    """``/bitstream/:bitstream_id``: a redirect to the file of the package or extension with that id."""
    identifier = validators.object_id(bitstream_id)
    if identifier is None and site.answers_midas() and spelled(Kind.BITSTREAM, bitstream_id):
        return _of_midas(bitstream_id)
    found = identifier and item_files.of_item(identifier)
    if not found or not found.file or not access.allows(access.DOWNLOAD_FILE, found.folder, current_user()):
        raise NotFound(_missing(bitstream_id))
    return _redirect(f'/api/v1/item/{identifier}/download')


def _of_midas(bitstream_id: str) -> Response:
    """A redirect to the file with this number of MIDAS."""
    try:
        target, _ = targets.resolve(Kind.BITSTREAM, bitstream_id, current_user())
    except NotFound:
        raise NotFound(_missing(bitstream_id)) from None
    if target is None or not target.is_package:
        return _redirect(f'/midas3/download?bitstream={bitstream_id}')
    return _redirect(f'/bitstream/{target.item["_id"]}')


def _missing(bitstream_id: str) -> str:
    shown = validators.shortened(bitstream_id)
    if spelled(Kind.BITSTREAM, bitstream_id):
        return (f'"{shown}" is an id of the MIDAS server, which this server replaced; find the package with /find or '
                'on the page /download.')
    return f'There is no file to download with the id "{shown}".'


def _application(app_id: str) -> ApplicationFolder:
    return applications.load(app_id, current_user(), access.FIND_PACKAGES)


def _default_application() -> ApplicationFolder:
    return applications.default(current_user(), access.FIND_PACKAGES)


def _found(params: Document, load: Callable[[], ApplicationFolder]) -> Response:
    def read() -> Document:
        app = load()
        build = lookup.find(app, current_user(), params)
        found = lookup.describe([build], site.catalog_of(app))
        if not found:
            raise NotFound(f'The package {build.id} was deleted just now; try again.')
        return found[build.id].record
    return _record_response(params, read)


def _all_found(params: Document, load: Callable[[], ApplicationFolder]) -> Response:
    def read() -> Document:
        app = load()
        rows = lookup.find_all(app, current_user(), params)
        found = lookup.describe((build for row in rows.values() for build in row.values()), site.catalog_of(app))
        return {os: {stability: found[build.id].record if build and build.id in found else None
                     for stability, build in row.items()} for os, row in rows.items()}
    return _record_response(params, read)


def _record_response(params: Document, read: Callable[[], Document]) -> Response:
    """Respond with what ``read`` returns, from the response cache if possible: most clients send the same requests."""
    request = cherrypy.request
    known = tuple((name, params.get(name)) for name in PARAMETERS)
    return record_response((request.base, request.script_name, request.path_info, known), read)


def _redirect(path: str) -> bytes:
    setRawResponse()
    site.redirect(path)
    return b''
