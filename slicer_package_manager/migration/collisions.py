"""Documents of this server that have the id of another one of the source.

Others refer to accounts, groups, collections and folders by their ids: users with rights at the source would have them
here on something else, and packages would lie in a folder that is no release. So such an id ends the migration before
it begins. That of an item or a file is named in the report, and the one here stays; see :mod:`verdicts`.
"""
from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase, batches
from slicer_package_manager.migration.journal import Journal
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import registration
from slicer_package_manager.registry.tree.registration import APPLICATION

_KINDS = ('user', 'group', 'collection', 'folder')
_FIELDS = ('created', 'name', 'login', 'spm')


def require_none(source: AnyDatabase, here: AnyDatabase, journal: Journal, app_ids: Collection[Any]) -> None:
    """Require that no id of ``source`` is that of another document here.

    :param app_ids: ids of applications of the source. One that was created here by its id is the same.
    :raises MigrationError: some are.
    """
    found = [one for kind in _KINDS for one in _others(kind, source, here, journal, app_ids)]
    if found:
        more = f' (and {len(found) - 1} more)' if found[1:] else ''
        raise MigrationError(f'{found[0]}{more}. Delete the one here, or migrate into another database.')


def _others(kind: str, source: AnyDatabase, here: AnyDatabase, journal: Journal, app_ids: Collection[Any]
            ) -> Iterator[str]:
    for ids in batches(one['_id'] for one in source[kind].find({}, {'_id': 1})):
        known = {one['_id']: one for one in here[kind].find({'_id': {'$in': ids}}, _FIELDS)}
        written = journal.written(kind, known)
        unknown = [one for identifier, one in known.items() if identifier not in written
                   and not (identifier in app_ids and registration.role(one) == APPLICATION)]
        wanted = [one['_id'] for one in unknown]
        there = {one['_id']: one for one in source[kind].find({'_id': {'$in': wanted}}, _FIELDS)}
        for one in unknown:
            other = there[one['_id']]
            # Another way of migrating from the same server has written it if it was created at the same moment.
            if other.get('created') not in (None, one.get('created')):
                yield (f'The {kind} "{_name(other)}" of the older server has the id of another {kind} here, '
                       f'"{_name(one)}" ({one["_id"]})')


def _name(document: Document) -> Any:
    return document.get('name', document.get('login', ''))
