"""What the database and the disk have, compared with the model."""
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from girder.models.file import File
from girder.models.folder import Folder
from girder.models.upload import Upload

from plugin_tests.simulation import model as plain
from slicer_package_manager.doctor import download_counts, file_bytes, packages, registrations, server, sizes
from slicer_package_manager.doctor.findings import Options
from slicer_package_manager.registry.downloads import counts
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.storage.filesystem import ASIDE
from slicer_package_manager.registry.tree import item_files

_PLACE = ('role', 'app', 'channel', 'draft', 'revision', 'release')
_ITEM = ('kind', 'app', 'channel', 'draft', 'release', 'identity', 'ready')
#: The metadata that the model has, also of items that are no packages where they are.
_META = ('sha512', 'version', 'release', 'baseName', 'os', 'arch', 'revision', 'app_revision')
_CHECKS = (download_counts.wrong_counts, download_counts.wrong_sums, registrations.duplicates, server.missing_indexes,
           registrations.wrong_registrations, packages.contradictions, registrations.orphans, file_bytes.lost,
           file_bytes.changed)


class DifferError(Exception):
    """The database has something else than the model."""


class Observed(NamedTuple):
    folders: dict
    items: dict
    files: dict


#: What the model is about, by one command: of folders, then of items, and of files that belong to an item.
_EVERYTHING = [
    {'$project': {'parentId': 1, 'name': 1, 'spm': 1, 'meta.revision': 1, 'meta.ready': 1}},
    {'$unionWith': {'coll': 'item', 'pipeline': [{'$project': {
        'folderId': 1, 'name': 1, 'spm': 1, 'size': 1, **dict.fromkeys((f'meta.{key}' for key in _META), 1)}}]}},
    {'$unionWith': {'coll': 'file', 'pipeline': [{'$match': {'itemId': {'$ne': None}}}, {'$project': {
        'itemId': 1, 'name': 1, 'sha512': 1, 'linkUrl': 1, 'size': 1, 'created': 1}}]}}]


def observe(database):
    """The documents that the model is about, by id; files by the ids of their items, that for readers first."""
    seen = Observed({}, {}, {})
    for one in database.folder.aggregate(_EVERYTHING, batchSize=1000):
        if 'itemId' in one:
            seen.files.setdefault(one['itemId'], []).append(one)
        else:
            (seen.folders if 'parentId' in one else seen.items)[one['_id']] = one
    for some in seen.files.values():
        some.sort(key=lambda file: (file['created'], file['_id']))
    return seen


class _Comparison:
    def __init__(self, model, seen):
        self.model, self.seen = model, seen
        self.ids = {number: model.ids[number] for number in (plain.PACKAGES, plain.ELSEWHERE)}
        # A file gets the id of its upload, which is no node here.
        self._known = {model.ids.get(number) for number in (*model.folders, *model.items, *model.files)}
        self.moments = {}
        self._folders = {(one['parentId'], one['name']): one for one in seen.folders.values()}
        self._items = {(one['folderId'], one['name']): one for one in seen.items.values()}

    def run(self):
        for root in (plain.PACKAGES, plain.ELSEWHERE):
            for folder in self.model.below(root)[1:]:
                self._find(folder, self._folders, self.model.folders[folder].parent, self.model.folders[folder].name)
        for number, item in self.model.items.items():
            self._find(number, self._items, item.folder, item.name)
        self._require('number of folders', len(self.seen.folders), len(self.model.folders))
        self._require('number of items', len(self.seen.items), len(self.model.items))
        for number in self.model.folders:
            self._folder(number)
        for number in self.model.items:
            self._item(number)
        self._require('number of items with files', len(self.seen.files),
                      sum(bool(one.files) for one in self.model.items.values()))
        return self

    def _find(self, number, documents, parent, name):
        found = documents.get((self.ids[parent], name))
        self._require(f'{name!r} in {parent}', bool(found), True)
        self._bind(number, found, repr(name))

    def _bind(self, number, found, what):
        """Require that ``found`` is the node ``number``, and if that is new, none of those that were there before."""
        known = self.model.ids.get(number)
        if known is None:
            self._require(f'whether {what} is a new one', found['_id'] not in self._known, True)
        else:
            self._require(f'the id of {what}', found['_id'], known)
        self.ids[number] = found['_id']

    def _require(self, what, seen, expected):
        if seen != expected:
            raise DifferError(f'{what}: {seen}, not {expected}')

    def _folder(self, number):
        found, folder = self.seen.folders[self.ids[number]], self.model.folders[number]
        self._require(f'the registration of {folder}', self._registration(found, _PLACE), self._place(number))
        self._require(f'the metadata of {folder}', [found.get('meta', {}).get(key) for key in ('revision', 'ready')],
                      [folder.revision, folder.ready])

    def _registration(self, document, keys):
        registration = document.get('spm')
        return registration and tuple(registration.get(key) for key in keys)

    def _place(self, number):
        place = self.model.place(number)
        if place is None:
            return None
        ids = [one if one is None else self.ids[one] for one in (place.app, place.channel)]
        return (place.role, *ids, place.draft, place.revision, place.release)

    def _item(self, number):
        found, item = self.seen.items[self.ids[number]], self.model.items[number]
        files = [self.model.files[one] for one in item.files]
        stored = self.seen.files.get(found['_id'], [])
        self._require(f'the files of {item}', [_as_stored(file) for file in stored],
                      [_as_expected(file) for file in files])
        for one, file in zip(item.files, stored, strict=True):
            self._file(one, file)
        self._require(f'the registration of {item}', self._item_registration(found), self._expected(number))
        meta, place = found['meta'], self.model.place(item.folder)
        release = (place.release or None) if place and item.type == plain.PACKAGE else meta.get('release')
        self._require(f'the metadata of {item}', (meta.get('version', item.version), meta.get('release')),
                      (item.version, release))
        self._require(f'the identity of {item}', tuple(meta.get(key) for key in PACKAGE_TYPES[item.type].identity),
                      item.identity)
        if self.model.is_package(number):
            self._require(f'the checksum of {item}', meta['sha512'], _checksum(files[0]) if files else '')
            self._require(f'the size of {item}', found['size'], sum(_size(file) for file in files))

    def _file(self, number, found):
        """Two states may differ in nothing but which of two equal files there is, or which is the newer one."""
        self._bind(number, found, f'the file {number}')
        age, created = self.model.files[number].age, found['created']
        before = self.model.moments.get(number, (age, created))
        self._require(f'whether the file {number} has the age of before', created == before[1], age == before[0])
        self.moments[number] = age, created

    def _item_registration(self, found):
        return self._registration(found, _ITEM)

    def _expected(self, number):
        item = self.model.items[number]
        place = self.model.place(item.folder)
        if self.model.type_in(item.folder) is None:
            return None
        identity = str(list(item.identity)).replace("'", '"')
        return (item.type, self.ids[place.app], self.ids[place.channel], place.draft, place.release, identity,
                bool(item.files))


def _as_stored(file):
    return file['name'], file.get('linkUrl') or file['sha512'], file.get('size', 0)


def _as_expected(file):
    return file.name, file.content if file.is_link else _checksum(file), _size(file)


def _checksum(file):
    return '' if file.is_link else hashlib.sha512(file.content).hexdigest()


def _size(file):
    return 0 if file.is_link else len(file.content)


def bind(model, seen):
    """Compare ``model`` with what was seen, and give it the ids of its new nodes.

    :raises DifferError: they differ.
    """
    compared = _Comparison(model, seen).run()
    model.ids.update(compared.ids)
    model.moments.update(compared.moments)


def counts_of(database):
    """The counts by their keys."""
    return {tuple(one[key] for key in counts._KEY): one['count']
            for one in database.slicer_package_download.find({'kind': counts.COUNTS})}


def findings():
    """What the doctor finds in the data."""
    return [finding.what for check in _CHECKS for finding in check(Options(None))]


def require_clean(world):
    """Check what is true of any database that no process works on: what the doctor looks for, and all bytes.

    Abandoned uploads and replaced files are removed before.
    """
    assert findings() == []
    assert [one for one in Upload().find({}) if item_files.of_upload(one)] == []
    assert list(File().find({'itemId': None})) == []


def require_no_bytes_left(world):
    """Check that the files on the disk are those of documents."""
    wanted = {world.root / file['path'] for file in File().find({'path': {'$exists': True}})}
    left = {path for path in world.root.rglob('*')
            if path.is_file() and path.suffix != '.deleteLock' and path.parent.name != ASIDE}
    assert wanted - left == set()
    assert left - wanted - _of_uploads(world) == set()


def put_unused_bytes_aside(world):
    """Do as the doctor does with the bytes of a file that was being erased during a crash."""
    for leftover in list(world.store().unused(timedelta(days=-1))):
        leftover.remove()


def _of_uploads(world):
    """The bytes of uploads to what is no package: those stay."""
    found = list(Upload().find({}))
    stored = {one['sha512'] for one in found if 'sha512' in one}
    return {Path(one['tempFile']) for one in found} | {path for path in world.root.rglob('*') if path.name in stored}


def require_sizes(world, *, has_crashed):
    """Check that each folder states the size of its items; after a crash, those that the doctor corrects."""
    query = {'spm.role': {'$exists': True}} if has_crashed else {}
    for finding in sizes.wrong_sizes(Options(None)) if has_crashed else ():
        finding.repair()
    true = {one['_id']: one['size'] for one in world.database.item.aggregate([
        {'$group': {'_id': '$folderId', 'size': {'$sum': '$size'}}}])}
    wrong = {one['name']: (one['size'], true.get(one['_id'], 0)) for one in Folder().find(query)
             if one['size'] != true.get(one['_id'], 0)}
    assert wrong == {}
