"""Lookup of application packages for ``/find``, ``/findall`` and ``/download``.

1. :mod:`parameters` validates the parameters of the request and makes a :class:`parameters.Query` of them.
2. :func:`builds` reads the packages that have a file and that the user may see, with the keys that the selection needs.
3. :func:`selection.select` drops packages of other systems and stabilities, and those that are not ready unless the
   query names them. Among the rest it takes the newest package that matches, or one some revisions away.
4. :func:`describe` reads the items and files of the selected packages, by one query, and makes their records.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import NamedTuple

from bson.objectid import ObjectId
from girder.models.item import Item

from slicer_package_manager.registry.catalog import readiness
from slicer_package_manager.registry.lookup import parameters, selection
from slicer_package_manager.registry.lookup.selection import Build
from slicer_package_manager.registry.midas import facts
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.fields import OPERATING_SYSTEMS, PACKAGE
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import item_files, keys
from slicer_package_manager.registry.tree.access import item_clause
from slicer_package_manager.registry.tree.types import ApplicationFolder, MidasFacts, PackageItem, UserDocument

#: Keys that the selection needs.
_FIELDS = ('created', keys.CHANNEL, *(f'meta.{key}' for key in (
    'os', 'arch', 'revision', 'version', 'release', 'pre_release', 'build_date')))
_DAY = len('2026-11-01')


def find(app: ApplicationFolder, user: UserDocument | None, given: Mapping[str, object]) -> Build:
    """Look up one package of ``app``.

    :param given: the parameters of the request.
    :raises Invalid: naming all problems of the parameters.
    :raises NotFound: no package that ``user`` may see matches.
    """
    query = parameters.parse(given)
    found = selection.select(builds(app, user, query.os), query, query.os, query.one_stability)
    if found is None:
        raise NotFound(f'There is no package of "{app["name"]}" for {query.text}.')
    return found


def find_all(app: ApplicationFolder, user: UserDocument | None,
             given: Mapping[str, object]) -> dict[str, dict[str, Build | None]]:
    """Look up a package of ``app`` for each operating system and stability.

    :param given: the parameters of the request.
    :returns: ``{os: {stability: build}}``, with ``None`` if no package matches.
    :raises Invalid: naming all problems of the parameters.
    """
    query = parameters.parse(given, one_system=False)
    available = builds(app, user, query.os)
    return {os: {stability: selection.select(available, query, os, stability) for stability in query.stabilities}
            for os in ([query.os] if query.os else OPERATING_SYSTEMS)}


@transactions.atomic
def builds(app: ApplicationFolder, user: UserDocument | None, os: str | None = None) -> list[Build]:
    """Read the packages of ``app`` that have a file and that ``user`` may see.

    :param os: the operating system; by default all.
    """
    query: Document = {keys.APP: app['_id'], keys.PACKAGE_TYPE: PACKAGE.label, keys.HAS_FILE: True,
                       '$and': [item_clause(app, user)]}
    if os is not None:
        query['meta.os'] = os
    not_ready = readiness.not_ready(app, user)
    return [_build(item, not_ready) for item in Item().find(query, fields=_FIELDS).batch_size(BATCH)]


def _build(item: PackageItem, not_ready: set[tuple[ObjectId, str, str]]) -> Build:
    meta = item['meta']
    return Build(
        id=item['_id'], os=meta['os'], arch=meta['arch'], revision=str(meta['revision']), built=_built(item),
        version=_text(meta.get('version')), release=_text(meta.get('release')),
        pre_release=meta.get('pre_release') is True,
        ready=(item['spm']['channel'], meta['os'], meta['arch']) not in not_ready)


def _text(value: object) -> str:
    return '' if value is None else str(value)


def _built(item: PackageItem) -> datetime:
    """The time of the build; if the metadata has none, the creation of the item."""
    value = item['meta'].get('build_date')
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    try:
        return validators.timestamp(value)
    except ValueError:
        return validators.timestamp(item['created'])


class FoundPackage(NamedTuple):
    """A build with its item and its record, the JSON object that the calls return.

    :param file_name: the name under which browsers save the file.
    """

    build: Build
    item: Document  # as read; callers add keys
    record: Document
    file_name: str


def describe(found: Iterable[Build | None], catalog_url: Callable[[str, str], str]) -> dict[ObjectId, FoundPackage]:
    """Read the items of the builds ``found``, by one query, and make their records.

    :param catalog_url: makes the URL of the catalog of extensions for a revision and an operating system.
    :returns: by the id of the build; without packages that were deleted in the meantime.
    """
    wanted = {build.id: build for build in found if build}
    return {key: FoundPackage(wanted[key], item, _record(wanted[key], item, file, catalog_url),
                              file.get('name') or item['name'])
            for key, (item, file) in _with_files(wanted).items()}


def _with_files(item_ids: Iterable[ObjectId]) -> dict[ObjectId, tuple[Document, Document]]:
    """Return items by id, each with the file that readers get, ``{}`` if there is none. One query."""
    found = Item().collection.aggregate([
        {'$match': {'_id': {'$in': list(item_ids)}}}, item_files.FILES], batchSize=BATCH)
    packages = [item_files.Package(item, item.pop('files')) for item in found]
    return {one.item['_id']: (dict(one.item), dict(one.current or {})) for one in packages}


def _record(build: Build, item: Document, file: Document, catalog_url: Callable[[str, str], str]) -> Document:
    meta = item['meta']
    return {
        'arch': build.arch, 'revision': build.revision, 'os': build.os, 'name': item['name'],
        'build_date': build.built.astimezone(timezone.utc).isoformat(),
        'build_date_ymd': f'{build.built:%Y-%m-%d}',
        'product_name': _text(meta.get('baseName')), 'stability': build.stability,
        'size': file.get('size', item['size']), 'sha512': file.get('sha512') or _text(meta.get('sha512')),
        'version': build.shown_version, 'download_url': f'/bitstream/{item["_id"]}',
        'extensions_browse_url': catalog_url(build.revision, build.os),
        **_of_midas(facts.of(item, file))}


def _of_midas(known: MidasFacts) -> Document:
    """The keys that only packages from the former MIDAS server have values for. Clients may read them."""
    checkout = known.get('checkoutdate') or None
    return {'codebase': known.get('codebase') or None, 'package': known.get('packagetype') or None,
            'md5': known.get('md5') or None, 'checkout_date': checkout,
            'checkout_date_ymd': checkout and checkout[:_DAY]}
