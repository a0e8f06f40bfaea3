"""Fill a database of ours by the domain's own functions, past REST: ``python -m benchmarks.fill``.

Runs in a process of its own, since Girder connects to one database only; see :func:`archive.grow` for what it reads
from its standard input.
"""
from __future__ import annotations

import hashlib
import itertools
import json
import sys
from datetime import date, timedelta

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.item import Item
from girder.models.user import User

from benchmarks import extensions
from slicer_package_manager.registry.catalog import applications, releases
from slicer_package_manager.registry.downloads import counts as download_counts
from slicer_package_manager.registry.schema import name_templates
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE
from slicer_package_manager.registry.server import data_version
from slicer_package_manager.registry.tree import documents as tree_documents
from slicer_package_manager.registry.tree import registration

_BATCH = 5000


def main(login, app, revisions=(), *, systems=1, per_draft=0, counted=0, counts=0):
    """Add drafts, or counts of downloads.

    :param revisions: those of the new drafts.
    :param systems: for how many systems each draft has packages and extensions.
    :param per_draft: how many extensions a draft has for a system.
    :param counted: how many of them were downloaded once.
    :param counts: how many other packages to add counts for, derived from the existing extensions.
    """
    user = User().findOne({'login': login})
    app = applications.load(app, user)
    pattern = File().findOne({'linkUrl': {'$exists': False}, 'itemId': {'$ne': None}})
    for revision in revisions:
        _add_draft(app, user, revision, extensions.SYSTEMS[:systems], per_draft, counted, pattern)
    _insert(download_counts.Download(), _counts(app, counts))
    data_version.announce()


def _add_draft(app, user, revision, systems, per_draft, counted, pattern):
    forms = [(PACKAGE, extensions.package_form(system, revision)) for system in systems]
    forms += [(EXTENSION, extensions.form(number, system, revision))
              for number, system in itertools.product(range(per_draft), systems)]
    folders = {package_type.label: _folder(app, package_type, revision, user) for package_type in (PACKAGE, EXTENSION)}
    items = [document(package_type, app, folders[package_type.label], form, f'{form}'.encode(), user)
             for package_type, form in forms]
    _insert(Item(), items)
    _insert(File(), (_file(pattern, item) for item in items))
    _insert(download_counts.Download(), ({**download_counts.key_of(item), 'count': 1}
                                         for item in items[:len(systems) * (1 + counted)]))


def _folder(app, package_type, revision, user):
    folder, nearest = releases.folder_for(app, package_type, revision, user)
    return folder or releases.make_folder(package_type, revision, nearest, user)


def document(package_type, app, folder, form, content, user):
    """The documents after ``form`` is posted for a new package in ``folder`` and ``content`` is uploaded to it."""
    digest = hashlib.sha512(content).hexdigest()
    meta = registration.checked_meta(package_type, folder, {**form, 'sha512': digest})
    name = name_templates.render(app['meta'][package_type.template], package_type, meta)
    item = tree_documents.new_item(folder, name, user, meta.get('description', ''), meta)
    return {**item, 'size': len(content), 'spm': registration.of_item(package_type, folder, meta, has_file=True)}


def _file(pattern, item):
    return {**pattern, '_id': ObjectId(), 'itemId': item['_id'], 'name': f'{item["name"]}.tar.gz',
            'size': item['size'], 'sha512': item['meta']['sha512'], 'created': item['created']}


def _counts(app, wanted):
    """So many counts: one for each extension yesterday, then one for each on the day before, and so on."""
    today = date.today()  # noqa: DTZ011 - any day does
    days = ((today - timedelta(days)).isoformat() for days in itertools.count(1))
    items = list(Item().find({'spm.app': app['_id'], 'spm.kind': EXTENSION.label}, fields=['meta', 'spm']))
    for day in days:
        for item in items[:wanted]:
            yield {**download_counts.key_of(item), 'day': day, 'count': 1}
        wanted -= len(items)
        if wanted <= 0:
            return


def _insert(model, documents):
    documents = iter(documents)
    while batch := list(itertools.islice(documents, _BATCH)):
        model.collection.insert_many(batch, ordered=False)


if __name__ == '__main__':
    main(**json.load(sys.stdin))
