"""Checks of download counts and of their sums."""
from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bson.objectid import ObjectId
from girder.models.folder import Folder

from slicer_package_manager.doctor.findings import ERROR, Finding, Options
from slicer_package_manager.registry.downloads import counts, rollup
from slicer_package_manager.registry.downloads.counts import COUNTS, Download
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.registration import APPLICATION


def wrong_counts(_options: Options) -> Iterator[Finding]:
    """Counts that are not numbers, and packages with several counts for a day."""
    for one in Download().collection.find({
            'kind': COUNTS, '$nor': [{'count': {'$type': 'number', '$gte': 0}}]}):
        yield Finding(ERROR, f'The count {one["_id"]} of "{one.get("baseName")}" on {one.get("day")} is '
                             f'{one.get("count")!r}.',
                      'Set it to a number in the database; statistics fail because of it.')
    unique = next(index.document for index in counts.INDEXES if index.document.get('unique'))
    identity = {key: f'${key}' for key in unique['key']}
    for group in Download().collection.aggregate([
            {'$match': {'kind': COUNTS}}, {'$group': {'_id': identity, 'ids': {'$push': '$_id'}}},
            {'$match': {'ids.1': {'$exists': True}}}], allowDiskUse=True):
        yield Finding(ERROR, f'"{group["_id"].get("baseName")}" has {len(group["ids"])} counts on '
                             f'{group["_id"].get("day")}, so that the unique index cannot be created.',
                      'Stop the server and use --fix, which adds them up.', partial(_add_up, *sorted(group['ids'])))


@transactions.atomic
def _add_up(kept: ObjectId, *others: ObjectId) -> None:
    """Move the counts of ``others`` to the document ``kept``."""
    collection = Download().collection
    found = list(collection.find({'_id': {'$in': [kept, *others]}}))
    unsummed = rollup.take_out(found[0]['app'], found[0]['revision'], found)
    collection.delete_many({'_id': {'$in': others}})
    collection.update_one({'_id': kept}, {'$set': {'count': sum(one['count'] for one in found)}, **unsummed})


def wrong_sums(_options: Options) -> Iterator[Finding]:
    """Sums of download counts, which responses use, that differ from the counts."""
    names = {app['_id']: f'"{app["name"]}"' for app in Folder().find({keys.ROLE: APPLICATION}, fields=['name'])}
    for app_id in Download().collection.distinct('app'):
        for revision in rollup.wrong(app_id):
            yield Finding(ERROR, f'The sums of the download counts of {names.get(app_id, "a deleted folder")} '
                                 f'{revision} are wrong.', 'Use --fix, which adds up the counts.',
                          partial(rollup.repair, app_id, revision))
