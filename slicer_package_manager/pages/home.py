"""The first page of the server: the way to downloads and extensions, numbers, and the state of the latest builds."""
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote

import cherrypy

from slicer_package_manager.pages import about, builds, extensions, html, page_cache
from slicer_package_manager.pages.about import About
from slicer_package_manager.pages.application import application, public_applications, require_reader, shown_app
from slicer_package_manager.pages.html import Page
from slicer_package_manager.registry.catalog import summary
from slicer_package_manager.registry.catalog.extension_lists import Revision
from slicer_package_manager.registry.downloads import rollup, sealing
from slicer_package_manager.registry.lookup import lookup, selection
from slicer_package_manager.registry.lookup.selection import Build
from slicer_package_manager.registry.schema.revisions import revision_order
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.handlers import site

_FIELDS = ('name', 'revision', 'version', 'built', 'packages', 'extensions', 'ready_for')


class Row(NamedTuple):
    """One line of the table of builds.

    :param day: of the installer; empty if there is none.
    :param number: of extensions.
    :param address: of them, relative to the root.
    """

    name: str
    system: str
    day: str
    number: int
    ready: bool
    address: str


class Home:
    """``/``: the first page. Files of Girder's web client are beside it."""

    exposed = True
    is_at_root = True

    def GET(self, *place: str, app: str | None = None, **_others: str) -> bytes:
        """Return the page."""
        if place == ('index.html',):
            return _to_administration()
        if place:
            raise cherrypy.HTTPError(404, 'There is no page with this address.')
        require_reader()
        return page_cache.respond(lambda: _page(app))


def _to_administration() -> bytes:
    """Redirect to Girder's web client, which was here before. Browsers keep the fragment."""
    cherrypy.response.status = 302
    cherrypy.response.headers.update({'Location': 'admin', 'Cache-Control': 'no-cache'})
    return b''


def _page(wanted: str | None) -> Page:
    try:
        app = application(wanted)
    except cherrypy.HTTPError:
        if wanted:
            raise
        return _start()
    found = summary.of(app, None, 0, 0, _FIELDS)
    installers = lookup.builds(app, None)
    shown = builds.of_summary(found)
    return html.render(
        'home.html', **shown_app(app, wanted), about=_about(app), lead=_lead(app), offers=_offer(installers),
        extensions=_extensions(shown), numbers=list(_numbers(app, shown, found)),
        builds=rows(app, installers, found, f'?app={app["_id"]}' if wanted else ''))


def _start() -> Page:
    """The page of a server that does not know which application to show."""
    return html.render('start.html', choices=public_applications(), about=About(
        html.PRODUCT, 'Downloads and extensions of applications.', f'{site.root()}/'))


def _lead(app: ApplicationFolder) -> str:
    return app.get('description') or f'Download {app["name"]}, and find extensions for it.'


def _about(app: ApplicationFolder) -> About:
    root = site.root()
    url = f'{root}/'
    data = about.linked({'@type': 'WebSite', 'name': app['name'], 'url': url, 'potentialAction': {
        '@type': 'SearchAction', 'target': f'{root}/catalog?q={{words}}', 'query-input': 'required name=words'}})
    return About(f'{app["name"]}: downloads and extensions', about.short(_lead(app)), url, data=(data,))


def _offer(installers: Iterable[Build]) -> str:
    """The newest release, or else the newest preview, in words; empty if there is nothing to download."""
    ready = selection.newest_first(one for one in installers if one.ready)
    newest = next((one for one in ready if one.is_final), ready[0] if ready else None)
    return '' if newest is None else newest.shown_version or f'revision {newest.revision}'


def _extensions(shown: list[builds.Build]) -> str:
    latest = builds.latest(shown, 'linux')
    if latest is None:
        return ''
    number = max(one.number for one in latest.systems)
    return f'{extensions.counted(number)} for {latest.release or latest.name}'


def _numbers(app: ApplicationFolder, shown: list[builds.Build], found: Document) -> Iterable[tuple[str, str]]:
    counted = rollup.numbers(app, *sealing.visible_counts(app, None))
    latest = builds.latest(shown, 'linux')
    values = (('extensions', max((one.number for one in latest.systems), default=0) if latest else 0),
              ('releases', len(found['releases'])), ('previews', len(found['drafts'])),
              (f'downloads of {app["name"]}', counted['applications']),
              ('downloads of extensions', counted['extensions']))
    return ((label, f'{number:,}') for label, number in values)


def rows(app: ApplicationFolder, installers: list[Build], found: Document, query: str) -> list[Row]:
    """The latest release and the latest preview for each system: its installer and the number of its extensions.

    :param found: the summary of the application, with :data:`_FIELDS`.
    """
    newest = [max(some, key=lambda row: revision_order(row['revision']), default=None)
              for some in (found['releases'], found['drafts'])]
    return [row for one, is_release in zip(newest, (True, False), strict=True) if one
            for row in _rows(app, one, is_release, installers, query)]


def _rows(app: ApplicationFolder, row: Document, is_release: bool, installers: list[Build], query: str
          ) -> Iterable[Row]:
    name = f'{app["name"]} {row["name"]}' if is_release else builds.name(
        row['revision'], Revision('', row['version'], row['built']))
    days = {(one.os, one.arch): f'{one.built:%Y-%m-%d}' for one in reversed(selection.newest_first(installers))
            if one.revision == row['revision'] and bool(one.release) is is_release}
    for os, by_arch in row['ready_for'].items():
        for arch, ready in by_arch.items():
            place = f'catalog/All/{quote(row["revision"], safe="")}/{os}'
            yield Row(name, builds.system_name(os, arch), days.get((os, arch), ''),
                      row['extensions'].get(os, {}).get(arch, 0), ready,
                      f'{place}{query}{"&" if query else "?"}arch={arch}')
