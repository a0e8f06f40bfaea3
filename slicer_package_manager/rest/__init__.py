"""The table of REST routes, and the resources that have them."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from cherrypy._cptree import Tree
from girder.api.rest import Resource
from girder.exceptions import AccessException

from slicer_package_manager.rest.handlers import (
    api_key,
    application,
    audit,
    editing,
    expected,
    health,
    lookup,
    package,
    provenance,
    publisher,
    readiness,
    readme,
    release,
    retention,
    search,
    statistics,
    summary,
    usage,
    webhook,
)
from slicer_package_manager.rest.handlers.call import Response
from slicer_package_manager.rest.middleware import error_responses, request_limits, upload_scope

#: Method, path below that of the resource, and handler.
Route: TypeAlias = tuple[str, tuple[str, ...], Callable[..., Response]]

#: Calls for applications and everything below them, at ``/api/v1/app``.
ROUTES: list[Route] = [
    ('GET', (), application.listApplications),
    ('POST', (), application.createApplication),
    ('GET', (':app_id',), application.getApplication),
    ('DELETE', (':app_id',), application.deleteApplication),
    ('GET', (':app_id', 'release'), release.listReleases),
    ('POST', (':app_id', 'release'), release.createRelease),
    ('DELETE', (':app_id', 'release', ':release_id_or_name'), release.deleteRelease),
    ('POST', (':app_id', 'release', ':release_id_or_name', 'promote'), release.promoteDraft),
    ('PUT', (':app_id', 'release', ':release_id_or_name', 'ready'), readiness.setReleaseReady),
    ('GET', (':app_id', 'draft'), release.listDrafts),
    ('DELETE', (':app_id', 'draft'), retention.pruneDrafts),
    ('PUT', (':app_id', 'draft', ':revision_or_id', 'ready'), readiness.setDraftReady),
    ('GET', (':app_id', 'package'), package.listPackages),
    ('POST', (':app_id', 'package'), package.upsertPackage),
    ('GET', (':app_id', 'package', 'find'), lookup.findPackage),
    ('GET', (':app_id', 'package', 'findall'), lookup.findAllPackages),
    ('GET', (':app_id', 'package', 'download'), lookup.downloadPackage),
    ('DELETE', (':app_id', 'package', ':pkg_id'), package.deletePackage),
    ('GET', (':app_id', 'package', ':pkg_id', 'provenance'), provenance.getPackageProvenance),
    ('GET', (':app_id', 'package', ':pkg_id', 'attestation'), provenance.getPackageAttestation),
    ('PUT', (':app_id', 'package', ':pkg_id', 'attestation'), provenance.attestPackage),
    ('GET', (':app_id', 'extension'), package.listExtensions),
    ('POST', (':app_id', 'extension'), package.upsertExtension),
    ('DELETE', (':app_id', 'extension', ':ext_id'), package.deleteExtension),
    ('GET', (':app_id', 'extension', ':ext_id', 'provenance'), provenance.getExtensionProvenance),
    ('GET', (':app_id', 'extension', ':ext_id', 'attestation'), provenance.getExtensionAttestation),
    ('PUT', (':app_id', 'extension', ':ext_id', 'attestation'), provenance.attestExtension),
    ('GET', (':app_id', 'extension', ':ext_id', 'readme'), readme.getReadme),
    ('PUT', (':app_id', 'extension', ':ext_id', 'readme'), readme.setReadme),
    ('GET', (':app_id', 'publisher'), publisher.listPublishers),
    ('POST', (':app_id', 'publisher'), publisher.addPublisher),
    ('DELETE', (':app_id', 'publisher', ':publisher_id'), publisher.removePublisher),
    ('GET', (':app_id', 'downloadstats'), statistics.downloadStats),
    ('GET', (':app_id', 'downloadstats', ':checksum'), statistics.findAffected),
    ('GET', (':app_id', 'downloads'), statistics.getOverview),
    ('GET', (':app_id', 'popularity'), statistics.getPopularity),
    ('GET', (':app_id', 'summary'), summary.getSummary),
    ('GET', (':app_id', 'expected'), expected.compareExtensions),
    ('GET', (':app_id', 'expected', ':name'), expected.getExtensionStatus),
    ('GET', (':app_id', 'webhook'), webhook.listWebhooks),
    ('POST', (':app_id', 'webhook'), webhook.addWebhook),
    ('POST', (':app_id', 'webhook', ':webhook_id', 'ping'), webhook.pingWebhook),
    ('DELETE', (':app_id', 'webhook', ':webhook_id'), webhook.removeWebhook),
]

#: Calls for the server itself, at ``/api/v1/slicer_package_manager``.
OF_SERVER: list[Route] = [
    ('GET', ('health',), health.health),
    ('GET', ('editable',), editing.listEditable),
    ('GET', ('name_template_example',), editing.getNameTemplateExample),
    ('GET', ('audit',), audit.listChanges),
    ('GET', ('search',), search.find),
    ('GET', ('usage',), usage.getUsage),
    ('GET', ('key',), api_key.listKeys),
    ('POST', ('key',), api_key.createKey),
    ('DELETE', ('key', ':key_id'), api_key.revokeKey),
    ('POST', ('oidc', 'token'), publisher.exchangeIdToken),
]

#: Calls at the root of the server, where existing programs request them: mount point, path below it, and handler.
BESIDE_API: list[Route] = [
    ('/find', (), lookup.find),
    ('/findall', (), lookup.find_all),
    ('/bitstream', (':bitstream_id',), lookup.bitstream),
]

#: CherryPy's configuration of our resources.
_CONFIGURATION = {
    'request.body.maxbytes': request_limits.MAX_BODY,
    'hooks.before_handler': request_limits.prepare,
    'error_page.default': error_responses.as_json,
}


class OwnResource(Resource):  # type: ignore[misc] # Girder has no types
    """A resource with the path ``/name`` and ``routes`` below it."""

    _cp_config = _CONFIGURATION
    own_shapes = True

    def __init__(self, name: str, routes: Iterable[Route], *, nodoc: bool = False) -> None:
        super().__init__()
        self.resourceName = name
        for method, path, handler in routes:
            self.route(method, path, handler, nodoc=nodoc)

    def handleRoute(self, method: str, path: tuple[str, ...], params: dict[str, Any]) -> Response:
        """Call the handler of a route. Parameters do not override parts of the path with the same name."""
        _, _, places = self._matchRoute(method.lower(), path)
        try:
            return super().handleRoute(method, path, {key: value for key, value in params.items() if key not in places})
        except AccessException:
            upload_scope.require_enough()
            raise


def beside_api(name: str, path: tuple[str, ...], handler: Callable[..., Response]) -> OwnResource:
    """Return a call at the root of the server, ``/name/path``, which otherwise behaves like a call of the API."""
    return OwnResource(name, [('GET', path, handler)], nodoc=True)


def mount(tree: Tree, api_root: Any, config: dict[str, dict[str, Any]]) -> None:
    """Add our resources to ``api_root``, and serve the calls beside the API at the root and below Girder's prefix."""
    api_root.app = OwnResource('app', ROUTES)
    api_root.slicer_package_manager = OwnResource('slicer_package_manager', OF_SERVER)
    for place, path, handler in BESIDE_API:
        resource = beside_api(place.lstrip('/'), path, handler)
        for api in [path for path in tree.apps if path.endswith('/api')]:
            tree.mount(resource, api.removesuffix('/api') + place, {
                '/': {**config['/'], 'error_page.default': error_responses.as_json}})


def accept_doubled_slash(tree: Tree) -> None:
    """Serve ``//api`` like ``/api``, since a server URL with a trailing slash makes clients request that."""
    for path, app in list(tree.apps.items()):
        if path.endswith('/api') and path.removesuffix('/api') + '//api' not in tree.apps:
            tree.mount(app.root, path.removesuffix('/api') + '//api', app.config)
