"""The download page, and the redirect to the build that parameters ask for."""
from __future__ import annotations

from collections.abc import Mapping

import cherrypy
from girder.exceptions import AccessException, GirderBaseException

from slicer_package_manager.pages import about, html, offering, offers, page_cache, visitors
from slicer_package_manager.pages.about import About
from slicer_package_manager.pages.addresses import Place
from slicer_package_manager.pages.application import application, require_reader, shown_app
from slicer_package_manager.pages.html import Page
from slicer_package_manager.pages.links import Links
from slicer_package_manager.registry.lookup import parameters
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest import beside_api
from slicer_package_manager.rest.handlers import lookup as calls
from slicer_package_manager.rest.handlers import site
from slicer_package_manager.rest.middleware import error_responses, rate_limits


class Download:
    """``/download``: redirects to the build that its parameters ask for; without such parameters, the page.

    The page lists public builds only.
    """

    exposed = True

    def __init__(self) -> None:
        self._calls = beside_api('download', (), calls.download)

    def GET(self, app: str | None = None, **params: str) -> bytes:
        """Return the page or a redirect; failures are pages for browsers, and JSON for other clients."""
        asked = parameters.has_parameters(params)
        if _is_for_programs(params):
            answer: bytes = self._calls.GET(**params)
            return answer
        try:
            require_reader()
            rate_limits.check()
            return calls.download(params) if asked else _respond(app)
        except GirderBaseException as error:
            code = 403 if isinstance(error, AccessException) else getattr(error, 'code', 400)
            raise cherrypy.HTTPError(code, str(error)) from None

    def OPTIONS(self, **_params: str) -> bytes:
        """Answer a browser's preflight request for a page of another site."""
        answer: bytes = self._calls.OPTIONS()
        return answer


def _respond(wanted: str | None) -> bytes:
    os = visitors.known_system(visitors.agent())
    return page_cache.respond(lambda: _page(application(wanted), wanted, os), os)


def _page(app: ApplicationFolder, wanted: str | None, visitors_os: str) -> Page:
    found = offering.of(app, html.root())
    found.systems.sort(key=lambda one: one.os != visitors_os)
    return html.render('download.html', current='download', name=app['name'], offers=found,
                       link=Links(Place(), {'app': wanted or ''}),
                       yours=next((one for one in found.systems if one.os == visitors_os), None),
                       about=_about(app, found, site.root()), **shown_app(app, wanted))


def _about(app: ApplicationFolder, found: offers.Offers, root: str) -> About:
    every = [offer for system in found.systems for row in system.architectures for offer in row.offers]
    release = next((offer for offer in every if offer.build.is_final), None)
    data = about.linked({
        '@type': 'SoftwareApplication', 'name': app['name'], 'description': about.short(app.get('description') or ''),
        'url': f'{root}/', 'downloadUrl': f'{root}/download', 'applicationCategory': 'DesktopApplication',
        'operatingSystem': ', '.join(system.name for system in found.systems),
        'softwareVersion': release and release.version, 'datePublished': release and release.record['build_date_ymd'],
        'offers': {'@type': 'Offer', 'price': 0, 'priceCurrency': 'USD'}})
    newest = f' {release.version}' if release else ''
    systems = ' and '.join(filter(None, [', '.join(one.name for one in found.systems[:-1]),
                                         *(one.name for one in found.systems[-1:])]))
    return About(f'Download {app["name"]}{newest}', f'Installers of {app["name"]} for {systems}: releases and previews.'
                 if systems else f'Installers of {app["name"]}.', f'{root}/download', data=(data,))


def _is_for_programs(params: Mapping[str, str]) -> bool:
    wants_html = any(one.value == 'text/html' for one in cherrypy.request.headers.elements('Accept'))
    return parameters.has_parameters(params) and not wants_html


def error(status: str, message: str, **_ignored: object) -> bytes:
    """Return a failure as a page for browsers, and as JSON for other clients."""
    answer = error_responses.as_json if _is_for_programs(cherrypy.request.params) else html.error
    return answer(status=status, message=message)
