"""Comparison of the answers of the older server with those of this one, to the requests that clients send.

For each application that everyone may read: its packages, releases and downloads, and for each revision and system the
list of extensions that a Slicer asks for. An item may be missing here only if the report says why, and its metadata may
differ only if the report names the value as mended. What had no value there may have one here.
"""
from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.rest_client import Get
from slicer_package_manager.progress import Steps
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, OPERATING_SYSTEMS
from slicer_package_manager.registry.schema.types import Document

#: The outcomes of items that no list here has.
_UNLISTED = {Outcome.NOT_LISTED, Outcome.LOST, Outcome.NOW_HIDDEN}
#: The metadata by which lists are filtered. An item with other values is in other lists.
_FILTERS = ('os', 'arch', 'revision', 'app_revision', 'app_id', 'baseName')


def compare(older: Get, here: Get, app_ids: Collection[str], excused: Mapping[str, Mapping[Outcome, str]],
            steps: Steps) -> Iterator[Note]:
    """Yield a note for each answer about the applications ``app_ids`` that differs.

    :param excused: for items by id, the outcomes that the report states, with their reasons.
    """
    for app_id in app_ids:
        requests = list(_requests(older, app_id))
        with steps('Comparing answers', len(requests), False) as advance:
            for path, params in requests:
                yield from _compared(older(path, **params), here(path, **params), _named(path, params), excused)
                advance(1)
        yield from _downloads(older(f'app/{app_id}/downloadstats'), here(f'app/{app_id}/downloadstats'), app_id)


def _requests(older: Get, app_id: str) -> Iterator[tuple[str, Document]]:
    """The requests of clients for lists of the application."""
    channels = [one for kind in ('release', 'draft') for one in older(f'app/{app_id}/{kind}', limit=0)]
    for kind in ('release', 'package'):
        yield f'app/{app_id}/{kind}', {'limit': 0}
    for revision in sorted({str(one['meta']['revision']) for one in channels if 'revision' in one.get('meta', {})}):
        for os in OPERATING_SYSTEMS:
            for arch in ARCHITECTURES:
                yield f'app/{app_id}/extension', {'app_revision': revision, 'os': os, 'arch': arch, 'limit': 0}


def _named(path: str, params: Mapping[str, Any]) -> str:
    return f'{path}?{"&".join(f"{key}={value}" for key, value in params.items())}'


def _compared(older: list[Document], here: list[Document], request: str, excused: Mapping[str, Mapping[Outcome, str]]
              ) -> Iterator[Note]:
    before, now = ({one['_id']: one for one in answer} for answer in (older, here))
    for identifier, one in before.items():
        said = excused.get(identifier, {})
        mended = said.get(Outcome.MENDED, '')
        if identifier not in now:
            if not _UNLISTED.intersection(said) and not any(_is_named(key, mended) for key in _FILTERS):
                yield _different(one, f'{request} had it, and has it not here')
        elif Outcome.UNDECIDED not in said:
            for key, what in _values(one, now[identifier]):
                if not _is_named(key, mended):
                    yield _different(one, f'{key} {what} in {request}')
    for identifier in now.keys() - before.keys():
        mended = excused.get(identifier, {}).get(Outcome.MENDED, '')
        if not any(_is_named(key, mended) for key in _FILTERS):
            yield _different(now[identifier], f'{request} has it here only')


def _is_named(key: str, mended: str) -> bool:
    """Whether the report names ``key`` among what is ``mended``; see :mod:`rules.fields` and :mod:`rules.shapes`."""
    name = key.removeprefix('meta.')
    if f'{name}: ' in mended or (name == 'name' and 'its name is now ' in mended):
        return True
    aside = re.search('moved out of the metadata: ([^;]*)', mended)
    return 'meta: ' in mended or bool(aside and name in aside[1].split(', '))


def _values(older: Document, here: Document) -> Iterator[tuple[str, str]]:
    pairs = [('name', older.get('name'), here.get('name'))]
    pairs += [(f'meta.{key}', value, here['meta'].get(key)) for key, value in older.get('meta', {}).items()
              if not key.startswith('download')]
    for key, before, now in pairs:
        if before not in (None, '') and _plain(key, before) != _plain(key, now):
            yield key, f'is {validators.shortened(repr(now))}, and was {validators.shortened(repr(before))},'


def _plain(key: str, value: Any) -> Any:
    if key == 'meta.build_date' and value:
        with suppress(ValueError):
            return validators.timestamp(value)
    return value


def _different(document: Document, reason: str) -> Note:
    return Note(Outcome.DIFFERENT, 'answer', document['_id'], document['name'], reason)


def _downloads(older: object, here: object, app_id: str) -> Iterator[Note]:
    """A note if this server reports fewer downloads; it may have counted more since."""
    before, now = _sum(older), _sum(here)
    if now < before:
        yield Note(Outcome.DIFFERENT, 'answer', app_id, 'downloadstats',
                   f'its numbers add up to {now} here, and to {before} before')


def _sum(value: object) -> int:
    if isinstance(value, Mapping):
        return sum(map(_sum, value.values()))
    return value if isinstance(value, int) else 0
