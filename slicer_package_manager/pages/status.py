"""The status of extensions: which ones the newest builds lack. Pages, and a badge for the README of a repository."""
from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import cherrypy

from slicer_package_manager.pages import badges, html, offers, page_cache
from slicer_package_manager.pages.about import About
from slicer_package_manager.pages.application import application, limited_name, shown_app
from slicer_package_manager.pages.html import Page
from slicer_package_manager.registry.expected import missing
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.handlers import site
from slicer_package_manager.rest.http.semantics import has_tag

#: How many builds the page of all extensions has, and for how long a badge may be cached, in seconds.
_BUILDS, _BADGE_AGE = 6, 300
_PRESENCE = {missing.PRESENT: 'there', missing.MISSING: 'missing', missing.UNFINISHED: 'still being built'}


class SystemState(NamedTuple):
    """A row of a build on the page: a system with its name."""

    name: str
    state: Any  # what the comparison has for the system


class Status:
    """``/status``, ``/status/NAME`` and ``/status/NAME.svg``, of what everyone may see."""

    exposed = True

    def GET(self, *place: str, app: str | None = None, branch: str | None = None) -> bytes:
        """Return the page of all extensions, of the extension NAME, or its badge for one branch or for all."""
        name = limited_name(place)
        found = application(app)
        if name.endswith('.svg'):
            return _badge(found, name.removesuffix('.svg'), branch)
        shown = shown_app(found, app)
        return page_cache.respond(lambda: _extension(found, name, shown) if name else _overview(found, shown))


def _compared(app: ApplicationFolder) -> missing.Comparison:
    found: missing.Comparison = page_cache.value(('missing', app['_id']), lambda: missing.compare(app, None))
    return found


def _overview(app: ApplicationFolder, shown: dict[str, Any]) -> Page:
    found = missing.matrix(_compared(app), _BUILDS, 0)
    builds = [{**build, 'systems': _systems(build['systems'])} for build in found['builds']]
    about = About(f'Missing {app["name"]} extensions', f'Which extensions the newest builds of {app["name"]} lack.',
                  f'{site.root()}/status')
    return html.render('status.html', current='status', builds=builds, about=about, **shown)


def _extension(app: ApplicationFolder, name: str, shown: dict[str, Any]) -> Page:
    try:
        status = missing.status(_compared(app), name)
    except NotFound as error:
        raise cherrypy.HTTPError(404, str(error)) from None
    builds = [{**build, 'systems': _systems(build['systems'])} for build in status['builds']]
    lacking, coming = ([{**one, 'system': offers.system_name(one['os'], one['arch'])} for one in status[key]]
                       for key in ('missing', 'unfinished'))
    url = f'{site.root()}/status/{quote(name)}'
    about = About(f'{name}: status', f'Which builds of {app["name"]} have the extension {name}.', url)
    return html.render('status_extension.html', current='status', extension=name, missing=lacking, unfinished=coming,
                       builds=builds, presence=_PRESENCE, url=url, about=about, **shown)


def _systems(by_os: dict[str, dict[str, Any]]) -> list[SystemState]:
    return [SystemState(offers.system_name(os, arch), state)
            for os, by_arch in by_os.items() for arch, state in by_arch.items()]


def _badge(app: ApplicationFolder, name: str, branch: str | None) -> bytes:
    """Draw the badge of ``name``; one that is not expected has a badge too, since a README shows no error."""
    try:
        status = missing.status(_compared(app), name)
    except NotFound:
        status = {}
    expected, lacking, coming = ([one for one in status.get(key, ()) if branch in (None, one['branch'])]
                                 for key in ('expected', 'missing', 'unfinished'))
    label = f'{app["name"]} {branch}' if branch and expected else app['name']
    return _send(badges.badge(label, *_message(expected, lacking, coming)))


def _message(expected: Sequence[Document], lacking: Sequence[Document], coming: Sequence[Document]) -> tuple[str, str]:
    """What a badge states, and its color; each parameter has what the status has of the branches of the badge."""
    if not expected:
        return 'not expected', badges.GRAY
    if lacking:
        return f'missing on {_systems_of(lacking)}', badges.RED
    if coming:
        return f'still being built on {_systems_of(coming)}', badges.GRAY
    return ('available', badges.GREEN) if any(one['builds'] for one in expected) else ('no builds yet', badges.GRAY)


def _systems_of(found: Sequence[Document]) -> str:
    return ', '.join(dict.fromkeys(offers.SYSTEMS[one['os']] for one in found))


def _send(body: bytes) -> bytes:
    response, tag = cherrypy.response, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    response.headers.update({
        'Cache-Control': f'public, max-age={_BADGE_AGE}', 'Content-Type': 'image/svg+xml', 'ETag': tag,
        'Content-Security-Policy': "default-src 'none'", 'X-Content-Type-Options': 'nosniff'})
    if has_tag(cherrypy.request.headers, tag):
        response.status = 304
        return b''
    return body
