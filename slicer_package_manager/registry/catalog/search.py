"""Search of the administration: applications, releases, drafts, packages and extensions by name or revision."""
from __future__ import annotations

import re
from collections.abc import Iterator

from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access, keys
from slicer_package_manager.registry.tree.registration import APPLICATION, DRAFT, RELEASE
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: How many documents of each type are found at most.
MOST = 10
#: The beginning of a revision, which has at least 4 characters and a digit; how many words may be one; and a Git hash,
#: with the length of its shortest abbreviation.
_REVISION, _TRIED = re.compile(r'(?=.*[0-9]).{4,}'), 3
_HASH, _ABBREVIATED = re.compile('[0-9a-f]*'), 7
_ROLES = {'applications': APPLICATION, 'releases': RELEASE, 'drafts': DRAFT}


def find(text: str, user: UserDocument | None) -> dict[str, list[Document]]:
    """Return what ``user`` may see and whose name, or revision, has every word of ``text``.

    Folders are sorted by age, newest first, and packages and extensions by the length of their name. Of those with one
    name, the newest that matches stands for all. A word may be the beginning of the revision of their sources, and a
    Git hash longer than the stored one. Names and revisions are looked up in indexes, so that the time does not grow
    with the number of builds.
    """
    apps: list[ApplicationFolder] = list(Folder().find(
        {keys.ROLE: APPLICATION, **access.folder_clause(user)}, sort=[('lowerName', 1)]).batch_size(BATCH))
    words = applications.search_conditions(text, ['name', keys.REVISION])
    folders = {name: _folders(apps, {keys.ROLE: role, '$and': [*words, access.folder_clause(user)]})
               for name, role in _ROLES.items()}
    items = {f'{label}s': [row for app in apps for row in _items(app, label, text, user)][:MOST]
             for label in PACKAGE_TYPES}
    return {**folders, **items}


def _folders(apps: list[ApplicationFolder], condition: Document) -> list[Document]:
    names = {app['_id']: app['name'] for app in apps}
    found = Folder().find({keys.APP: {'$in': list(names)}, **condition}, fields=['name', 'spm'],
                          sort=[('created', -1), ('_id', -1)], limit=MOST)
    return [{'_id': one['_id'], 'name': one['name'], 'revision': one['spm'].get('revision', ''),
             'app_id': one['spm']['app'], 'application': names[one['spm']['app']]} for one in found]


def _items(app: ApplicationFolder, label: str, text: str, user: UserDocument | None) -> list[Document]:
    of_type = {keys.APP: app['_id'], keys.PACKAGE_TYPE: label}
    found = [one for condition, words in _readings(text)
             for name in _names({**of_type, **condition}, words)
             if (one := _newest({**of_type, **condition, 'meta.baseName': name}, access.item_clause(app, user)))]
    unique = {one['_id']: one for one in found}.values()
    return [{'_id': one['_id'], 'name': one['meta']['baseName'], 'version': one['meta'].get('version', ''),
             'revision': one['meta'].get('app_revision', one['meta'].get('revision')),
             'source_revision': one['meta'].get('revision', ''), 'app_id': app['_id'],
             'application': app['name']} for one in list(unique)[:MOST]]


def _readings(text: str) -> Iterator[tuple[Document, list[str]]]:
    """Yield what ``text`` may mean: a condition for items, and the words that their names have."""
    words = text.casefold().split()
    yield {}, words
    for place in [place for place, word in enumerate(words) if _REVISION.fullmatch(word)][:_TRIED]:
        # With both values of the flag, the index of revisions by name serves the query.
        yield ({keys.HAS_FILE: {'$in': [True, False]}, 'meta.revision': {'$in': _revisions(words[place])}},
               words[:place] + words[place + 1:])


def _revisions(word: str) -> list[str | re.Pattern[str]]:
    """The revisions that begin with ``word``, and, if that is a Git hash, its abbreviations."""
    shorter = range(_ABBREVIATED, len(word)) if _HASH.fullmatch(word) else ()
    return [re.compile(f'^{re.escape(word)}'), *(word[:length] for length in shorter)]


def _names(condition: Document, words: list[str]) -> list[str]:
    found: list[str] = Item().collection.distinct('meta.baseName', condition)
    return sorted((name for name in found if all(word in name.casefold() for word in words)),
                  key=lambda name: (len(name), name))[:MOST]


def _newest(condition: Document, visible: Document) -> Document | None:
    one: Document | None = Item().findOne({**condition, '$and': [visible]}, sort=[('created', -1)],
                                          fields=['meta', 'created'])
    return one
