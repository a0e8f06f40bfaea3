"""Checks of the bytes of files: which are lost, which have changed, and which belong to no file."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from girder.exceptions import GirderBaseException
from girder.models.file import File
from girder.models.upload import Upload

from slicer_package_manager.doctor.findings import ABANDONED, ERROR, WARNING, Finding, Options, bytes_finding, file_name
from slicer_package_manager.registry.schema.errors import BadGateway, Unavailable
from slicer_package_manager.registry.schema.invariants import Bytes
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.storage import file_removal, stores
from slicer_package_manager.registry.storage import uploads as stored_uploads
from slicer_package_manager.registry.storage.store import Leftover
from slicer_package_manager.registry.tree import keys


def lost(_options: Options) -> Iterator[Finding]:
    """Stores that cannot be read, and files whose bytes are missing or have another number."""
    for store in stores.every_store():
        try:
            size_of = store.sizes()
        except (Unavailable, BadGateway) as error:
            if store.problem() is None:  # else the check of assetstores reports it
                yield Finding(ERROR, str(error), 'Until then clients get none of its files. The log has the details.')
            continue
        for file in File().find({'assetstoreId': store.assetstore['_id'], store.place_field: {'$exists': True},
                                 'size': {'$type': 'number'}}):
            size = size_of(file)
            found = None if size is None else Bytes(size)
            yield from filter(None, [bytes_finding(file, store.place(file), found)])


def changed(options: Options) -> Iterator[Finding]:
    """Files whose bytes do not have their checksum, in a sample or of all."""
    # The check of assetstores reports a problem; each read would log it again.
    usable = {store.assetstore['_id']: store for store in stores.every_store() if store.problem() is None}
    sample = [] if options.sample is None else [{'$sample': {'size': options.sample}}]
    for file in File().collection.aggregate([
            {'$match': {'assetstoreId': {'$in': list(usable)}, 'sha512': {'$type': 'string'},
                        'size': {'$type': 'number'}}}, *sample]):
        store = usable[file['assetstoreId']]
        try:
            digest = store.sha512(file)
        except (GirderBaseException, OSError):
            continue  # the check of lost bytes reports it
        yield from filter(None, [bytes_finding(file, store.place(file), Bytes(None, digest))])


def replaced(_options: Options) -> Iterator[Finding]:
    """Replaced files that were not removed in time."""
    late = File().find({keys.DETACHED: {'$lt': clock.now() - file_removal.GRACE - timedelta(hours=1)}}).count()
    if late:
        yield Finding(WARNING, f'{late} files that were replaced more than an hour ago still exist.',
                      'Use --fix; a running server removes them too, every ten minutes.', file_removal.sweep)


def uploads(_options: Options) -> Iterator[Finding]:
    """Uploads that stopped more than a day ago, and bytes that uploads have left."""
    for upload in Upload().find({'updated': {'$lt': clock.now() - ABANDONED}}):
        yield Finding(WARNING, f'The upload of {file_name(upload)} stopped on {upload["updated"]:%Y-%m-%d} after '
                               f'{upload["received"]} of {upload["size"]} bytes.',
                      'Use --fix, which cancels it; clients begin such an upload anew.',
                      partial(stored_uploads.cancel, upload))
    for store in stores.every_store():
        for leftover in _reachable(store.leftovers(ABANDONED)):
            yield Finding(WARNING, f'{leftover.place} belongs to no upload.', leftover.remedy, leftover.remove)


def unused(_options: Options) -> Iterator[Finding]:
    """Bytes in stores that belong to no file."""
    for store in stores.every_store():
        for leftover in _reachable(store.unused(ABANDONED)):
            yield Finding(WARNING, f'No file refers to {leftover.place} ({leftover.size} bytes).', leftover.remedy,
                          leftover.remove)


def _reachable(leftovers: Iterator[Leftover]) -> Iterator[Leftover]:
    """Yield ``leftovers`` as long as their store can be reached; the check of lost bytes reports one that cannot."""
    try:
        yield from leftovers
    except (Unavailable, BadGateway):
        return
