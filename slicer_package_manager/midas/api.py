"""``/midas3/api/json``: the methods of MIDAS' API.

Success and failure both have status 200, which Slicer 4 expects; ``stat`` and ``code`` state which it is. Every value
is a text. Slicer 4 waits 2.5 seconds for a list, so lists come from the response cache until the data changes.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson
from girder.exceptions import AccessException, RestException, ValidationException

from slicer_package_manager.midas import entries, sites
from slicer_package_manager.midas.addresses import Asked
from slicer_package_manager.midas.entries import Entry
from slicer_package_manager.registry.catalog import midas_lists, releases
from slicer_package_manager.registry.catalog.midas_lists import Row
from slicer_package_manager.registry.downloads import counts
from slicer_package_manager.registry.midas import aliases, targets, versions
from slicer_package_manager.registry.midas.numbers import Kind, spelled
from slicer_package_manager.registry.midas.targets import Target
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PACKAGE_TYPES, PackageType
from slicer_package_manager.registry.schema.pagination import Page
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import object_id, shortened
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.registration import RELEASE
from slicer_package_manager.rest.handlers.call import Response, current_user
from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware.permissions import permitted
from slicer_package_manager.rest.middleware.response_cache import record_response, send

#: Codes of failures: of any kind, and of a method that does not exist.
FAILURE, NO_METHOD = -1, -101
_FILTERS = ('os', 'arch', 'revision', 'submissiontype', 'packagetype', 'productname', 'codebase', 'release')
_EXTENSION_FILTERS = (*_FILTERS, 'extension_id', 'slicer_revision', 'category', 'search')
#: Filters that the database applies, with the names that they have there.
_PACKAGE_QUERY = {'os': 'os', 'arch': 'arch', 'revision': 'revision', 'productname': 'baseName', 'release': 'release'}
_EXTENSION_QUERY = {**_PACKAGE_QUERY, 'slicer_revision': 'app_revision'}
#: All parameters that an answer depends on. Others are ignored.
_KNOWN = ('method', 'id', *_EXTENSION_FILTERS, 'order', 'direction', 'limit', 'offset')
_NUMBER = re.compile('[0-9]{1,9}', re.ASCII)

Given: TypeAlias = Mapping[str, str]


@permitted(access.LIST_PACKAGES)
def answer(asked: Asked, params: Document) -> Response:  # noqa: ARG001 - all handlers have these parameters
    """Answer the method that the request names."""
    given = {key: str(params[key]) for key in _KNOWN if params.get(key)}
    method = given.get('method', '')
    if method in UPLOADS or method.startswith(SYSTEM):
        return failed(FAILURE, 'Uploads go to the API of this server, /api/v1, by the client '
                               'slicer_package_manager_client; it does not take those of MIDAS any more.')
    if method not in METHODS:
        what = f'There is no method "{shortened(method)}".' if method else 'The parameter method must name a method.'
        return failed(NO_METHOD, what)
    try:
        return record_response(('midas', tuple(sorted(given.items()))), lambda: succeeded(METHODS[method](given)))
    except (AccessException, RestException, ValidationException) as error:
        if getattr(error, 'code', 0) in sites.FAULTS:
            raise
        return failed(FAILURE, str(error))


@permitted(access.LIST_PACKAGES)
def describe_item(asked: Asked, params: Document) -> Response:  # noqa: ARG001
    """Answer ``/rest/item/:id``, which is ``item.get``."""
    return record_response(('midas item', asked.number), lambda: succeeded(get_item({'id': asked.number or ''})))


def succeeded(data: object) -> Document:
    """The object of a success."""
    return {'stat': 'ok', 'code': '0', 'message': '', 'data': data}


def failed(code: int, message: str) -> Response:
    """Respond with a failure."""
    body = {'stat': 'fail', 'message': message, 'code': code, 'data': ''}
    return send(JsonResponse(orjson.dumps(body), None, 'no-cache'))


def list_extensions(given: Given) -> list[Entry]:
    """``extension.list``: at most one entry for name, revision, system and architecture.

    :raises Invalid: there is no filter, or one is invalid.
    """
    filters = _filters(given, _EXTENSION_FILTERS)
    if not filters:
        raise Invalid([('extension_id', 'is required, or one of ' + ', '.join(_EXTENSION_FILTERS))])
    identifier = filters.pop('extension_id', None)
    if identifier is not None:
        return _extension(identifier, filters)
    return _ordered(_extensions(filters), given, 'productname')


def _extensions(filters: Given) -> list[Entry]:
    rows = _rows(EXTENSION, _query(filters, _EXTENSION_QUERY))
    return entries.matching(map(entries.extension, entries.one_of_each(rows)), filters)


def _rows(package_type: PackageType, query: Given) -> list[Row]:
    user = current_user()
    return midas_lists.find(package_type, sites.application(user), user, **query)


def _extension(identifier: str, filters: Given) -> list[Entry]:
    """The extension with an id of this server or a number of MIDAS; with an unknown number, that of the name if sent.

    Clients take several entries for an error.
    """
    number = spelled(Kind.EXTENSION, identifier)
    if number is None and object_id(identifier) is None:
        raise Invalid([('extension_id', f'"{shortened(identifier)}" is neither a number of MIDAS nor an id')])
    alias = aliases.find(Kind.EXTENSION, number) if number else None
    ids = [str(target) for target in alias.targets[:1]] if alias else [] if number else [identifier]
    found = [row for one in ids for row in _rows(EXTENSION, {'item_id': one})]
    if found or not number or 'productname' not in filters:
        return list(map(entries.extension, found))
    named = _extensions(filters)
    return named if len(named) == 1 else []


def list_packages(given: Given) -> list[Entry]:
    """``package.list``: the packages, newest first by default."""
    filters = _filters(given, _FILTERS)
    rows = _rows(PACKAGE, _query(filters, _PACKAGE_QUERY))
    return _ordered(entries.matching(map(entries.package, rows), filters), given)


def list_releases(given: Given) -> list[str]:
    """``package.releaseidentifier.list``: the names of releases, the newest version first by default."""
    user = current_user()
    found = releases.find(sites.application(user), RELEASE, user, Page(0, 0, (('created', -1), ('_id', -1))))
    return sorted((folder['name'] for folder in found.documents), key=versions.by_version,
                  reverse=given.get('order', '').lower() != 'asc')


def get_item(given: Given) -> Entry:
    """``item.get``: an item with its one revision."""
    target = _target(Kind.ITEM, given)
    downloads = 0
    if target.is_package:
        item: Any = target.item
        package_type = PACKAGE_TYPES[item['spm']['kind']]
        counts.add_totals(package_type, {'_id': item['spm']['app']}, [item])
        downloads = item['downloads']
    return entries.item(target, downloads)


def get_bitstream(given: Given) -> Entry:
    """``bitstream.get``: a file."""
    return entries.bitstream(_target(Kind.BITSTREAM, given))


def _target(kind: Kind, given: Given) -> Target:
    if not given.get('id'):
        raise Invalid([('id', 'is required')])
    target, url = targets.resolve(kind, given['id'], current_user())
    if target is None:
        raise Invalid([('id', f'"{shortened(given["id"])}" is not here any more; it is at {url}')])
    return target


def _filters(given: Given, known: tuple[str, ...]) -> dict[str, str]:
    return {key: given[key] for key in known if given.get(key, '') not in entries.ANY}


def _query(filters: Given, names: Mapping[str, str]) -> dict[str, str]:
    return {names[key]: value for key, value in filters.items() if key in names}


def part(found: list[Entry], given: Given) -> list[Entry]:
    """The part of ``found`` that ``limit`` and ``offset`` ask for.

    :raises Invalid: one is not a whole number.
    """
    start, limit = _number(given, 'offset'), _number(given, 'limit')
    return found[start:start + limit if limit else None]


def _ordered(found: list[Entry], given: Given, default: str = '') -> list[Entry]:
    """The part of ``found`` that the parameters ask for, in their order."""
    asked = given.get('order', '')
    key = asked if all(isinstance(one.get(asked), str) for one in found) else default
    if key:
        found = sorted(found, key=lambda one: str(one[key]), reverse=given.get('direction', '').lower() == 'desc')
    return part(found, given)


def _number(given: Given, name: str) -> int:
    value = given.get(name) or '0'
    if not _NUMBER.fullmatch(value):
        raise Invalid([(name, f'"{shortened(value)}" is not a whole number')])
    return int(value)


_PREFIX = 'midas.slicerpackages.'
METHODS: dict[str, Callable[[Given], Any]] = {
    f'{_PREFIX}extension.list': list_extensions,
    f'{_PREFIX}package.list': list_packages,
    f'{_PREFIX}get.packages': list_packages,
    f'{_PREFIX}package.releaseidentifier.list': list_releases,
    'midas.item.get': get_item,
    'midas.bitstream.get': get_bitstream,
}
#: What build machines call to upload; all methods that begin with ``SYSTEM`` too.
UPLOADS = {'midas.login', f'{_PREFIX}package.upload', f'{_PREFIX}extension.upload'}
SYSTEM = 'midas.system.'
