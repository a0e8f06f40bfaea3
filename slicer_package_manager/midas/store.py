"""``/midas3/slicerappstore``: the catalog as Slicer 4 shows it in its Extensions Manager, and its lists as JSON.

Its browsers are as old as it is: the page is plain HTML, which can be read and used without a script. The script has
Slicer install an extension. A browser of today is led to the catalog of today instead.

Like that one, the page lists public extensions only, since Slicer requests them without a login.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import cherrypy
import orjson
from girder.api.rest import setRawResponse

from slicer_package_manager.midas import addresses, api, entries, outcomes, sites
from slicer_package_manager.midas.addresses import Asked, Engine
from slicer_package_manager.midas.entries import Entry
from slicer_package_manager.pages import html
from slicer_package_manager.pages.addresses import of_appstore
from slicer_package_manager.registry.catalog import midas_lists
from slicer_package_manager.registry.catalog.midas_lists import Row
from slicer_package_manager.registry.midas import targets
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, EXTENSION, OPERATING_SYSTEMS
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import shortened
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.handlers.call import Response
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware.permissions import permitted
from slicer_package_manager.rest.middleware.response_cache import cached, record_response

Given: TypeAlias = Mapping[str, str]

#: Parameters that choose extensions.
_CHOICE = ('os', 'arch', 'revision', 'category', 'search', 'release')
_KNOWN = (*_CHOICE, 'layout', 'limit', 'offset', 'app', 'q', 'baseName')


@permitted(access.LIST_PACKAGES)
def show(asked: Asked, params: Document) -> Response:  # noqa: ARG001 - all handlers have these parameters
    """Show the catalog for the system and revision that the parameters name, by default the newest revision."""
    given = _texts(params)
    if _engine(given) is Engine.BROWSER:
        named = {'app': given.get('app', ''), 'q': given.get('search') or given.get('q', '')}
        others = {key: value for key, value in named.items() if value}
        if given.get('release') and not given.get('revision'):
            given['revision'] = outcomes.revision_of(sites.application(None), given['release'], None)
        return outcomes.redirect(f'/{of_appstore(given).address(others)}')
    revision, every = _every(given)
    return _page('midas_store.html', given={**dict.fromkeys(_KNOWN, ''), **given}, revision=revision,
                 extensions=_chosen(every, given), categories=_categories(_chosen(every, {})),
                 systems=OPERATING_SYSTEMS, architectures=ARCHITECTURES)


@permitted(access.LIST_PACKAGES)
def show_extension(asked: Asked, params: Document) -> Response:
    """Show one extension.

    :raises NotFound: there is none with this number or id.
    :raises Gone: it is not here any more.
    """
    target, url = targets.resolve(Kind.EXTENSION, asked.number or '', None, access.LIST_PACKAGES)
    if target is None:
        return outcomes.elsewhere(url)
    if not target.is_package or target.item['spm']['kind'] != EXTENSION.label:
        raise NotFound(f'{shortened(asked.number or "")} is no extension.')
    if _engine(_texts(params)) is Engine.BROWSER:
        return outcomes.redirect(outcomes.page_of(target))
    shown = entries.extension(Row(target.item, target.file or {}))
    return _page('midas_extension.html', one=shown, screenshots=shown['screenshots'].split())


@permitted(access.LIST_PACKAGES)
def list_extensions(asked: Asked, params: Document) -> Response:  # noqa: ARG001
    """Respond with the extensions that the parameters choose, as JSON."""
    def read(given: Given) -> Document:
        found = _chosen(_every(given)[1], given)
        part = api.part(found, given)
        return {'extensions': [_short(one) for one in part], 'total': len(found)}
    return _json('listextensions', params, read)


@permitted(access.LIST_PACKAGES)
def count_categories(asked: Asked, params: Document) -> Response:  # noqa: ARG001
    """Respond with the number of extensions by category, as JSON."""
    return _json('categories', params, lambda given: _categories(_chosen(_every(given)[1], given)))


def _short(one: Entry) -> Entry:
    return {'slicerpackages_extension_id': one['extension_id'], 'item_id': one['item_id'], 'icon': one['icon_url'],
            'productname': one['productname'], 'category': one['category'], 'subtitle': one['contributors'],
            'ratings': {'total': 0, 'average': 0}}


def _json(name: str, params: Document, read: Callable[[Given], Any]) -> Response:
    given = _texts(params)
    return record_response((f'midas {name}', tuple(sorted(given.items()))), lambda: read(given))


def _texts(params: Document) -> dict[str, str]:
    """The parameters that a response depends on; ``any`` is no choice."""
    return {key: str(params[key]) for key in _KNOWN if params.get(key, 'any') != 'any'}


def _engine(given: Given) -> Engine:
    return addresses.engine(given.get('layout', ''), cherrypy.request.headers.get('User-Agent', ''))


def _every(given: Given) -> tuple[str, list[Entry]]:
    """The revision that ``given`` names, and all its extensions for the system and architecture, by name."""
    key = ('midas store', *(given.get(name, '') for name in ('os', 'arch', 'revision', 'release')))
    found = cached(key, lambda: JsonResponse(orjson.dumps(_read(given)), None, 'no-cache'))
    revision, extensions = orjson.loads(found.body)
    return revision, extensions


def _read(given: Given) -> tuple[str, list[Entry]]:
    app = sites.application(None)
    revision = _revision(app, given)
    query = {name: given[name] for name in ('os', 'arch') if given.get(name)}
    rows = midas_lists.find(EXTENSION, app, None, app_revision=revision, **query) if revision else []
    return revision, sorted(map(entries.extension, entries.one_of_each(rows)), key=_by_name)


def _chosen(every: list[Entry], given: Given) -> list[Entry]:
    return entries.matching(every, {key: given.get(key, '') for key in ('category', 'search')})


def _by_name(one: Entry) -> tuple[str, str, str]:
    return one['productname'].casefold(), one['os'], one['arch']


def _revision(app: ApplicationFolder, given: Given) -> str:
    """The revision that ``given`` names, by itself or by a release; otherwise the newest one with extensions.

    :raises NotFound: there is no such release.
    """
    if given.get('revision'):
        return given['revision']
    if given.get('release'):
        return outcomes.revision_of(app, given['release'], None)
    return midas_lists.newest_revision(app, None, given.get('os') or None)


def _categories(found: list[Entry]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for one in found:
        for category in filter(None, map(str.strip, one['category'].split(';'))):
            counted[category] = counted.get(category, 0) + 1
    return dict(sorted(counted.items()))


def _page(template: str, **values: object) -> Response:
    setRawResponse()
    return html.page(template, download=f'{html.root()}midas3/download?items=',
                     store=f'{html.root()}midas3/slicerappstore', **values)
