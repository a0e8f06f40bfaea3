"""Looks for builds of an application: what is stored now, the rules of :mod:`selection`, and records of the builds."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from girder.models.item import Item

from slicer_package_manager.registry.catalog import readiness
from slicer_package_manager.registry.lookup import parameters
from slicer_package_manager.registry.lookup.selection import Build
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.fields import OPERATING_SYSTEMS, PACKAGE
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.tree import item_files
from slicer_package_manager.registry.tree.access import item_clause

#: What decides; the rest is read of what is chosen.
_FIELDS = ('created', 'spm.channel', *(f'meta.{key}' for key in (
    'os', 'arch', 'revision', 'version', 'release', 'pre_release', 'build_date')))


def shelf(app, user, os=None) -> list[Build]:
    """The packages of ``app`` that have a file and that ``user`` may see, of the system ``os`` if that is given."""
    query = {'spm.app': app['_id'], 'spm.kind': PACKAGE.label, 'spm.ready': True, '$and': [item_clause(app, user)]}
    if os is not None:
        query['meta.os'] = os
    held_back = readiness.held_back(app, user)
    return [_build(item, held_back) for item in Item().find(query, fields=_FIELDS).batch_size(BATCH)]


def _build(item, held_back=frozenset()) -> Build:
    meta = item['meta']
    return Build(
        id=item['_id'], os=meta['os'], arch=meta['arch'], revision=str(meta['revision']), built=_built(item),
        version=_text(meta.get('version')), release=_text(meta.get('release')),
        pre_release=meta.get('pre_release') is True,
        held_back=(item['spm'].get('channel'), meta['os'], meta['arch']) in held_back)


def _text(value):
    return '' if value is None else str(value)


def _built(item) -> datetime:
    """When ``item`` was built; where it does not say, when it was made."""
    date = item['meta'].get('build_date')
    if isinstance(date, datetime):
        return date if date.tzinfo else date.replace(tzinfo=timezone.utc)
    try:
        return validators.timestamp(date)
    except ValueError:
        return validators.timestamp(item['created'])


def find(app, user, given: Mapping[str, Any]) -> Build:
    """The build of ``app`` that the parameters ``given`` ask for.

    :raises Invalid: naming everything that is wrong with ``given``.
    :raises NotFound: ``user`` sees no such build.
    """
    question = parameters.parse(given)
    found = question.answer(shelf(app, user, question.os), question.os, question.one_stability)
    if found is None:
        raise NotFound(f'There is no package of "{app["name"]}" for {question.asked}.')
    return found


def find_all(app, user, given: Mapping[str, Any]) -> dict[str, dict[str, Build | None]]:
    """The builds of each system and stability that ``given`` asks for, ``None`` where there is none.

    :returns: ``{os: {stability: build}}``.
    :raises Invalid: naming everything that is wrong with ``given``.
    """
    question = parameters.parse(given, one_system=False)
    stock = shelf(app, user, question.os)
    return {os: {stability: question.answer(stock, os, stability) for stability in question.stabilities}
            for os in ([question.os] if question.os else OPERATING_SYSTEMS)}


class Found(NamedTuple):
    """A build with its item and what is told about it."""

    build: Build
    item: dict[str, Any]
    record: dict[str, Any]


def described(found: Iterable[Build | None], browse: Callable[[str, str], str]) -> dict[Any, Found]:
    """The builds ``found`` by their ids, by one query; what was deleted meanwhile is left out.

    :param browse: makes the address of the catalog of extensions of a revision and an operating system.
    """
    wanted = {build.id: build for build in found if build}
    return {key: Found(wanted[key], item, _record(wanted[key], item, file, browse))
            for key, (item, file) in item_files.with_items(wanted).items()}


def _record(build, item, file, browse):
    meta = item['meta']
    return {
        'arch': build.arch, 'revision': build.revision, 'os': build.os, 'name': item['name'],
        'build_date': build.built.astimezone(timezone.utc).isoformat(),
        'build_date_ymd': f'{build.built:%Y-%m-%d}',
        'product_name': _text(meta.get('baseName')), 'stability': build.stability,
        'size': file.get('size', item['size']), 'sha512': file.get('sha512') or _text(meta.get('sha512')),
        'version': build.shown_version, 'download_url': f'/bitstream/{item["_id"]}',
        'extensions_browse_url': browse(build.revision, build.os),
        # Only the MIDAS server knew these; readers of the old site's answers may look for them.
        **dict.fromkeys(('codebase', 'package', 'md5', 'checkout_date', 'checkout_date_ymd')),
    }
