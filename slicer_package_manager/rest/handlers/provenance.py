"""Calls for the origin of the file of a package or extension: the run that has uploaded it, and its attestation."""
from __future__ import annotations

import cherrypy
from girder.api.describe import Description

from slicer_package_manager.registry.catalog import applications, attesting, packages
from slicer_package_manager.registry.schema import attestations
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PackageType
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access, builds
from slicer_package_manager.registry.tree.types import PackageItem
from slicer_package_manager.rest.handlers import bodies
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware.response_cache import record_response, respond


def _of(package_type: PackageType, summary: str) -> Description:
    name = 'pkg_id' if package_type is PACKAGE else 'ext_id'
    return of_application(summary).param(name, f'Id of the {package_type.label}.', paramType='path')


def _load(package_type: PackageType, app_id: str, item_id: str, operation: access.Operation) -> PackageItem:
    user = current_user()
    return packages.load(package_type, applications.load(app_id, user, operation), item_id, user, operation)


_PROVENANCE = ('`build` is the run of a CI service that uploaded the file as a publisher, as the service has stated it '
               'in a signed token: `issuer`, `repository`, `commit`, `ref`, `workflow`, `run`, and the URLs of these. '
               'It is `null` for a file that was uploaded otherwise. `attestation` describes the attestation of the '
               'file: `sha256` of the file, `size`, `media_type` and `created`. It is `null` if there is none.')


@call(access.GET_PROVENANCE, _of(PACKAGE, 'Get the origin of the file of a package.').notes(_PROVENANCE))
def getPackageProvenance(app_id: str, pkg_id: str) -> Response:
    return _provenance(PACKAGE, app_id, pkg_id)


@call(access.GET_PROVENANCE, _of(EXTENSION, 'Get the origin of the file of an extension.').notes(_PROVENANCE))
def getExtensionProvenance(app_id: str, ext_id: str) -> Response:
    return _provenance(EXTENSION, app_id, ext_id)


def _provenance(package_type: PackageType, app_id: str, item_id: str) -> Response:
    def read() -> Document:
        item = _load(package_type, app_id, item_id, access.GET_PROVENANCE)
        file = packages.file_of(item)
        return {'build': builds.of_file(file), 'attestation': attesting.described(item, file)}
    return record_response(cherrypy.request.path_info, read)


_ATTESTATION = ('The attestation is as it was sent: a Sigstore bundle, or several as JSON lines. The server has '
                'compared the SHA-256 in it with that of the file. It has not verified the signature.')


def _to_read(package_type: PackageType, summary: str) -> Description:
    return (_of(package_type, summary).notes(_ATTESTATION)
            .produces([attestations.BUNDLE, attestations.LINES])
            .errorResponse('There is no attestation, or no file.', 404))


@call(access.GET_PROVENANCE, _to_read(PACKAGE, 'Get the attestation of the file of a package.'))
def getPackageAttestation(app_id: str, pkg_id: str) -> Response:
    return _attestation(PACKAGE, app_id, pkg_id)


@call(access.GET_PROVENANCE, _to_read(EXTENSION, 'Get the attestation of the file of an extension.'))
def getExtensionAttestation(app_id: str, ext_id: str) -> Response:
    return _attestation(EXTENSION, app_id, ext_id)


def _attestation(package_type: PackageType, app_id: str, item_id: str) -> Response:
    def make() -> JsonResponse:
        found = attesting.read(_load(package_type, app_id, item_id, access.GET_PROVENANCE))
        return JsonResponse(found.content, None, 'no-cache', found.media_type)
    return respond(cherrypy.request.path_info, make)


_ATTEST = ('The body is the attestation: a Sigstore bundle with an in-toto statement, as `actions/attest-build-'
           'provenance` of GitHub makes it, or several as JSON lines, of which those about this file are stored. It '
           'replaces an earlier one, and is removed with the content of the file. It may have '
           f'{attestations.LARGEST} bytes. The response is what the call for the origin has as `attestation`.')


def _to_set(package_type: PackageType, summary: str) -> Description:
    return (_of(package_type, summary).notes(_ATTEST)
            .errorResponse('The attestation is not well-formed, or about other files.')
            .errorResponse(f'The {package_type.label} has no file.', 404)
            .errorResponse('The file is hosted elsewhere, or was replaced by another request.', 409)
            .errorResponse('The attestation is too large.', 413))


@call(access.ATTEST_FILE, _to_set(PACKAGE, 'Set the attestation of the file of a package.'))
def attestPackage(app_id: str, pkg_id: str) -> Response:
    return _attest(PACKAGE, app_id, pkg_id)


@call(access.ATTEST_FILE, _to_set(EXTENSION, 'Set the attestation of the file of an extension.'))
def attestExtension(app_id: str, ext_id: str) -> Response:
    return _attest(EXTENSION, app_id, ext_id)


def _attest(package_type: PackageType, app_id: str, item_id: str) -> Response:
    item = _load(package_type, app_id, item_id, access.ATTEST_FILE)
    content = bodies.read(attestations.LARGEST, 'attestation', attestations.BUNDLE)
    return attesting.summary(attesting.attest(item, content))
