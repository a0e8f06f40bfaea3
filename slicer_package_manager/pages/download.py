"""The page to download from."""
from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

import cherrypy
from girder import events
from girder.exceptions import AccessException, GirderBaseException
from markupsafe import Markup

from slicer_package_manager.pages import html
from slicer_package_manager.pages.catalog import application, require_reader
from slicer_package_manager.registry.downloads import model
from slicer_package_manager.registry.lookup import lookup, parameters, selection
from slicer_package_manager.registry.lookup.selection import Build
from slicer_package_manager.registry.schema.fields import PACKAGE
from slicer_package_manager.rest import BesideApi
from slicer_package_manager.rest.handlers import lookup as calls
from slicer_package_manager.rest.middleware import errors

#: Girder gives such an event before calls of its API.
CALLED = 'rest.get.download.before'
#: What people call the systems and architectures, in the order in which they are shown.
SYSTEMS = {'win': 'Windows', 'macosx': 'macOS', 'linux': 'Linux'}
ARCHITECTURES = {'amd64': '64-bit', 'arm64': 'ARM 64-bit', 'i386': '32-bit'}
_OF_MACS = {'arm64': 'Apple silicon', 'amd64': 'Intel'}
_UNITS = ('bytes', 'kB', 'MB', 'GB', 'TB')
_THOUSAND = 1000


class Download:
    """``/download``: with parameters that ask for a build a redirect to it, else the page.

    The page shows what everyone may see.
    """

    exposed = True

    def __init__(self):
        self._calls = BesideApi('download', (), calls.download)

    def GET(self, app=None, **params):
        """The page or a redirect; browsers get failures as pages, all others as JSON."""
        asked = parameters.is_asked(params)
        if _is_for_programs(params):
            return self._calls.GET(**params)
        try:
            require_reader()
            events.trigger(CALLED)
            return calls.download(params) if asked else _page(application(app))
        except GirderBaseException as error:
            code = 403 if isinstance(error, AccessException) else getattr(error, 'code', 400)
            raise cherrypy.HTTPError(code, str(error)) from None

    def OPTIONS(self, **_params):
        """What a browser asks before it lets another site's page read."""
        return self._calls.OPTIONS()


def _is_for_programs(params):
    wants_html = any(one.value == 'text/html' for one in cherrypy.request.headers.elements('Accept'))
    return parameters.is_asked(params) and not wants_html


def error(status: str, message: str, **_ignored) -> bytes:
    """What cannot be answered, as those who asked can read it."""
    answer = errors.as_json if _is_for_programs(cherrypy.request.params) else html.error
    return answer(status=status, message=message)


class Offer(NamedTuple):
    """A build with what is told about it; ``record`` is that of :func:`lookup.records`."""

    build: Build
    record: dict[str, Any]
    downloads: int


class Offers(NamedTuple):
    """What the page shows: the newest release and preview by system and architecture, and all older releases."""

    releases: dict[tuple[str, str], Offer]
    previews: dict[tuple[str, str], Offer]
    older: list[Offer]


def _offers(app) -> Offers:
    shown = [build for build in lookup.shelf(app, None) if not build.held_back]
    releases = selection.newest_each(build for build in shown if build.is_final)
    previews = selection.newest_each(build for build in shown if not build.is_final)
    latest = {build.id for build in releases.values()}
    older = selection.newest_first(build for build in shown if build.is_final and build.id not in latest)
    of = _described(app, [*releases.values(), *previews.values(), *older])
    return Offers(_present(releases, of), _present(previews, of), [of[build.id] for build in older if build.id in of])


def _present(some, of):
    return {key: of[build.id] for key, build in some.items() if build.id in of}


def _described(app, wanted: list[Build]) -> dict[Any, Offer]:
    place, choice = f'{html.root()}catalog/All', f'?app={app["_id"]}'
    found = lookup.described(wanted, lambda revision, os: f'{place}/{quote(revision, safe="")}/{os}{choice}')
    model.add_totals(PACKAGE, app, [one.item for one in found.values()])
    return {key: Offer(one.build, one.record, one.item['downloads']) for key, one in found.items()}


def _page(app):
    offers = _offers(app)
    systems = [one for one in (_system(os, offers) for os in SYSTEMS) if one]
    return html.page(
        'download.html', name=app['name'], app=str(app['_id']),
        systems=_joined(systems) or html.fragment('download_nothing.html', name=app['name']),
        older=_older(offers.older) if offers.older else '')


def _joined(fragments):
    return Markup('').join(fragments)


def _system(os, offers):
    """The section on one system; ``None`` if there is nothing for it."""
    present = [arch for arch in _architectures(os) if (os, arch) in offers.releases or (os, arch) in offers.previews]
    rows = [html.fragment(
        'download_architecture.html', arch=arch, name=_architectures(os)[arch],
        builds=_joined(_build(of[os, arch]) for of in (offers.releases, offers.previews) if (os, arch) in of))
        for arch in present]
    return html.fragment('download_system.html', os=os, name=SYSTEMS[os], rows=_joined(rows)) if rows else None


def _architectures(os):
    return _OF_MACS | {'i386': ARCHITECTURES['i386']} if os == 'macosx' else ARCHITECTURES


def _build(offer):
    build, record = offer.build, offer.record
    system = f'{SYSTEMS[build.os]}, {_architectures(build.os)[build.arch]}'
    version = build.shown_version or f'revision {build.revision}'
    return html.fragment(
        'download_build.html', root=html.root(), id=str(build.id), version=version, system=system,
        kind='Release' if build.is_final else 'Preview', facts=_facts(offer),
        date=record['build_date'], day=record['build_date_ymd'], extensions=record['extensions_browse_url'],
        checksum=_checksum(record['sha512'], f'{version} for {system}'))


def _facts(offer):
    count = f'{offer.downloads:,} download{"" if offer.downloads == 1 else "s"}'
    return ' · '.join(filter(None, [size(offer.record['size']), f'revision {offer.build.revision}', count]))


def _checksum(sha512, of):
    return html.fragment('download_checksum.html', sha512=sha512, of=of) if sha512 else ''


def size(number: int) -> str:
    """A number of bytes as people read it, such as ``382 MB``; ``''`` where it is not known."""
    if not number:
        return ''
    value, power = float(number), 0
    while round(value) >= _THOUSAND and power < len(_UNITS) - 1:
        value, power = value / _THOUSAND, power + 1
    precise = 1 if _UNITS[power] in ('GB', 'TB') else 0
    return f'{value:.{precise}f} {_UNITS[power]}'


def _older(older: list[Offer]):
    """The collapsed list of older releases, each with its builds."""
    by_release: dict[str, list[Offer]] = {}
    for offer in older:
        by_release.setdefault(offer.build.release, []).append(offer)
    return html.fragment('download_older.html', number=str(len(by_release)), releases=_joined(
        html.fragment('download_release.html', name=name, day=some[0].record['build_date_ymd'],
                      builds=_joined(_old_build(one) for one in sorted(some, key=_place)))
        for name, some in by_release.items()))


def _place(offer):
    build = offer.build
    return list(SYSTEMS).index(build.os), list(_architectures(build.os)).index(build.arch), -build.built.timestamp()


def _old_build(offer):
    build = offer.build
    system = f'{SYSTEMS[build.os]}, {_architectures(build.os)[build.arch]}'
    return html.fragment(
        'download_old_build.html', root=html.root(), id=str(build.id), version=build.shown_version, system=system,
        facts=_facts(offer), day=offer.record['build_date_ymd'],
        checksum=_checksum(offer.record['sha512'], f'{build.shown_version} for {system}'))
