"""The expected extensions of an application, one document for each branch of the extension index."""
from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from bson.objectid import ObjectId
from pymongo import ASCENDING, IndexModel

from slicer_package_manager.registry.expected import branches
from slicer_package_manager.registry.expected.entries import Entry
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid, NotFound
from slicer_package_manager.registry.server import clock, data_version, transactions
from slicer_package_manager.registry.tree.types import ApplicationFolder


class ExpectedBranch(TypedDict):
    """A branch of the extension index, as it was at ``synced``."""

    app: ObjectId
    branch: str
    synced: datetime
    entries: list[Entry]


class ExpectedModel(transactions.TransactionalModel):
    """Branches in the collection ``slicer_package_expected``; writes bump the data version."""

    stored_in = 'slicer_package_expected'

    def reconnect(self) -> None:
        """Connect to the database."""
        super().reconnect()
        transactions.join(self, data_version.Watched)


INDEXES = [IndexModel([('app', ASCENDING), ('branch', ASCENDING)], name='spm_expected', unique=True)]


def replace(app: ApplicationFolder, branch: str, entries: list[Entry]) -> tuple[list[str], list[str]]:
    """Store ``entries`` as those of ``branch``; return the names that are new, and those that are gone.

    :raises Invalid: ``branch`` cannot be the name of a branch.
    """
    if not branches.is_name(branch):
        raise Invalid([('branch', f'"{validators.shortened(branch)}" is no name of a branch, such as main or 5.8')])
    before = ExpectedModel().collection.find_one_and_update(
        {'app': app['_id'], 'branch': branch}, {'$set': {'synced': clock.now(), 'entries': entries}}, upsert=True)
    old = {entry['name'] for entry in (before or {}).get('entries', [])}
    new = {entry['name'] for entry in entries}
    return sorted(new - old), sorted(old - new)


def remove(app: ApplicationFolder, branch: str) -> None:
    """Expect no extensions of ``branch`` any more.

    :raises NotFound: none are expected.
    """
    if not ExpectedModel().collection.delete_one({'app': app['_id'], 'branch': branch}).deleted_count:
        raise NotFound(f'"{app["name"]}" has no expected extensions of a branch "{validators.shortened(branch)}".')


def of_app(app: ApplicationFolder) -> dict[str, ExpectedBranch]:
    """The branches of ``app`` by name."""
    found: dict[str, ExpectedBranch] = {
        one['branch']: one for one in ExpectedModel().collection.find({'app': app['_id']}).sort('branch')}
    return found


def has(app: ApplicationFolder, name: str) -> bool:
    """Whether a branch of ``app`` has the extension ``name``."""
    return any(entry['name'] == name for branch in of_app(app).values() for entry in branch['entries'])
