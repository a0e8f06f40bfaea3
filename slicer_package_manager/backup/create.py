"""Makes one backup of a live database and its assetstores; see the package for why it fits together."""
from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import bson
from bson.objectid import ObjectId
from girder.constants import AssetstoreType

import slicer_package_manager
from slicer_package_manager.backup import document_index, dump_files, live_database, manifest, objects, sources
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.document_index import Content, DocumentIndex
from slicer_package_manager.backup.dump_files import Written
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.backup.progress import Advance, Steps

#: How often what was deleted while we copied is read again.
_ROUNDS = 20
#: Of lost files and of notes in a manifest, at most; the command that makes the backup names them all.
_MESSAGES = 5000
#: How the documents come to fit together.
_ONE_MOMENT, _IN_ORDER = 'read as of one moment', 'read in order, and again what did not fit'


@dataclass
class Result:
    """A backup that was made.

    ``copied`` and ``shared`` are numbers of objects and bytes that are new, and that were there before; ``left_out``
    names files that the database speaks of and whose bytes are lost; ``notes`` is what else to know.
    """

    backup: Backup | None = None
    documents: int = 0
    files: int = 0
    copied: list[int] = field(default_factory=lambda: [0, 0])
    shared: list[int] = field(default_factory=lambda: [0, 0])
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def create_backup(
        database, directory: Directory, steps: Steps, *, include_s3: bool = False, check: bool = False) -> Result:
    """Make a backup of ``database`` and the files of its filesystem assetstores; the caller holds ``directory``.

    :param include_s3: those in object storage too.
    :param check: read the objects that are there already, and replace those that are damaged.
    :raises BackupError: it cannot be made; then none is listed.
    :raises OSError: a directory cannot be read or written.
    """
    place = directory.begin()
    buckets = [str(one['_id']) for one in database['assetstore'].find({'type': AssetstoreType.S3})] * include_s3
    with document_index.opened(buckets) as index:
        maker = _Maker(database, directory, place, index, steps, check)
        maker.buckets = buckets
        maker.read_documents()
        maker.copy_contents()
        collections = maker.write_documents()
        contents = dump_files.write(place.contents, _lines(index))
    maker.result.files = contents.entries
    manifest.write(place.path, maker.manifest(collections, contents))
    maker.result.backup = directory.finish(place)
    return maker.result


def _lines(index: DocumentIndex) -> Iterator[bytes]:
    return (json.dumps(row).encode() + b'\n' for row in index.kept())


class _Maker:
    def __init__(self, database, directory: Directory, place: Backup, index: DocumentIndex, steps: Steps, check: bool,
                 ) -> None:
        self.database, self.directory, self.place = database, directory, place
        self.index, self.steps, self.check = index, steps, check
        self.result = Result()
        self.written: dict[str, Written] = {}
        self.stores: list[dict[str, Any]] = []
        self.buckets: list[str] = []
        self.sources: dict[str, sources.Source] = {}
        self.consistency = _IN_ORDER

    def read_documents(self) -> None:
        """Read all collections, make them fit together, and look which assetstores there are."""
        names = live_database.collections(self.database)
        total = sum(self.database[name].estimated_document_count() for name in names)
        with (self.steps('Reading the database', total, False) as advance,
              live_database.moment(self.database) as snapshot):
            session, self.consistency = snapshot, _ONE_MOMENT if snapshot else _IN_ORDER
            for name in names:
                try:
                    self._read(name, session, advance)
                except live_database.TooOldError:  # the order of the collections is what counts from here on
                    session, self.consistency = None, _IN_ORDER
                    self._read(name, session, advance)
        live_database.reconcile(self.database, self.index)
        for store in self.database['assetstore'].find({}):
            self._learn_store(store)

    def _read(self, name: str, session, advance: Advance) -> None:
        raws = live_database.learn(self.index, name, live_database.documents(self.database[name], session))
        self.written[name] = dump_files.write(self.place.collection(name), _told(raws, advance))

    def _learn_store(self, store) -> None:
        identifier = str(store['_id'])
        told = {key: store.get(key) for key in ('name', 'type', 'root', 'bucket', 'prefix', 'current')}
        if store['type'] != AssetstoreType.S3 or identifier in self.buckets:
            source = self.sources[identifier] = sources.of(store)
            told['root'] = str(source)
            self.index.add_store(identifier, str(source))
        self.stores.append(told | {'id': identifier})

    def copy_contents(self) -> None:
        """Copy what files speak of; what was deleted meanwhile is looked up again, what is lost is left out."""
        for _ in range(_ROUNDS):
            missing = self._copy_all()
            if not missing:
                break
            news = [live_database.refresh(self.database, self.index, 'file', one)
                    for content in missing for one in self.index.files_at(content)]
            live_database.reconcile(self.database, self.index)
            if not any(news) and {*missing} == {*self.index.contents()}:
                break
        self._leave_out_what_is_lost()
        self._note_elsewhere()

    def _copy_all(self) -> list[Content]:
        contents = self.index.contents
        wanted = sum(one.size for one in contents() if not self._there(one))
        free = shutil.disk_usage(self.directory.path).free
        if wanted > free:
            raise BackupError(f'{self.directory.path} has {free} bytes left, and {wanted} are to be copied there. Make '
                              'room, or take another directory.')
        with self.steps('Copying files', wanted, True) as advance:
            return [one for one in contents() if not self._copy(one, advance)]

    def _there(self, content: Content) -> bool:
        return not content.imported and self.directory.objects.has(content.sha512, content.size)

    def _whole(self, content: Content) -> bool:
        return not self.check or self.directory.objects.problem(str(content.sha512), content.size) is None

    def _copy(self, content: Content, advance: Advance) -> bool:
        """Have ``content`` in the directory; tells whether it is."""
        if self._there(content) and self._whole(content):
            self.index.keep(content, str(content.sha512))
            _count(self.result.shared, content)
            return True
        try:
            with self.sources[content.store].opened(content) as source:
                digest = self.directory.objects.put(source, advance)
        except FileNotFoundError:
            return False
        self.index.keep(content, digest)
        _count(self.result.copied, content)
        if content.imported:
            self._take_in(content, digest)
        elif content.sha512 is None:
            self._change(content, {'sha512': digest})
        elif digest != content.sha512:
            where = f'{self.sources[content.store]}/{content.path}'
            self.result.notes.append(f'The bytes of "{content.name}" ({where}) do not have the checksum that the '
                                     'database tells. They are in the backup as they are; run the doctor.')
        return True

    def _take_in(self, content: Content, digest: str) -> None:
        """Have the documents of an imported file, which lies outside of its assetstore, speak of it as of any other."""
        path = objects.address(digest)
        self._change(content, {'sha512': digest, 'path': path}, without=('imported', 'mtime'))
        self.index.keep(content._replace(path=path), digest)

    def _change(self, content: Content, values: dict[str, str], *, without: tuple[str, ...] = ()) -> None:
        """Have the documents of the files at ``content`` in the backup with ``values``."""
        for identifier in self.index.files_at(content):
            document = self.database['file'].find_one({'_id': ObjectId(identifier)})
            if document:
                kept = {key: value for key, value in document.items() if key not in without}
                self.index.amend('file', identifier, {**kept, **values})

    def _leave_out_what_is_lost(self) -> None:
        """Have no file in the backup without its bytes, and have all packages tell the truth about theirs."""
        for content in list(self.index.contents()):
            files = self.index.files_at(content)
            self.result.left_out.append(f'"{content.name}" (file {", ".join(files)}): its {content.size} bytes are not '
                                        f'at {content.path}')
            for identifier in files:
                self.index.amend('file', identifier, None)
        for identifier, true in self.index.untrue():
            item = bson.decode(self._item(identifier))
            item['spm']['ready'], item['meta']['sha512'], item['size'] = true
            self.index.amend('item', identifier, item)

    def _item(self, identifier: str) -> bytes:
        """The item as it is in the backup so far."""
        changed = self.index.amended('item', identifier)
        if changed and changed[0]:
            return changed[0]
        return next(dump_files.encoded(one) for one in dump_files.documents(self.place.collection('item'))
                    if str(one['_id']) == identifier)

    def _note_elsewhere(self) -> None:
        names = {store['id']: store for store in self.stores}
        for identifier, files in self.index.elsewhere():
            store = names.get(identifier)
            where = f'in the bucket {store["bucket"]} of "{store["name"]}"' if store else 'in no known assetstore'
            self.result.notes.append(f'{files} files lie {where}; the backup has their documents, not their bytes. '
                                     '--include-s3 copies them too.')

    def write_documents(self) -> dict[str, Written]:
        """Write the collections anew to which something was changed after they were read."""
        for name in self.written:
            changes = self.index.amendments(name)
            if changes:
                path = self.place.collection(name)
                path = path.rename(path.with_suffix('.old'))
                self.written[name] = dump_files.write(self.place.collection(name), _amended(path, changes))
                path.unlink()
        return self.written

    def manifest(self, collections: dict[str, Written], contents: Written) -> dict[str, Any]:
        """What the manifest says of this backup."""
        self.result.documents = sum(one.entries for one in collections.values())
        return {
            'created': datetime.now(timezone.utc).isoformat(timespec='seconds'),
            'version': slicer_package_manager.__version__,
            'mongodb': self.database.client.server_info()['version'],
            'consistency': self.consistency,
            'collections': {name: one._asdict() for name, one in collections.items()},
            'contents': contents._asdict(),
            'assetstores': self.stores,
            'left_out': _bounded(self.result.left_out),
            'notes': _bounded(self.result.notes),
        }


def _told(raws: Iterator[bytes], advance: Advance) -> Iterator[bytes]:
    for raw in raws:
        yield raw
        advance(1)


def _bounded(messages: list[str]) -> list[str]:
    """``messages``, not so many that the manifest could not be read any more."""
    more = len(messages) - _MESSAGES
    return messages if more <= 0 else [*messages[:_MESSAGES], f'and {more} more']


def _count(pair: list[int], content: Content) -> None:
    pair[0] += 1
    pair[1] += content.size


def _amended(path: Path, changes: dict[str, bytes | None]) -> Iterator[bytes]:
    """The documents in the file ``path`` with ``changes``, of which those are new that it does not have."""
    rest = dict(changes)
    for document in dump_files.documents(path):
        raw = rest.pop(str(document['_id']), dump_files.encoded(document))
        if raw is not None:
            yield raw
    yield from (raw for raw in rest.values() if raw is not None)
