"""Responses without content of their own: what is gone, what is elsewhere, and the pages that old ones became."""
from __future__ import annotations

from typing import Any

import cherrypy
from girder.api.rest import setRawResponse

from slicer_package_manager.midas import sites
from slicer_package_manager.midas.addresses import Asked
from slicer_package_manager.pages.addresses import ALL, Place
from slicer_package_manager.registry.catalog import applications, releases
from slicer_package_manager.registry.links import rules as link_rules
from slicer_package_manager.registry.midas import targets
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.midas.targets import LOOK_ELSEWHERE, Target
from slicer_package_manager.registry.schema.errors import Gone, NotFound
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import shortened
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.registration import CHANNELS, role
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument
from slicer_package_manager.rest.handlers import site
from slicer_package_manager.rest.handlers.call import Response, current_user
from slicer_package_manager.rest.middleware.permissions import permitted


def redirect(path: str) -> Response:
    """Redirect to ``path`` on this server."""
    setRawResponse()
    site.redirect(path)
    return b''


def elsewhere(url: str) -> Response:
    """Redirect to ``url``, where an operator has moved what was here.

    :raises Forbidden: its host is not, or no longer, allowed.
    """
    link_rules.require_allowed(url, settings.get(settings.LINK_HOSTS))
    response = redirect('')
    cherrypy.response.headers['Location'] = url
    return response


@permitted(access.LIST_PACKAGES)
def gone(asked: Asked, params: Document) -> Response:  # noqa: ARG001 - all handlers have these parameters
    """State that all of this kind is gone, or that this number was never there.

    :raises NotFound: MIDAS had no folder of this number.
    :raises Gone: otherwise.
    """
    if asked.row.kind is Kind.FOLDER and asked.number:
        targets.folder(asked.number, current_user())
        raise Gone('A folder cannot be downloaded as a whole any more; download its packages one by one.')
    raise Gone(f'This page of MIDAS is not here any more. {LOOK_ELSEWHERE}')


@permitted(access.LIST_PACKAGES)
def missing(asked: Asked, params: Document) -> Response:  # noqa: ARG001
    """State that it is not there.

    :raises NotFound: always.
    """
    raise NotFound('There is no such picture.')


@permitted(access.LIST_PACKAGES)
def data(asked: Asked, params: Document) -> Response:  # noqa: ARG001
    """Lead to where an item of the data store is now, if an operator has recorded that.

    :raises Gone: otherwise.
    """
    if asked.number:
        try:
            _, url = targets.resolve(Kind.ITEM, asked.number, current_user())
        except sites.REFUSALS:
            url = ''
        if url:
            return elsewhere(url)
    raise Gone(f'The data store of Slicer is not here any more. {LOOK_ELSEWHERE}')


@permitted(access.LIST_PACKAGES)
def page(asked: Asked, params: Document) -> Response:  # noqa: ARG001
    """Lead to the page of a package or extension.

    :raises NotFound: there is nothing of this number.
    :raises Gone: it is not here any more, or has no page.
    """
    target, url = targets.resolve(asked.row.kind or Kind.ITEM, asked.number or '', current_user(),
                                  access.LIST_PACKAGES)
    if target is None:
        return elsewhere(url)
    if not target.is_package:
        raise Gone(f'This item of MIDAS has no page any more. Its file is at /midas3/download?items={asked.number}.')
    return redirect(page_of(target))


def page_of(target: Target) -> str:
    """Return the path of the page of a package or extension."""
    meta, app = target.item['meta'], str(target.item['spm']['app'])
    others = {} if app == applications.SLICER else {'app': app}
    if target.item['spm']['kind'] == EXTENSION.label:
        place = Place(ALL, meta['app_revision'], meta['os'], meta['arch'], meta['baseName'])
        return f'/{place.address(others)}'
    return f'/download{"?app=" + app if others else ""}'


@permitted(access.LIST_PACKAGES)
def folder(asked: Asked, params: Document) -> Response:  # noqa: ARG001
    """Lead to the catalog of the release or draft that a folder became; to the whole catalog for all drafts.

    :raises NotFound: there is no such folder.
    :raises Gone: it is not here any more.
    """
    found = targets.folder(asked.number or '', current_user())
    app = str(found['spm']['app'])
    others = {} if app == applications.SLICER else {'app': app}
    revision = str(found['spm'].get('revision', '')) if role(found) in CHANNELS else ''
    return redirect(f'/{Place(ALL if revision else "", revision).address(others)}')


@permitted(access.LIST_PACKAGES)
def catalog(asked: Asked, params: Document) -> Response:  # noqa: ARG001
    """Lead to the catalog, with the filters of the old page.

    :raises NotFound: there is no such release.
    """
    names = ('slicer_revision', 'release', 'os', 'arch', 'q')
    revision, release, os, arch, words = ('' if params.get(name) == 'any' else str(params.get(name) or '')
                                          for name in names)
    if release and not revision:
        revision = revision_of(sites.application(current_user()), release, current_user())
    place = Place(ALL if revision else '', revision, os if revision else '', arch)
    return redirect(f'/{place.address({"q": words} if words else {})}')


def revision_of(app: ApplicationFolder, release: str, user: UserDocument | None) -> str:
    """Return the revision of a release of ``app``, by its name.

    :raises NotFound: there is none that ``user`` may see.
    """
    found: Any = releases.find_release(app, release, user)
    if not found or 'revision' not in found['spm']:
        raise NotFound(f'There is no release "{shortened(release)}".')
    return str(found['spm']['revision'])

