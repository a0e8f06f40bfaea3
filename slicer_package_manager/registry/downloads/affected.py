"""Who has a file: its downloads by day, country and system, for any content that was ever published.

1. :func:`files` looks up the checksum among the files that are there, and those that were replaced or deleted.
2. :func:`find` adds up the rows of the logs that have one of these files with this content.
3. A log names the item or the file, and not the content. On the day of a replacement, the daily files count such
   downloads for the newer content; :attr:`Affected.replacements` has their number.
"""
from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.item import Item

from slicer_package_manager.logs.rules import contents, labels
from slicer_package_manager.logs.rules.vocabulary import ROBOT
from slicer_package_manager.registry.downloads import logged
from slicer_package_manager.registry.downloads.logged import Days, LoggedDownload
from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.schema.errors import Invalid, NotFound
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import shortened
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import former_files, keys
from slicer_package_manager.registry.tree.types import ApplicationFolder

_MD5, _SHA256, _SHA512 = 32, 64, 128
_HEXADECIMAL = re.compile('[0-9a-f]+')
_COLUMNS = ('country', 'client_os', 'client', 'requests', 'clients')
#: What is shown of a file; what it does not have is left out.
_SHOWN = ('app', 'item', 'file', 'kind', 'name', *former_files.SHOWN, 'app_revision', 'release', 'size', 'sha512',
          'created', 'removed')


class Affected(NamedTuple):
    """The downloads of a content.

    :param files: the files that have it, or had it; those that are gone have ``removed``.
    :param requests: downloads without robots.
    :param robots: downloads by robots.
    :param days: downloads and clients by day. A client is one on each day.
    :param countries: downloads by country, with its ``name``, most first.
    :param systems: downloads by operating system of the client, most first.
    :param rows: downloads and clients by day, country and operating system of the client.
    :param replacements: days on which a file with this content was replaced, with the downloads of its successor that
        may be of this one.
    :param logs: the days that the logs have.
    """

    files: list[Document]
    requests: int
    robots: int
    days: list[Document]
    countries: list[Document]
    systems: list[Document]
    rows: list[Document]
    replacements: list[Document]
    logs: Days


def find(checksum: str, app: ApplicationFolder | None = None) -> Affected:
    """The downloads of the content with this SHA-512, or with the MD5 that MIDAS has stated, in hexadecimal.

    :param app: only files of this application.
    :raises Invalid: it is no such checksum.
    :raises NotFound: no file has or had it, or no logs were loaded.
    """
    found = files(checksum, app)
    logs = logged.days()
    which: Document = {'content': {'$in': sorted({contents.of_sha512(one['sha512']) for one in found})},
                       'file': {'$in': sorted({str(one['file']) for one in found})}}
    rows, robots = _rows(which)
    return Affected(
        [_shown(one) for one in found], sum(row['requests'] for row in rows), robots, _added(rows, 'day'),
        _by_country(rows), _most_first(rows, 'client_os'), rows, list(_replacements(found)), logs)


def files(checksum: str, app: ApplicationFolder | None = None) -> list[Document]:
    """The facts of all files with this checksum, see :func:`former_files.facts`, the oldest first.

    :raises Invalid: it is no checksum that the server knows.
    :raises NotFound: there are none.
    """
    which: Document = {'sha512': {'$in': _as_sha512(checksum.strip().lower())}}
    found = [*_there(which), *former_files.find(which)]
    found = [one for one in found if app is None or one['app'] == app['_id']]
    if not found:
        where = f' in "{app["name"]}"' if app else ''
        raise NotFound(f'No file with the checksum "{shortened(checksum)}" was ever published{where}.')
    return sorted(found, key=lambda one: one['created'])


def _as_sha512(checksum: str) -> list[str]:
    if len(checksum) == _SHA512 and _HEXADECIMAL.fullmatch(checksum):
        return [checksum]
    if len(checksum) == _MD5 and _HEXADECIMAL.fullmatch(checksum):
        return _with_md5(checksum)
    what = ('the server does not know the SHA-256 of files' if len(checksum) == _SHA256 else
            f'"{shortened(checksum)}" is no checksum')
    remedy = f'Give the SHA-512, {_SHA512} hexadecimal digits, which "sha512sum FILE" prints'
    raise Invalid([('checksum', f'{what}. {remedy}')])


def _with_md5(checksum: str) -> list[str]:
    """The SHA-512 of the files whose MD5 came from MIDAS."""
    alias = aliases.find(Kind.MD5, checksum)
    items = Item().collection.find({'_id': {'$in': list(alias.targets)}, f'{keys.MIDAS}.md5': checksum},
                                   {keys.MIDAS: 1}) if alias else ()
    former = (one['sha512'] for one in former_files.find({'md5': checksum}))
    return sorted({*former, *(item['spm']['midas']['sha512'] for item in items)})


def _there(which: Document) -> Iterator[Document]:
    present = list(File().collection.find({**which, 'itemId': {'$type': 'objectId'}}))
    items = {item['_id']: item for item in Item().collection.find(
        {'_id': {'$in': [file['itemId'] for file in present]}, keys.PACKAGE_TYPE: {'$exists': True}})}
    return (former_files.facts(items[file['itemId']], file) for file in present if file['itemId'] in items)


def _shown(facts: Mapping[str, Any]) -> Document:
    return {key: str(facts[key]) if isinstance(facts[key], ObjectId) else facts[key] for key in _SHOWN if key in facts}


def _rows(which: Document) -> tuple[list[Document], int]:
    """The rows of :class:`Affected`, in their order, and the downloads by robots.

    A file of years has 100,000 rows. They come as one array for each column and document, which takes half the time of
    rows as they are stored.
    """
    columns: Document = {name: f'$rows.{name}' for name in _COLUMNS}
    days: defaultdict[str, dict[tuple[str, str], Document]] = defaultdict(dict)
    robots = 0
    for one in transactions.at_one_moment(LoggedDownload()).aggregate(
            [{'$match': which}, {'$project': {'_id': 0, 'day': 1, **columns}}], batchSize=BATCH):
        day, rows = one['day'], days[one['day']]
        for country, system, client, requests, clients in zip(*(one[name] for name in _COLUMNS), strict=True):
            if client == ROBOT:
                robots += requests
            elif row := rows.get((country, system)):
                row['requests'] += requests
                row['clients'] += clients
            else:
                rows[country, system] = {'day': day, 'country': country, 'client_os': system, 'requests': requests,
                                         'clients': clients}
    return [row for _, rows in sorted(days.items()) for _, row in sorted(rows.items())], robots


def _added(rows: Iterable[Document], by: str) -> list[Document]:
    """The downloads and clients of ``rows`` by this key, in its order."""
    requests: defaultdict[str, int] = defaultdict(int)
    clients: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        requests[row[by]] += row['requests']
        clients[row[by]] += row['clients']
    return [{by: key, 'requests': requests[key], 'clients': clients[key]} for key in sorted(requests)]


def _most_first(rows: Sequence[Document], by: str) -> list[Document]:
    return sorted(_added(rows, by), key=lambda one: -one['requests'])


def _by_country(rows: Sequence[Document]) -> list[Document]:
    return [{**row, 'name': labels.country(row['country'])} for row in _most_first(rows, 'country')]


def _replacements(found: Sequence[Mapping[str, Any]]) -> Iterator[Document]:
    """Yield the days of replacements with the downloads of the other contents of the item on that day."""
    gone = {(str(one['item']), f'{one["removed"]:%Y-%m-%d}', contents.of_sha512(one['sha512']))
            for one in found if 'removed' in one}
    numbers: Counter[str] = Counter()
    for item, day, content in gone:
        others, _ = _rows({'day': day, 'item': item, 'content': {'$ne': content}})
        numbers[day] += sum(row['requests'] for row in others)
    for day, number in sorted(numbers.items()):
        yield {'day': day, 'requests': number}
