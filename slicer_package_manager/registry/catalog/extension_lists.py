"""What pages list of extensions: each function is one query, besides that for what the user may not see."""
from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry.catalog import package_lists
from slicer_package_manager.registry.expected import builds as expected_builds
from slicer_package_manager.registry.expected.builds import Packages
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.pagination import BATCH
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.access import folder_clause, item_clause
from slicer_package_manager.registry.tree.registration import CHANNELS
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: The order of the index ``spm_extensions``. Without it, the database takes the index of all extensions for what was
#: created last, since it finds the first ones there as fast, and then reads the extensions of all revisions.
_BY_BUILD = {'meta.app_revision': -1, 'meta.os': -1, 'meta.arch': -1, 'created': -1, '_id': -1}
_BY_SYSTEM = {'_id': {'revision': '$meta.app_revision', 'os': '$meta.os', 'arch': '$meta.arch'}}


class Built(NamedTuple):
    """A build of an extension: for which revision and system, and when it was uploaded.

    :param updated: as ISO 8601.
    """

    id: str
    app_revision: str
    os: str
    arch: str
    revision: str
    updated: str


class Members(NamedTuple):
    """The extensions of a build for one system.

    :param revisions: of the extensions, by their names.
    :param added: when the last of them was.
    """

    app_revision: str
    os: str
    arch: str
    revisions: dict[str, str]
    added: datetime


class Related(NamedTuple):
    """The name of an extension, and what it states to require."""

    name: str
    dependency: str


class Revision(NamedTuple):
    """A revision of the application.

    :param release: the name of its release; empty for a draft.
    :param version: of its packages, such as ``5.9.0-2026-11-01``; may be empty.
    :param built: when the first of its packages was built; ``None`` without packages.
    """

    release: str = ''
    version: str = ''
    built: datetime | None = None


def revisions(app: ApplicationFolder, user: UserDocument | None) -> dict[str, Revision]:
    """The revisions of the releases and drafts of ``app`` that ``user`` may see; a release hides a draft."""
    found: dict[str, Revision] = {}
    packages = expected_builds.packages(app, item_clause(app, user))
    for folder in Folder().find({keys.APP: app['_id'], keys.ROLE: {'$in': list(CHANNELS)}, **folder_clause(user)},
                                fields=['name', 'spm']).batch_size(BATCH):
        revision, is_draft = folder['spm']['revision'], folder['spm']['draft']
        known = packages.get(folder['_id'], Packages('', set()))
        if not is_draft or revision not in found:
            found[revision] = Revision('' if is_draft else folder['name'], known.version, known.built)
    return found


@transactions.atomic
def systems(app: ApplicationFolder, user: UserDocument | None, revision: str) -> dict[tuple[str, str], int]:
    """The number of extensions for a revision of the application, by operating system and architecture."""
    return {(os, arch): number for (_, os, arch), number in numbers(app, user, [revision]).items()}


@transactions.atomic
def builds(app: ApplicationFolder, user: UserDocument | None, name: str) -> list[Built]:
    """All builds of the extension with the base name ``name``."""
    return [Built(str(one['_id']), str(meta['app_revision']), meta['os'], meta['arch'], str(meta.get('revision') or ''),
                  (one.get('updated') or one['created']).isoformat())
            for one, meta in _found(app, user, ('app_revision', 'os', 'arch', 'revision'), baseName=name)]


@transactions.atomic
def members(app: ApplicationFolder, user: UserDocument | None, revisions: Collection[str]) -> list[Members]:
    """The extensions of several revisions of the application, by system."""
    extension = {'name': '$meta.baseName', 'revision': {'$ifNull': ['$meta.revision', '']}}
    rows = Item().collection.aggregate([
        {'$match': _of_revisions(app, user, revisions)}, {'$sort': _BY_BUILD},
        {'$group': {**_BY_SYSTEM, 'extensions': {'$push': extension}, 'added': {'$max': '$created'}}}],
        batchSize=BATCH)
    return [Members(key['revision'], key['os'], key['arch'],
                    {one['name']: one['revision'] for one in row['extensions']}, row['added'])
            for row in rows for key in (row['_id'],)]


@transactions.atomic
def numbers(app: ApplicationFolder, user: UserDocument | None, revisions: Collection[str]
            ) -> dict[tuple[str, str, str], int]:
    """The numbers of extensions for several revisions of the application, by revision, system and architecture."""
    match = _of_revisions(app, user, revisions)
    rows = Item().collection.aggregate([
        {'$match': match}, {'$sort': _BY_BUILD}, {'$group': {**_BY_SYSTEM, 'count': {'$sum': 1}}}], batchSize=BATCH)
    return {(row['_id']['revision'], row['_id']['os'], row['_id']['arch']): row['count'] for row in rows}


def _of_revisions(app: ApplicationFolder, user: UserDocument | None, revisions: Collection[str]) -> Document:
    return {**package_lists.query_of(EXTENSION, app, user), 'meta.app_revision': {'$in': list(revisions)}}


@transactions.atomic
def related(app: ApplicationFolder, user: UserDocument | None, revision: str, os: str, arch: str) -> list[Related]:
    """The extensions of one build with what they require."""
    return [Related(meta['baseName'], str(meta.get('dependency') or ''))
            for _, meta in _found(app, user, ('baseName', 'dependency'), list(_BY_BUILD.items()),
                                  app_revision=revision, os=os, arch=arch)]


def _found(app: ApplicationFolder, user: UserDocument | None, of_metadata: tuple[str, ...],
           sort: list[tuple[str, int]] | None = None, **filters: Any) -> list[tuple[Any, Document]]:
    query = package_lists.query_of(EXTENSION, app, user, **filters)
    fields = ['created', 'updated', *(f'meta.{key}' for key in of_metadata)]
    return [(one, one['meta']) for one in Item().find(query, fields=fields, sort=sort).batch_size(BATCH)]


@transactions.atomic
def names(app: ApplicationFolder, user: UserDocument | None) -> list[str]:
    """The base names of all extensions of ``app``, of whatever build."""
    found: list[str] = Item().collection.distinct('meta.baseName', package_lists.query_of(EXTENSION, app, user))
    return sorted(map(str, found))
