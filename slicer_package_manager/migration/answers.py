"""Comparison of the answers of the older server with those of this one, to the requests that clients send.

For each application that everyone may read: its packages, releases and downloads, and for each revision and system the
list of extensions that a Slicer asks for. An item may be missing here only if the report says why, and its metadata may
differ only if the report says that it is mended.
"""
from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.rest_client import Get
from slicer_package_manager.progress import Steps
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, OPERATING_SYSTEMS
from slicer_package_manager.registry.schema.types import Document


def compare(older: Get, here: Get, app_ids: Collection[str], excused: Mapping[str, Collection[Outcome]], steps: Steps
            ) -> Iterator[Note]:
    """Yield a note for each answer about the applications ``app_ids`` that differs.

    :param excused: for items by id, what the report says about them.
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


def _compared(older: list[Document], here: list[Document], request: str, excused: Mapping[str, Collection[Outcome]]
              ) -> Iterator[Note]:
    before, now = ({one['_id']: one for one in answer} for answer in (older, here))
    for identifier, one in before.items():
        said = excused.get(identifier, ())
        if identifier not in now:
            if not {Outcome.NOT_LISTED, Outcome.LOST, Outcome.NOW_HIDDEN, Outcome.MENDED}.intersection(said):
                yield _different(one, f'{request} had it, and has it not here')
        elif Outcome.MENDED not in said:
            for key, what in _values(one, now[identifier]):
                yield _different(one, f'{key} {what} in {request}')
    for identifier in now.keys() - before.keys():
        if Outcome.MENDED not in excused.get(identifier, ()):
            yield _different(now[identifier], f'{request} has it here only')


def _values(older: Document, here: Document) -> Iterator[tuple[str, str]]:
    pairs = [('name', older.get('name'), here.get('name'))]
    pairs += [(f'meta.{key}', value, here['meta'].get(key)) for key, value in older.get('meta', {}).items()
              if not key.startswith('download')]
    for key, before, now in pairs:
        if _plain(key, before) != _plain(key, now) and (before, now) not in ((None, None), ('', None)):
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
