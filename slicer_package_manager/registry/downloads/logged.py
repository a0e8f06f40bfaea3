"""Downloads by country and class of client, which the daily files made from logs have, in the database.

1. ``logs ingest`` makes the daily files, see :mod:`logs.daily`. They name no client, and no rare combination.
2. ``logs load`` compares their checksums with those of the days that are here (:func:`checksums`), and hands over each
   day that differs (:func:`replace`). One transaction replaces all rows of the day, so no reader sees a part of it.
3. It adds up the months that changed, see :mod:`logged_sums`. ``logs unload`` removes days (:func:`remove`), and does
   the same.
4. :mod:`logged_statistics` and :mod:`affected` read the rows. All processes of the server read the same ones.

Rows of private packages are in no daily file. What became private later stays here: readers leave out what the caller
may not see, see :mod:`logged_statistics`.
"""
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from girder.models.item import Item
from pymongo import ASCENDING, IndexModel

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import former_files, keys

#: Of the package in each document: the keys of a count, see :class:`counts.Download`, with their columns in the files.
_PACKAGE = {'kind': 'kind', 'revision': 'app_revision', 'baseName': 'baseName', 'os': 'os', 'arch': 'arch',
            'release': 'release', 'item': 'item', 'file': 'file', 'content': 'content'}
#: Of each row in a document.
_CLIENT = ('country', 'client', 'client_os')
#: A day of some thousand files takes a second.
_SECONDS = 50


class LoggedDownload(transactions.TransactionalModel):
    """Rows in the collection ``slicer_package_logged_download``, one document for each day, file and content.

    A document has ``day`` (``YYYY-MM-DD``), ``app`` (id; ``None`` if the package is unknown here), ``kind``, the
    application's ``revision``, ``baseName``, ``os``, ``arch``, ``release`` (``''`` for a draft), ``item``, ``file``,
    ``content`` (see :mod:`logs.rules.contents`), and ``rows`` with ``country``, ``client``, ``client_os``, ``requests``
    and ``clients``.
    """

    stored_in = 'slicer_package_logged_download'


class LoggedDay(transactions.TransactionalModel):
    """The days in the collection ``slicer_package_logged_day``.

    A document has the day as its id, the ``sha256`` of the daily file, and when it was ``loaded``.
    """

    stored_in = 'slicer_package_logged_day'


def _index(name: str, *of: str) -> IndexModel:
    return IndexModel([(key, ASCENDING) for key in of], name=name)


INDEXES = [
    _index('spm_logged_by_app', 'app', 'day'), _index('spm_logged_by_name', 'app', 'baseName', 'day'),
    _index('spm_logged_by_revision', 'app', 'revision', 'day'),
    _index('spm_logged_by_content', 'content', 'file', 'day'), _index('spm_logged_by_day', 'day', 'item')]


class Days(NamedTuple):
    """The days whose logs are here: the first and the last one, and their number."""

    first: str
    last: str
    number: int


def prepare() -> None:
    """Create the indexes, as the server does when it starts. Idempotent."""
    LoggedDownload().collection.create_indexes(INDEXES)


def checksums() -> dict[str, str]:
    """Return the days that are here, each with the checksum of its daily file."""
    return {one['_id']: one['sha256'] for one in LoggedDay().collection.find({}, {'sha256': 1})}


def loaded() -> frozenset[tuple[str, Any]]:
    """Return the days that are here, each with when it was loaded: rows change only together with this."""
    return frozenset((one['_id'], one.get('loaded')) for one in LoggedDay().collection.find({}, {'loaded': 1}))


def days_of(version: Collection[tuple[str, Any]]) -> Days | None:
    """Return the days of a result of :func:`loaded`; ``None`` if there are none."""
    found = sorted(day for day, _ in version)
    return Days(found[0], found[-1], len(found)) if found else None


def days() -> Days:
    """Return the days that are here.

    :raises NotFound: there are none.
    """
    found = days_of(loaded())
    if found is None:
        raise NotFound('No statistics from logs were loaded into this server, so it does not know downloads by country '
                       'and client. An administrator loads them with "slicer-package-manager logs load".')
    return found


def replace(day: str, sha256: str, rows: Iterable[Mapping[str, str]]) -> int:
    """Let ``rows``, those of the daily file with the checksum ``sha256``, be the rows of ``day``; return their number.

    :raises ValueError: a row is damaged.
    """
    packages: dict[tuple[str, ...], list[Document]] = {}
    for row in rows:
        if int(row['requests']):
            clients = packages.setdefault(tuple(row[name] for name in _PACKAGE.values()), [])
            clients.append({**{name: row[name] for name in _CLIENT},
                            **{name: int(row[name]) for name in ('requests', 'clients')}})
    named = [dict(zip(_PACKAGE, values, strict=True)) for values in packages]
    apps = _applications({one['item'] for one in named})
    found: list[Document] = [{'day': day, 'app': apps.get(package['item']), **package, 'rows': clients}
                             for package, clients in zip(named, packages.values(), strict=True)]
    transactions.run(lambda: _replace(day, sha256, found), seconds=_SECONDS)
    return sum(len(one['rows']) for one in found)


def _replace(day: str, sha256: str, found: list[Document]) -> None:
    # First, so that of two processes one waits for the other.
    LoggedDay().collection.update_one(
        {'_id': day}, {'$set': {'sha256': sha256, 'loaded': clock.now()}}, upsert=True)
    LoggedDownload().collection.delete_many({'day': day})
    if found:
        LoggedDownload().collection.insert_many([dict(one) for one in found])  # each attempt has ids of its own


@transactions.atomic
def remove(day: str) -> None:
    """Delete the rows of ``day``, in one transaction. Idempotent."""
    LoggedDay().collection.delete_one({'_id': day})  # first, as in _replace
    LoggedDownload().collection.delete_many({'day': day})


def _applications(items: Iterable[str]) -> dict[str, ObjectId]:
    """Return the application of each of ``items``, also of those that were deleted."""
    ids: dict[str, Any] = {'$in': [one for text in items if (one := validators.object_id(text))]}
    found = {str(one['item']): one['app'] for one in former_files.find({'item': ids})}
    for item in Item().collection.find({'_id': ids, keys.PACKAGE_TYPE: {'$exists': True}}, {keys.APP: 1}):
        found[str(item['_id'])] = item['spm']['app']
    return found
