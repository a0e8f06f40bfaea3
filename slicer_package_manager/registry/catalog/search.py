"""Search of the administration: applications, releases, drafts, packages and extensions by name or revision."""
from __future__ import annotations

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
_ROLES = {'applications': APPLICATION, 'releases': RELEASE, 'drafts': DRAFT}


def find(text: str, user: UserDocument | None) -> dict[str, list[Document]]:
    """Return what ``user`` may see and whose name, or revision, has every word of ``text``.

    Folders are sorted by age, newest first, and packages and extensions by the length of their name. Of those with one
    name, the newest stands for all. Names are looked up in an index, so that the
    time does not grow with the number of builds.
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
    words = text.casefold().split()
    names = sorted((name for name in Item().collection.distinct('meta.baseName', of_type)
                    if all(word in name.casefold() for word in words)), key=lambda name: (len(name), name))[:MOST]
    visible = access.item_clause(app, user) if names else {}
    newest = (Item().findOne({**of_type, 'meta.baseName': name, '$and': [visible]}, sort=[('created', -1)],
                             fields=['meta', 'created']) for name in names)
    return [{'_id': one['_id'], 'name': one['meta']['baseName'], 'version': one['meta'].get('version', ''),
             'revision': one['meta'].get('app_revision', one['meta'].get('revision')), 'app_id': app['_id'],
             'application': app['name']} for one in newest if one]
