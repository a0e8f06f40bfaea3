"""Looks for builds of an application: what is stored now, the rules of :mod:`builds`, and records of what is found."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from girder.models.item import Item

from slicer_package_manager.registry import files, questions, readiness, values
from slicer_package_manager.registry.builds import Build
from slicer_package_manager.registry.errors import NotFound
from slicer_package_manager.registry.kinds import OPERATING_SYSTEMS, PACKAGE
from slicer_package_manager.registry.visibility import item_clause

_FIELDS = ('name', 'created', 'size', 'spm', *(f'meta.{key}' for key in (
    'baseName', 'os', 'arch', 'revision', 'version', 'release', 'pre_release', 'build_date', 'sha512')))


class Shelf(NamedTuple):
    """Builds that can be downloaded, and the items that they are by the ids of both."""

    builds: list[Build]
    items: dict[Any, dict[str, Any]]


def shelf(app, user, os=None) -> Shelf:
    """The packages of ``app`` that have a file and that ``user`` may see, of the system ``os`` if that is given."""
    query = {'spm.app': app['_id'], 'spm.kind': PACKAGE.label, 'spm.ready': True, '$and': [item_clause(app, user)]}
    if os is not None:
        query['meta.os'] = os
    items = {item['_id']: item for item in Item().find(query, fields=_FIELDS)}
    held_back = readiness.held_back(app, user)
    return Shelf([_build(item, held_back) for item in items.values()], items)


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
    try:
        return values.timestamp(item['meta'].get('build_date'))
    except ValueError:
        return values.timestamp(item['created'])


def find(app, user, given: Mapping[str, Any]):
    """The item of the build of ``app`` that the parameters ``given`` ask for.

    :raises Invalid: naming everything that is wrong with ``given``.
    :raises NotFound: ``user`` sees no such build.
    """
    question = questions.parse(given)
    stock = shelf(app, user, question.os)
    found = question.answer(stock.builds, question.os, question.one_stability)
    if found is None:
        raise NotFound(f'There is no package of "{app["name"]}" for {question.asked}.')
    return stock.items[found.id]


def find_all(app, user, given: Mapping[str, Any]):
    """The items of the builds of each system and stability that ``given`` asks for, ``None`` where there is none.

    :returns: ``{os: {stability: item}}``.
    :raises Invalid: naming everything that is wrong with ``given``.
    """
    question = questions.parse(given, one_system=False)
    stock = shelf(app, user, question.os)
    systems = [question.os] if question.os else OPERATING_SYSTEMS
    chosen = {os: {stability: question.answer(stock.builds, os, stability) for stability in question.stabilities}
              for os in systems}
    return {os: {stability: build and stock.items[build.id] for stability, build in row.items()}
            for os, row in chosen.items()}


def records(items: Iterable[dict[str, Any] | None], browse: Callable[[str, str], str]) -> dict[Any, dict[str, Any]]:
    """What is told about ``items``, packages with a file, by their ids; one query.

    :param browse: makes the address of the catalog of extensions of a revision and an operating system.
    """
    known = {item['_id']: item for item in items if item}
    current = files.current_of(known)
    return {key: _record(item, current.get(key, {}), browse) for key, item in known.items()}


def _record(item, file, browse):
    meta, build = item['meta'], _build(item)
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
