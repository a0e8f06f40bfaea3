"""Calls that look for a build: for updates of Slicer, package managers and scripts."""
import cherrypy
from girder.api.describe import describeRoute
from girder.api.rest import boundHandler, getCurrentUser, setRawResponse

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.lookup import lookup
from slicer_package_manager.registry.lookup import parameters as lookup_parameters
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.tree import access, item_files
from slicer_package_manager.rest.handlers import site
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.middleware.permissions import permitted
from slicer_package_manager.rest.middleware.response_cache import record_response

#: Ids of MIDAS are decimal numbers, and shorter than ours.
_ID_DIGITS = 24


def _asking(summary, *, one_system=True):
    """A description with the parameters that ask for a build."""
    description = of_application(summary)
    for name, parameter in lookup_parameters.PARAMETERS.items():
        description.param(name, parameter.help, required=one_system and name == 'os', dataType=parameter.type,
                          enum=list(parameter.enum) if parameter.enum else None)
    return description.errorResponse('A value is not allowed, or more than one of revision, closest-revision, version '
                                     'and date is given; the message names all that is wrong.')


@permitted(access.FIND_PACKAGES)
@boundHandler
@describeRoute(
    _asking('Find the newest package, or another one, for an operating system.')
    .errorResponse('There is no such application, or no such package in it.', 404))
def findPackage(self, app_id, params):
    user = self.getCurrentUser()
    return _told(params, lambda: _found(applications.load(app_id, user, access.FIND_PACKAGES), user, params))


@permitted(access.FIND_PACKAGES)
@boundHandler
@describeRoute(_asking('Find the newest packages, or others, for each operating system and stability.',
                       one_system=False))
def findAllPackages(self, app_id, params):
    user = self.getCurrentUser()
    return _told(params, lambda: _all_found(applications.load(app_id, user, access.FIND_PACKAGES), user, params))


@permitted(access.FIND_PACKAGES, cookie=True)
@boundHandler
@describeRoute(
    _asking('Download what the same parameters find: a redirect to the file.')
    .errorResponse('There is no such application, or no such package in it.', 404))
def downloadPackage(self, app_id, params):
    user = self.getCurrentUser()
    build = lookup.find(applications.load(app_id, user, access.FIND_PACKAGES), user, params)
    return _sent_to(f'/api/v1/item/{build.id}/download')


def _told(params, make):
    """Answer what ``make`` gives; Slicers ask the same few questions all day long."""
    request = cherrypy.request
    asked = tuple((name, params.get(name)) for name in lookup_parameters.PARAMETERS)
    return record_response((request.base, request.script_name, request.path_info, asked), make)


def _found(app, user, params):
    build = lookup.find(app, user, params)
    told = lookup.described([build], site.catalog_of(app))
    if not told:
        raise NotFound(f'The package {build.id} was deleted just now; ask again.')
    return told[build.id].record


def _all_found(app, user, params):
    found = lookup.find_all(app, user, params)
    told = lookup.described((build for row in found.values() for build in row.values()), site.catalog_of(app))
    return {os: {stability: told[build.id].record if build and build.id in told else None
                 for stability, build in row.items()} for os, row in found.items()}


def _sent_to(path):
    setRawResponse()
    site.redirect(path)
    return b''


@permitted(access.FIND_PACKAGES)
def find(params):
    """``/find``."""
    user = getCurrentUser()
    return _told(params, lambda: _found(applications.default(user, access.FIND_PACKAGES), user, params))


@permitted(access.FIND_PACKAGES)
def find_all(params):
    """``/findall``."""
    user = getCurrentUser()
    return _told(params, lambda: _all_found(applications.default(user, access.FIND_PACKAGES), user, params))


@permitted(access.DOWNLOAD_FILE, cookie=True)
def bitstream(bitstream_id, params):  # noqa: ARG001 - Girder's way to call handlers
    """``/bitstream/:bitstream_id``: a redirect to the file of a package or extension, under the id of its item."""
    user = getCurrentUser()
    identifier = validators.object_id(bitstream_id)
    found = identifier and item_files.of_item(identifier)
    if not found or not found.file or not access.allows(access.DOWNLOAD_FILE, found.folder, user):
        raise NotFound(_missing(bitstream_id))
    return _sent_to(f'/api/v1/item/{identifier}/download')


def _missing(bitstream_id):
    shown = validators.shortened(bitstream_id)
    if bitstream_id.isdigit() and len(bitstream_id) < _ID_DIGITS:
        return (f'"{shown}" is an id of the MIDAS server that was here before, and leads nowhere any more; look for '
                'the package with /find or on the page /download.')
    return f'There is no file to download with the id "{shown}".'


@permitted(access.FIND_PACKAGES, cookie=True)
def download(params):
    """``/download`` with parameters: a redirect to ``/bitstream/:id``, from where it goes on to the file."""
    user = getCurrentUser()
    build = lookup.find(applications.default(user, access.FIND_PACKAGES), user, params)
    return _sent_to(f'/bitstream/{build.id}')

