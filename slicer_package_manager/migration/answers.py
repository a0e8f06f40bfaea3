"""Comparison of the answers of the older server with those of this one, to the requests that clients send.

For each application that everyone may read: its packages, releases, drafts and downloads, and for each revision and
system the list of extensions that a Slicer asks for. A document may be missing here only if the report says why, and
its metadata may differ only if the report names the value as mended. What had no value there may have one here. No
number of downloads may be lower.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from slicer_package_manager.migration.errors import AnswerError
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.rest_client import Get
from slicer_package_manager.migration.rules import texts
from slicer_package_manager.progress import Steps
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.fields import ARCHITECTURES, OPERATING_SYSTEMS
from slicer_package_manager.registry.schema.types import Document

#: The outcomes of items that no list here has.
_UNLISTED = {Outcome.NOT_LISTED, Outcome.LOST, Outcome.NOW_HIDDEN, Outcome.LEFT_OUT}
#: The values by which lists are filtered. A document with others is in other lists, or in none.
_FILTERS = ('_id', *(f'meta.{key}' for key in ('os', 'arch', 'revision', 'app_revision', 'app_id', 'baseName')))
#: For documents by id, the outcomes that the report states, each with the names of values; see :class:`Note`.
Excused: TypeAlias = Mapping[str, Mapping[Outcome, Collection[str]]]


def compare(older: Get, here: Get, app_ids: Collection[str], excused: Excused, steps: Steps, *, counts: bool = True
            ) -> Iterator[Note]:
    """Yield a note for each answer about the applications ``app_ids`` that differs.

    :param excused: what the report states.
    :param counts: compare downloads; not if the older server has counted those of the migration.
    """
    for app_id in app_ids:
        requests = list(_requests(older, app_id))
        with steps('Comparing answers', len(requests), False) as advance:
            for path, params in requests:
                yield from _of_request(older, here, path, params, partial(
                    _compared, request=_named(path, params), excused=excused))
                advance(1)
        if counts:
            yield from _of_request(older, here, f'app/{app_id}/downloadstats', {}, partial(_downloads, app_id=app_id))


def _of_request(older: Get, here: Get, path: str, params: Mapping[str, Any],
                differences: Callable[[Any, Any], Iterator[Note]]) -> Iterator[Note]:
    """Yield the ``differences`` of the two answers to a request, if the older server has one."""
    note = partial(Note, kind='answer', id=_named(path, params), name=_named(path, params))
    try:
        before = older(path, **params)
    except AnswerError as error:
        yield note(Outcome.LEFT_OUT, reason=f'it cannot be compared, since {error}')
        return
    try:
        now = here(path, **params)
    except AnswerError as error:
        yield note(Outcome.DIFFERENT, reason=f'the older server answers it, and {error}')
        return
    yield from differences(before, now)


def excuses(notes: Iterable[Note]) -> Excused:
    """Return what ``notes`` state about each document."""
    found: dict[str, dict[Outcome, set[str]]] = {}
    for note in notes:
        found.setdefault(note.id, {}).setdefault(note.outcome, set()).update(note.fields)
    return found


def _requests(older: Get, app_id: str) -> Iterator[tuple[str, Document]]:
    """The requests of clients for lists of the application."""
    channels = list[Document]()
    for kind in ('release', 'draft'):
        with suppress(AnswerError):  # which the comparison of this request names
            channels += older(f'app/{app_id}/{kind}', limit=0)
    for kind in ('release', 'draft', 'package'):
        yield f'app/{app_id}/{kind}', {'limit': 0}
    for revision in sorted({str(one['meta']['revision']) for one in channels if 'revision' in one.get('meta', {})}):
        for os in OPERATING_SYSTEMS:
            for arch in ARCHITECTURES:
                yield f'app/{app_id}/extension', {'app_revision': revision, 'os': os, 'arch': arch, 'limit': 0}


def _named(path: str, params: Mapping[str, Any]) -> str:
    return f'{path}?{"&".join(f"{key}={value}" for key, value in params.items())}'.rstrip('?')


def _compared(older: list[Document], here: list[Document], request: str, excused: Excused) -> Iterator[Note]:
    before, now = ({one['_id']: one for one in answer} for answer in (older, here))
    for identifier, one in before.items():
        said = excused.get(identifier, {})
        mended = said.get(Outcome.MENDED, ())
        if identifier not in now:
            is_hidden = Outcome.NOW_HIDDEN in excused.get(one.get('folderId', ''), ())
            if not is_hidden and not _UNLISTED.intersection(said) and not _is_filtered(mended):
                yield _different(one, f'{request} had it, and has it not here')
        elif Outcome.UNDECIDED not in said:
            for key, what in _values(one, now[identifier]):
                if not _is_mended(key, mended):
                    yield _different(one, f'{key} {what} in {request}', key)
    for identifier in now.keys() - before.keys():
        if not _is_filtered(excused.get(identifier, {}).get(Outcome.MENDED, ())):
            yield _different(now[identifier], f'{request} has it here only')


def _is_filtered(mended: Collection[str]) -> bool:
    """Whether a document with these ``mended`` values is in other lists than before."""
    return any(_is_mended(key, mended) for key in _FILTERS)


def _is_mended(key: str, mended: Collection[str]) -> bool:
    return key in mended or (key.startswith('meta.') and 'meta' in mended)


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


def _different(document: Document, reason: str, *fields: str) -> Note:
    return Note(Outcome.DIFFERENT, 'answer', document['_id'], document['name'], reason, fields=fields)


def _downloads(older: object, here: object, app_id: str) -> Iterator[Note]:
    """A note for each number of downloads that is lower here; this server may have counted more since."""
    now = _numbers(here)
    for key, before in _numbers(older).items():
        if now[key] < before:
            yield Note(Outcome.DIFFERENT, 'answer', app_id, 'downloadstats',
                       f'{key} is {now[key]} here, and was {before}')


def _numbers(value: object, keys: tuple[str, ...] = ()) -> Counter[str]:
    """The numbers below ``value`` by their keys. The older server nests keys where a name has a dot."""
    if isinstance(value, Mapping):
        return sum((_numbers(below, (*keys, *str(key).split('.'))) for key, below in value.items()), Counter())
    *others, os, arch = ('', '', *keys)
    key = '.'.join((*others, texts.system(os), texts.architecture(arch))).lstrip('.')
    return Counter({key: value} if isinstance(value, int) and value > 0 else {})
