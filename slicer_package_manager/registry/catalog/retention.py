"""Old drafts: which of them are to go, and their deletion."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

from girder.models.folder import Folder

from slicer_package_manager.registry.catalog import releases, summary
from slicer_package_manager.registry.schema.errors import Conflict, Invalid
from slicer_package_manager.registry.schema.pagination import Page
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree import documents as tree_documents

#: The order of the list of drafts.
_NEWEST_FIRST = Page(0, 0, (('created', -1), ('_id', -1)))
_LARGEST = {'keep': 2**31 - 1, 'older_than_days': 36500}


def plan(app, user, *, keep=None, older_than_days=None) -> list[dict[str, Any]]:
    """The folders of the drafts that are to go, newest first; where both rules are given, both say so.

    The draft of a revision that is being promoted is none of them.

    :param keep: so many, the newest of those that ``user`` may see, stay.
    :param older_than_days: what was created later stays.
    :raises Invalid: a number is unusable, or neither is given.
    :raises AccessException: ``user`` does not administer one of the drafts that are to go.
    """
    rules = _checked(keep=keep, older_than_days=older_than_days)
    drafts = releases.find_drafts(app, user, _NEWEST_FIRST).documents[rules.get('keep', 0):]
    if 'older_than_days' in rules:
        limit = tree_documents.now() - timedelta(days=rules['older_than_days'])
        drafts = [one for one in drafts if one['created'] < limit]
    drafts = [one for one in drafts if 'promoting' not in one['spm']]
    for draft in drafts:
        access.require(access.PRUNE_DRAFTS, draft, user)
    return drafts


def _checked(**given):
    rules, problems = {}, []
    for name, value in given.items():
        if value is None:
            continue
        if 0 <= value <= _LARGEST[name]:
            rules[name] = value
        else:
            problems.append((name, f'must be a whole number from 0 to {_LARGEST[name]}'))
    if not rules and not problems:
        problems.append(('keep', 'give keep, older_than_days or both, to say which drafts go'))
    if problems:
        raise Invalid(problems)
    return rules


def rows(app, user, drafts) -> list[dict[str, Any]]:
    """What each of ``drafts`` is and holds, as far as ``user`` may see it."""
    found = summary.numbers(app, user, drafts)
    return [{'_id': one['_id'], 'name': one['name'], 'revision': one['spm']['revision'], 'created': one['created'],
             'packages': found[one['_id']].total('package'), 'extensions': found[one['_id']].total('extension'),
             'bytes': found[one['_id']].size} for one in drafts]


def delete(drafts, progress) -> set[Any]:
    """Remove ``drafts`` with everything below them, the oldest first; their download counts stay.

    :returns: the ids of those that were removed. Whose promotion has begun meanwhile is left.
    :raises Conflict: one could not be removed; tells which were.
    """
    done: dict[Any, str] = {}
    for draft in reversed(drafts):
        now = Folder().findOne({'_id': draft['_id']}, fields=['spm'])
        if now is None or 'promoting' in now['spm']:
            continue
        try:
            Folder().remove(draft, progress=progress)
        except Exception as error:
            deleted = ', '.join(f'"{name}"' for name in done.values()) or 'none'
            raise Conflict(f'The draft "{draft["name"]}" could not be deleted: {error} Deleted before: {deleted}. '
                           f'Those that are newer are left; the call can be repeated.') from error
        done[draft['_id']] = draft['name']
    return set(done)
