"""Calls for packages and extensions."""
from __future__ import annotations

from typing import Any

import orjson
from girder.constants import SortDir
from girder.models.item import Item

from slicer_package_manager.registry.catalog import applications, package_lists, packages, removal
from slicer_package_manager.registry.downloads import counts
from slicer_package_manager.registry.schema import metadata
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PackageType
from slicer_package_manager.registry.schema.pagination import ITEM_SORTS, RELEVANCE, Listing, page
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import (
    filters_of,
    of_application,
    with_downloads,
    with_fields,
    with_filters,
)
from slicer_package_manager.rest.middleware import upload_warnings
from slicer_package_manager.rest.middleware.prepared_lists import prepared_list
from slicer_package_manager.rest.middleware.response_cache import list_response

_RELEVANCE = ('With `q` and `sort=relevance`, the best matches come first: those by name, then by keywords, category, '
              'description and contributors. Typing errors, other forms of a word, spaces and hyphens are tolerated, '
              'and an extension may lack some of the words. This requires one revision of the application, or one '
              'release. If a word occurs nowhere and others are close to it, the header `Slicer-Search-Suggestion` has '
              'the search with these, percent-encoded.')


@call(access.LIST_PACKAGES, (
    with_downloads(with_filters(of_application('List packages of an application, newest first.'), PACKAGE.fields))
    .param('package_name', 'Only the package whose item has this name. Case is ignored.', required=False)
    .param('package_id', 'Only the package with this id.', required=False)
    .param('release_id_or_name', 'Only packages of the release with this id or name; "draft" for those of all drafts.',
           required=False)
    .pagingParams(defaultSort='created', defaultSortDir=SortDir.DESCENDING)
    .errorResponse()
))
def listPackages(app_id: str, package_name: str | None, package_id: str | None, release_id_or_name: str | None,
                 limit: int, offset: int, sort: list[tuple[str, int]], **filters: Any) -> Response:
    filters.pop('params')
    return _list(PACKAGE, app_id, limit, offset, sort, item_id=package_id, name=package_name,
                 release=release_id_or_name, **filters)


@call(access.LIST_PACKAGES, (
    with_downloads(with_filters(of_application('List or search extensions of an application, newest first.')
                                .notes(_RELEVANCE), EXTENSION.fields))
    .param('extension_name', 'Only the extension whose item has this name. Case is ignored.', required=False)
    .param('extension_id', 'Only the extension with this id.', required=False)
    .param('release_id', 'Only extensions of the release with this id or name; "draft" for those of all drafts.',
           required=False)
    .param('q', 'Search words: each must occur in the name, description, keywords or contributors. Case and accents '
           'are ignored. At most 255 characters and 16 different words.', required=False)
    .param('tier', 'Only extensions whose tier compares with this number; a higher tier is better. Extensions without '
           'a tier are omitted.', required=False, dataType='integer')
    .param('tier_compare', 'Whether the tier is at most, at least or exactly that number.', required=False,
           enum=list(package_lists.TIER_COMPARISONS), default='lte')
    .pagingParams(defaultSort='created', defaultSortDir=SortDir.DESCENDING)
    .errorResponse()
))
def listExtensions(app_id: str, extension_name: str | None, extension_id: str | None, release_id: str | None,
                   limit: int, offset: int, sort: list[tuple[str, int]], **filters: Any) -> Response:
    filters.pop('params')
    return _list(EXTENSION, app_id, limit, offset, sort, item_id=extension_id, name=extension_name,
                 release=release_id, **filters)


def _list(package_type: PackageType, app_id: str, limit: int, offset: int, sort: list[tuple[str, int]], *,
          with_downloads: bool, q: str | None = None, **values: Any) -> Response:
    user, filters = current_user(), filters_of(values)
    relevance = {RELEVANCE} if package_type is EXTENSION else set()
    part = page(limit, offset, sort, ITEM_SORTS[package_type.label] | relevance)

    def load() -> ApplicationFolder:
        return applications.load(app_id, user, access.LIST_PACKAGES)

    def find(words: str | None = q) -> Listing:
        app = load()
        found = package_lists.find(package_type, app, user, part, q=words, **filters)
        if not with_downloads:
            return found
        items = list(map(orjson.loads, found.documents))
        counts.add_totals(package_type, app, items)
        return found._replace(documents=list(map(orjson.dumps, items)))

    def candidates() -> package_lists.Candidates:
        return package_lists.candidates(package_type, load(), user, part, **filters)

    if user is None and not with_downloads:
        is_searched = package_type is EXTENSION and package_lists.is_narrow(package_type, filters)
        response = prepared_list(lambda: find(None), candidates if is_searched else None, q or '')
        if response is not None:
            return response
    # Downloads are counted without a new data version.
    return list_response(None, find, cacheable=not with_downloads)


@call(access.SAVE_PACKAGE, (
    with_fields(of_application('Create or update a package.'), PACKAGE)
), model=Item, has_form=True)
def upsertPackage(app_id: str, params: dict[str, str]) -> Response:
    return _upsert(PACKAGE, app_id, params)


@call(access.SAVE_PACKAGE, (
    with_fields(of_application('Create or update an extension.'), EXTENSION)
), model=Item, has_form=True)
def upsertExtension(app_id: str, params: dict[str, str]) -> Response:
    return _upsert(EXTENSION, app_id, params)


def _upsert(package_type: PackageType, app_id: str, params: dict[str, str]) -> Response:
    user = current_user()
    form = {key: value for key, value in params.items() if key != 'token'}  # which is for Girder
    item = packages.upsert(package_type, applications.load(app_id, user, access.SAVE_PACKAGE), form, user)
    upload_warnings.warn(metadata.left_out(package_type, form))
    return item


@call(access.DELETE_PACKAGE, (
    of_application('Delete a package with its file. Download counts are kept.')
    .param('pkg_id', 'Id of the package.', paramType='path')
), model=Item)
def deletePackage(app_id: str, pkg_id: str) -> Response:
    return _delete(PACKAGE, app_id, pkg_id)


@call(access.DELETE_PACKAGE, (
    of_application('Delete an extension with its file. Download counts are kept.')
    .param('ext_id', 'Id of the extension.', paramType='path')
), model=Item)
def deleteExtension(app_id: str, ext_id: str) -> Response:
    return _delete(EXTENSION, app_id, ext_id)


def _delete(package_type: PackageType, app_id: str, item_id: str) -> Response:
    user = current_user()
    app = applications.load(app_id, user, access.DELETE_PACKAGE)
    item = packages.load(package_type, app, item_id, user, access.DELETE_PACKAGE)
    removal.remove_item(item)
    return item
