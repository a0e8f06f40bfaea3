"""The catalog of extensions."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

import cherrypy

from slicer_package_manager.pages import (
    about,
    addresses,
    builds,
    extension_page,
    extensions,
    html,
    listing,
    page_cache,
    visitors,
)
from slicer_package_manager.pages.about import About
from slicer_package_manager.pages.addresses import ALL, Place
from slicer_package_manager.pages.application import application, require_reader, shown_app
from slicer_package_manager.pages.assets import modules_of
from slicer_package_manager.pages.html import Page
from slicer_package_manager.pages.links import Links
from slicer_package_manager.pages.listing import Choice, Elsewhere, Listing
from slicer_package_manager.registry.catalog.extension_lists import Revision
from slicer_package_manager.registry.schema.revisions import revision_order
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.handlers import site

#: Parameters of the forms of the page, for browsers without scripts. An address has them in its path.
_OF_FORMS = ('category', 'revision', 'os', 'system')
#: How many extensions of a list are stated for search engines, besides those that they find as links.
_MOST_LISTED = 30
_MOST_BUILDS = 12


class Catalog:
    """``/catalog/:category/:app_revision/:os``: the page that Slicer shows inside its Extensions Manager.

    It lists public extensions only, since Slicer requests them without a login.
    """

    exposed = True

    def GET(self, *place: str, **_in_the_query: str) -> bytes:
        """Return the page, or redirect to the usual spelling of the address."""
        parts, query = tuple(part for part in place if part), _query()
        named = _named(addresses.of_catalog, parts)
        chosen = _chosen_by_form(named, query)
        if chosen != Place(*parts[:3]):
            return _redirect(chosen, {key: value for key, value in query.items() if key not in _OF_FORMS})
        wanted = chosen._replace(os=chosen.os or addresses.lenient_system(query.get('os', '')),
                                 arch=addresses.architecture(query.get('arch', '')),
                                 extension=query.get('extension', ''))
        if wanted.extension:
            return extension_page.respond(wanted, query)
        require_reader()
        agent = visitors.agent()
        choice = listing.choice_of(query.get('q', ''), query.get('tier', ''), query.get('sort', ''))
        os, in_slicer = '' if wanted.os else visitors.system(agent), visitors.is_in_slicer(agent)
        return page_cache.respond(lambda: _page(query.get('app'), wanted, choice, os, in_slicer=in_slicer),
                                  os, in_slicer)


class View:
    """``/view/:extension/:app_revision/:os/:arch``: an extension in the earlier catalog."""

    exposed = True

    def GET(self, *place: str, **_in_the_query: str) -> bytes:
        """Redirect to the page of the extension."""
        return _redirect(_named(addresses.of_extension, [part for part in place if part]), _query())


def _query() -> dict[str, str]:
    return dict(parse_qsl(cherrypy.request.query_string))


def _named(rule: Callable[[Sequence[str]], Place], parts: Sequence[str]) -> Place:
    try:
        return rule(parts)
    except ValueError:
        raise cherrypy.HTTPError(404, 'The address of a catalog is /catalog/CATEGORY/REVISION/SYSTEM.') from None


def _chosen_by_form(named: Place, query: Mapping[str, str]) -> Place:
    """``named`` with what the forms of the page choose."""
    category, revision = query.get('category') or named.category, query.get('revision') or named.revision
    if not revision:
        return named._replace(category=category)
    os, _, arch = query.get('system', '').partition(' ')
    return Place(category or ALL, revision, addresses.lenient_system(os) or named.os,
                 addresses.architecture(arch) or named.arch)


def _redirect(place: Place, others: Mapping[str, str]) -> bytes:
    """Redirect to ``place``, by a relative URL that is right behind any proxy prefix.

    :param others: parameters of the query, as well.
    """
    response = cherrypy.response
    response.status = 302
    response.headers.update({'Location': f'{html.root()}{place.address(others)}', 'Cache-Control': 'no-cache'})
    return b''


def _page(wanted: str | None, place: Place, choice: Choice, visitors_os: str, *, in_slicer: bool) -> Page:
    app = application(wanted)
    whole = listing.complete(app, place, visitors_os)
    found = whole and listing.read(app, whole, choice)
    shown = {**shown_app(app, wanted), 'current': 'catalog', 'sorts': extensions.SORTS,
             'levels': extensions.LEVELS, 'modules': modules_of('catalog/main.js')}
    if not found:
        return html.render('catalog.html', listing=None, detail=None, about=_about(app, place, None, wanted), **shown)
    sort = '' if choice.sort == extensions.usual_sort(choice.q) else choice.sort
    others = {'app': wanted or '', 'q': choice.q, 'sort': sort, 'tier': str(choice.tier or '')}
    place = found.place if place.arch else found.place._replace(arch='')
    link = Links(place, others)
    return html.render(
        'catalog.html', status=200 if found.is_known or in_slicer else 404, listing=found, detail=None, link=link,
        hidden={'arch': place.arch},
        about=_about(app, place, found, wanted), words=choice.q, action=Links(place._replace(arch=''), {})(),
        revisions=_revisions(found), system_name=builds.system_name, others=_with_extensions(app, found),
        elsewhere=_elsewhere(app, found),
        of_extension=Links(found.place, others), data=_for_scripts(found), **shown)


def _about(app: ApplicationFolder, place: Place, found: Listing | None, wanted: str | None) -> About:
    category = '' if place.category in ('', ALL) else place.category
    title = f'{category} extensions for {app["name"]}' if category else f'{app["name"]} extensions'
    root, of_app = site.root(), {'app': wanted} if wanted else {}
    url = f'{root}/{Place(category).address(of_app)}'
    if found is None:
        return About(title, f'Extensions for {app["name"]}: search, read about and download them.', url)
    number = extensions.counted(len(found.shown))
    listed = [{'@type': 'ListItem', 'position': position, 'name': one.name,
               'url': f'{root}/{Place(extension=one.name).address(of_app)}'}
              for position, one in enumerate(found.shown[:_MOST_LISTED], 1)]
    data = about.linked({'@type': 'CollectionPage', 'name': title, 'url': url, 'mainEntity': {
        '@type': 'ItemList', 'numberOfItems': len(found.shown), 'itemListElement': listed}})
    return About(title, f'{number} for {app["name"]} {found.name}{f" in {category}" if category else ""}: search, read '
                 'about and download them.', url, data=(data,))


def _revisions(found: Listing) -> list[tuple[str, str]]:
    """All revisions, newest first, with their names; that of the page, if there is no other of it, is the first."""
    known = sorted(found.revisions, key=revision_order, reverse=True)
    revision = found.place.revision
    return [(one, builds.name(one, found.revisions.get(one, Revision())))
            for one in ([] if revision in found.revisions else [revision]) + known]


def _with_extensions(app: ApplicationFolder, found: Listing) -> list[builds.Build]:
    """Builds to look at instead, if this one has no extensions: its other systems, or else the latest builds."""
    if found.every:
        return []
    every = listing.all_builds(app)
    return [one for one in every if one.revision == found.place.revision] or every[:_MOST_BUILDS]


def _elsewhere(app: ApplicationFolder, found: Listing) -> list[Elsewhere]:
    """What a search finds for other builds, if it finds nothing in this one."""
    return listing.elsewhere(app, found) if found.choice.q and found.every and not found.found else []


def _for_scripts(found: Listing) -> dict[str, object]:
    """The list as the scripts read it, so that they need not request it."""
    _, revision, os, arch, _ = found.place
    search = {'q': found.choice.q, 'found': [one.id for one in found.matching], 'suggestion': found.suggestion
              } if found.choice.q else {}
    return {**search, 'place': {'revision': revision, 'os': os, 'arch': arch},
            'items': [one.for_scripts for one in found.every], 'news': found.news,
            'architectures': [one for of, one in found.systems if of == os]}
