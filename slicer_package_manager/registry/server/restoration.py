"""The mark of a database that is being restored, so that no server works on a part of it.

1. :func:`begin` sets the mark, before the restoration removes or inserts anything.
2. :func:`end` removes it when all is there, or nothing is.

A restoration that is killed leaves the mark. Servers and all commands refuse such a database, until another restoration
has ended.
"""
from __future__ import annotations

from pymongo.database import Database

from slicer_package_manager.registry.schema.errors import UnusableDatabaseError
from slicer_package_manager.registry.schema.types import Document

#: The collection that exists while a restoration runs.
COLLECTION = 'slicer_package_manager_restoration'


def begin(database: Database[Document]) -> None:
    """Mark ``database`` as one that is being restored."""
    database[COLLECTION].replace_one({'_id': COLLECTION}, {}, upsert=True)


def end(database: Database[Document]) -> None:
    """Remove the mark of :func:`begin`."""
    database.drop_collection(COLLECTION)


def require_none(database: Database[Document]) -> None:
    """Make sure that no restoration into ``database`` runs, or was killed.

    :raises UnusableDatabaseError: the database has the mark.
    """
    if database[COLLECTION].find_one({}):
        raise UnusableDatabaseError(
            f'The database "{database.name}" is being restored from a backup, or its restoration was killed. Wait for '
            'its end, or repeat it: `slicer-package-manager restore` with `--replace`.')
