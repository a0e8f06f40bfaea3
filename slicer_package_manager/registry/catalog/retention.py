"""Retention: which old drafts are deleted, and their deletion."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bson.objectid import ObjectId

from slicer_package_manager.registry.catalog import releases, removal, summary
from slicer_package_manager.registry.schema.errors import Conflict, Invalid
from slicer_package_manager.registry.schema.pagination import Page
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.tree import access, keys
from slicer_package_manager.registry.tree.registration import DRAFT
from slicer_package_manager.registry.tree.types import ApplicationFolder, ChannelFolder, UserDocument

#: The order of the list of drafts.
_NEWEST_FIRST = Page(0, 0, (('created', -1), ('_id', -1)))
_LARGEST = {'keep': 2**31 - 1, 'older_than_days': 36500}


def plan(app: ApplicationFolder, user: UserDocument | None, *, keep: int | None = None,
         older_than_days: int | None = None) -> list[ChannelFolder]:
    """The folders of the drafts to delete, newest first. If both rules are given, a draft must match both.

    :param keep: how many drafts stay, the newest of those that ``user`` may see.
    :param older_than_days: drafts that are younger stay.
    :raises Invalid: a number is out of range, or neither is given.
    :raises AccessException: ``user`` does not administer one of the drafts to delete.
    """
    rules = _checked(keep=keep, older_than_days=older_than_days)
    drafts: list[ChannelFolder] = releases.find(app, DRAFT, user, _NEWEST_FIRST).documents[rules.get('keep', 0):]
    if 'older_than_days' in rules:
        limit = clock.now() - timedelta(days=rules['older_than_days'])
        drafts = [one for one in drafts if one['created'] < limit]
    for draft in drafts:
        access.require(access.PRUNE_DRAFTS, draft, user)
    return drafts


def _checked(**given: int | None) -> dict[str, int]:
    rules = {name: value for name, value in given.items() if value is not None}
    problems = [(name, f'must be a whole number from 0 to {_LARGEST[name]}') for name, value in rules.items()
                if not 0 <= value <= _LARGEST[name]]
    if not rules:
        problems = [('keep', 'give keep, older_than_days or both, to select the drafts to delete')]
    if problems:
        raise Invalid(problems)
    return rules


def rows(app: ApplicationFolder, user: UserDocument | None, drafts: Sequence[ChannelFolder]) -> list[Document]:
    """A row for each of ``drafts``, with the numbers of packages that ``user`` may see."""
    found = summary.numbers(app, user, drafts)
    return [{'_id': one['_id'], 'name': one['name'], 'revision': one['spm']['revision'], 'created': one['created'],
             'packages': found[one['_id']].total('package'), 'extensions': found[one['_id']].total('extension'),
             'bytes': found[one['_id']].size} for one in drafts]


def delete(drafts: Sequence[ChannelFolder], progress: Any) -> set[ObjectId]:  # Girder's progress has no type
    """Delete ``drafts`` with everything below them, the oldest first. Their download counts stay.

    :returns: the ids of the deleted drafts. Those that were promoted meanwhile are not among them.
    :raises Conflict: one could not be deleted. The message names those that were.
    """
    done: dict[ObjectId, str] = {}
    for draft in reversed(drafts):
        try:
            was_there = removal.remove_folder(draft, progress, still={keys.ROLE: DRAFT})
        except Exception as error:
            deleted = ', '.join(f'"{name}"' for name in done.values()) or 'none'
            raise Conflict(f'The draft "{draft["name"]}" could not be deleted: {error} Deleted before: {deleted}. '
                           f'Newer ones were not deleted. Repeat the call to continue.') from error
        if was_there:
            done[draft['_id']] = draft['name']
    return set(done)
