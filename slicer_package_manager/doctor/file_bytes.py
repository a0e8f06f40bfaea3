"""Checks of the bytes of files: which are lost, which have changed, and which belong to no file."""
from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import filelock
from girder.constants import AssetstoreType
from girder.models.assetstore import Assetstore
from girder.models.file import File
from girder.models.upload import Upload

from slicer_package_manager.backup.objects import pour
from slicer_package_manager.doctor import s3_objects
from slicer_package_manager.doctor.findings import ABANDONED, WARNING, Finding, Options, bytes_finding, file_name
from slicer_package_manager.registry.schema.invariants import Bytes
from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.storage import uploads as half
from slicer_package_manager.registry.tree import documents, item_files

#: Where bytes that nobody speaks of are put aside, in their assetstore.
ASIDE = 'orphaned'
_SHA512 = re.compile('[0-9a-f]{128}')


def _stores():
    """The assetstores on disk whose directories are there."""
    return [one for one in Assetstore().find({'type': AssetstoreType.FILESYSTEM}) if Path(one['root']).is_dir()]


def lost(options: Options) -> Iterator[Finding]:
    """Whether the bytes of all files are there, as many as they should be."""
    for one in _stores():
        for file in File().find({'assetstoreId': one['_id'], 'path': {'$exists': True}}):
            path = Path(one['root'], file['path'])
            yield from filter(None, [bytes_finding(file, path, _found(path))])
    yield from s3_objects.lost(options)


def _found(path: Path) -> Bytes | None:
    try:
        return Bytes(path.stat().st_size)
    except OSError:
        return None


def changed(options: Options) -> Iterator[Finding]:
    """Whether files have the bytes that their checksums tell: a sample of them, or all."""
    roots = {one['_id']: one['root'] for one in _stores()}
    some = [] if options.sample is None else [{'$sample': {'size': options.sample}}]
    for file in File().collection.aggregate([
            {'$match': {'assetstoreId': {'$in': list(roots)}, 'sha512': {'$type': 'string'}}}, *some]):
        path = Path(roots[file['assetstoreId']], file['path'])
        try:
            with path.open('rb') as content:
                digest = pour(content)
        except OSError:
            continue  # see lost
        yield from filter(None, [bytes_finding(file, path, Bytes(None, digest))])
    yield from s3_objects.changed(options)


def replaced(_options: Options) -> Iterator[Finding]:
    """Replaced files that were not removed in time."""
    late = File().find({'spm.retired': {'$lt': documents.now() - item_files.GRACE - timedelta(hours=1)}}).count()
    if late:
        yield Finding(WARNING, f'{late} files that were replaced more than an hour ago still exist.',
                      'Use --fix; the next upload to the server removes them too.', item_files.sweep)


def uploads(options: Options) -> Iterator[Finding]:
    """Uploads that stopped half-way more than a day ago, and their bytes."""
    for upload in Upload().find({'updated': {'$lt': documents.now() - ABANDONED}}):
        yield Finding(WARNING, f'The upload of {file_name(upload)} stopped on {upload["updated"]:%Y-%m-%d} after '
                               f'{upload["received"]} of {upload["size"]} bytes.',
                      'Use --fix, which gives it up; clients begin such an upload anew.',
                      partial(half.give_up, upload))
    for one in _stores():
        for left in stores.of_assetstore(one).leftovers(ABANDONED):
            yield Finding(WARNING, f'{left.place} belongs to no upload.', left.remedy, left.remove)
    yield from s3_objects.unfinished(options)


def unused(options: Options) -> Iterator[Finding]:
    """Bytes in assetstores that no file speaks of."""
    for one in _stores():
        for path in Path(one['root']).glob('[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*'):
            if _SHA512.fullmatch(path.name) and _is_old(path) and _is_unused(one, path):
                yield Finding(WARNING, f'No file speaks of {path} ({path.stat().st_size} bytes).',
                              f'Use --fix, which moves it to {Path(one["root"], ASIDE)}; delete it there once you are '
                              'sure that no restored database wants it.', partial(_put_aside, one, path))
    yield from s3_objects.unused(options)


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > ABANDONED.total_seconds()


def _is_unused(one, path: Path) -> bool:
    wanted = {'sha512': path.name, 'assetstoreId': one['_id']}
    here = {'path': str(path.relative_to(one['root'])), 'assetstoreId': one['_id']}
    return not any(model.findOne(query, fields=['_id']) for model, query in (
        (File(), wanted), (Upload(), wanted), (File(), here)))


def _put_aside(one, path: Path) -> None:
    aside = Path(one['root'], ASIDE)
    aside.mkdir(mode=0o700, exist_ok=True)
    # The lock that Girder holds while it decides whether bytes are wanted; an upload of the same bytes may end now.
    with filelock.FileLock(f'{path}.deleteLock'):
        if _is_unused(one, path):
            path.rename(aside / path.name)
