"""Forged backups with valid checksums are refused before anything changes, in little memory."""
import hashlib
import json
import os
import subprocess
import sys

import bson
import pytest
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument

from slicer_package_manager import file_copies
from slicer_package_manager.backup import dump_files, manifest, projection, restore, validation
from slicer_package_manager.backup.directory import Directory
from slicer_package_manager.backup.errors import BackupError, DamagedError
from slicer_package_manager.backup.verify import verify_backup
from slicer_package_manager.progress import silent

STORE = {'id': 'a' * 24, 'name': 'files', 'type': 0, 'root': '/srv', 'bucket': None, 'prefix': None, 'current': True}
BYTES = b'content'
DIGEST = hashlib.sha512(BYTES).hexdigest()
PATH = file_copies.address(DIGEST)
ASSETSTORE = {'_id': ObjectId(STORE['id']), 'type': 0, 'name': 'files', 'root': '/srv', 'current': True}
FILE = {'_id': ObjectId('b' * 24), 'itemId': None, 'assetstoreId': ASSETSTORE['_id'], 'path': PATH, 'sha512': DIGEST,
        'size': len(BYTES), 'name': 'file.tar.gz'}
ENTRY = (DIGEST, len(BYTES), STORE['id'], PATH)
MEMORY = 100 * 2 ** 20


@pytest.fixture
def forge(tmp_path):
    """A maker of backups with documents by collections, given as dictionaries or bytes."""
    place = Directory(tmp_path / 'backups')

    def maker(contents=(ENTRY,), stores=(STORE,), **collections):
        path = place.objects.path(DIGEST)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BYTES)
        partial = place.begin()
        given = {'file': [FILE], 'assetstore': [ASSETSTORE], **collections}
        written = {name: dump_files.write(partial.collection(name), (
            one if isinstance(one, bytes) else bson.encode(one) for one in documents))
            for name, documents in given.items()}
        lines = dump_files.write(partial.contents, ((json.dumps(row) + '\n').encode() for row in contents))
        manifest.write(partial.path, {
            'created': '', 'version': '1', 'collections': written, 'contents': lines,
            'assetstores': list(stores), 'left_out': [], 'notes': []})
        return place, place.finish(partial)
    return maker


def test_what_is_not_forged_is_whole(forge):
    assert verify_backup(*forge(), silent)['assetstores'] == [STORE]


FORGED = {
    'a store that the manifest does not name':
        {'assetstore': [ASSETSTORE, {**ASSETSTORE, '_id': ObjectId(), 'root': '/'}]},
    'a store whose id is a text': {'assetstore': [ASSETSTORE, {**ASSETSTORE, '_id': STORE['id'], 'root': '/'}]},
    'a store that is there twice': {'assetstore': [ASSETSTORE, {**ASSETSTORE, 'root': '/'}]},
    'a store of another type': {'assetstore': [{**ASSETSTORE, 'type': 1}]},
    'a store whose type is a truth value': {'assetstore': [{**ASSETSTORE, 'type': False}]},
    'a store without a type': {'assetstore': [{'_id': ASSETSTORE['_id']}]},
    'a store without a directory': {'stores': [{**STORE, 'root': None}], 'contents': ()},
    **{f'a file that is imported: {one!r}': {'file': [{**FILE, 'path': '/etc/passwd', 'imported': one}]}
       for one in (True, 1, 'x', [1], {'a': 1}, b'x')},
    **{f'a file at {one!r}': {'file': [{**FILE, 'path': one}]}
       for one in ('/etc/passwd', '../../etc/passwd', f'./{PATH}', PATH + '/', '', 'x' * 5000, [PATH], {'a': PATH}, 5)},
    'an empty file elsewhere': {'file': [{**FILE, 'path': '/etc/passwd', 'size': 0}]},
    'a file that hides behind another of the same id':
        {'file': [{**FILE, 'path': '/etc/passwd'}, {**FILE, '_id': str(FILE['_id'])}]},
    'a file that is there twice': {'file': [{**FILE, 'path': '/etc/passwd'}, FILE]},
    'a file whose id is a document': {'file': [{**FILE, '_id': {'a': 1}}]},
    'a file with two paths': {'file': [bson.encode({**FILE, 'p4th': '/etc/passwd'}).replace(b'p4th', b'path')]},
    'an upload that writes elsewhere': {'upload': [{'_id': ObjectId(), 'tempFile': '/etc/passwd'}]},
    'a lock': {'slicer_package_manager_bootstrap': [{'_id': 'x'}]},
    'an entry elsewhere': {'contents': [(DIGEST, len(BYTES), STORE['id'], '../../etc/cron.d/x')]},
    'an entry in no store': {'contents': [(DIGEST, len(BYTES), 'c' * 24, PATH)]},
    'an object that is a path': {'contents': [('../../../etc/passwd', 7, STORE['id'], PATH)]},
    'a store that is a path': {'stores': [{**STORE, 'id': '../../etc'}]},
    'no document': {'file': [b'\x0c\0\0\0\x02a\0\xff\xff\xff\x7f\0']},
    'a value of a negative size': {'item': [b'\x0d\0\0\0\x02a\0\xf0\xff\xff\xff\0\0']},
    'a type that there is not': {'item': [b'\x08\0\0\0\x20a\0\0']},
    'a name without an end': {'item': [b'\x08\0\0\0\x02aaa']},
}


@pytest.mark.parametrize('forged', FORGED.values(), ids=FORGED)
def test_a_forged_backup_is_refused_before_anything_is_changed(forge, tmp_path, forged):
    target = restore.Target(None, tmp_path / 'data' / 'assetstore')
    with pytest.raises((DamagedError, BackupError)):
        restore.restore_backup(*forge(**forged), target, silent, replace=True)  # a database would be used at None
    assert not (tmp_path / 'data').exists()


@pytest.mark.parametrize('linked', ['data/assetstore', 'data/assetstore/temp', 'data/assetstores'])
def test_a_link_in_the_data_directory_is_not_followed_when_restoring(forge, tmp_path, linked):
    other = {**STORE, 'id': 'd' * 24, 'current': False}
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / linked).parent.mkdir(parents=True)
    (tmp_path / linked).symlink_to(tmp_path / 'elsewhere')
    backup = forge(stores=(STORE, other), assetstore=[ASSETSTORE, {**ASSETSTORE, '_id': ObjectId('d' * 24)}])
    with pytest.raises(BackupError, match='symbolic link'):
        restore.restore_backup(*backup, restore.Target(None, tmp_path / 'data' / 'assetstore'), silent, replace=True)
    assert list((tmp_path / 'elsewhere').iterdir()) == []


@pytest.mark.parametrize('linked', ['objects', f'objects/{PATH}', 'backups/{name}', 'backups/{name}/database',
                                    'backups/{name}/contents.gz', 'backups/{name}/database/file.bson.gz'])
def test_a_link_in_the_backup_is_not_followed(forge, tmp_path, linked):
    place, backup = forge()
    path = place.path / linked.format(name=backup.name)
    path.rename(tmp_path / 'elsewhere')
    path.symlink_to(tmp_path / 'elsewhere')
    with pytest.raises((DamagedError, BackupError), match='symbolic link'):
        verify_backup(place, backup, silent)


def test_an_assetstore_that_its_operator_put_behind_a_link_is_copied_from(tmp_path):
    from slicer_package_manager.backup import sources
    from slicer_package_manager.backup.file_index import FileBytes
    disk = tmp_path / 'larger-disk'
    (disk / PATH).parent.mkdir(parents=True)
    (disk / PATH).write_bytes(BYTES)
    (tmp_path / 'assetstore').symlink_to(disk)
    source = sources.of({**ASSETSTORE, 'root': str(tmp_path / 'assetstore')})
    with source.opened(FileBytes(STORE['id'], PATH, len(BYTES), DIGEST, 'x', False)) as stream:
        assert stream.read() == BYTES


def values(number, **first):
    """A document with very many values."""
    names = (f'{one:06x}'.encode() for one in range(number))
    body = bson.encode(first)[4:-1] + b''.join(b'\x0a' + name + b'\0' for name in names) + b'\0'
    return (len(body) + 4).to_bytes(4, 'little') + body


def nested(number, **first):
    """A document with a list of very many documents."""
    body = b''.join(b'\x03' + b'%06d' % one + b'\0' + b'\x05\0\0\0\0' for one in range(number)) + b'\0'
    inner = (len(body) + 4).to_bytes(4, 'little') + body
    body = bson.encode(first)[4:-1] + b'\x04path\0' + inner + b'\x04meta\0' + inner[:] + b'\0'
    return (len(body) + 4).to_bytes(4, 'little') + body


def repeated(number, make):
    return (make(one) for one in range(number))


BOMBS = {
    'many values': lambda: {'file': [values(1_900_000, **FILE)]},
    'many values of an assetstore': lambda: {'assetstore': [values(1_900_000, **ASSETSTORE)]},
    'many values of an item': lambda: {'item': [values(1_900_000, _id=ObjectId())]},
    'many lists': lambda: {'file': [nested(500_000, **FILE)]},
    'long names': lambda: {'file': repeated(12, lambda _: bson.encode(
        {**FILE, '_id': ObjectId(), 'name': 'x' * 15_000_000, 'path': ObjectId().binary.hex()}))},
    'a long id': lambda: {'file': repeated(10, lambda one: bson.encode(
        {**FILE, '_id': 'x' * 15_000_000 + str(one)}))},
    'long places': lambda: {'item': repeated(10, lambda _: bson.encode(
        {'_id': ObjectId(), 'spm': dict.fromkeys(('kind', 'app', 'channel', 'draft'), 'x' * 4_000_000)}))},
    'many documents': lambda: {'note': repeated(100_000, lambda _: bson.encode({'a': 'x' * 1000}))},
    'many packages without a file': lambda: {'item': repeated(100_000, lambda _: bson.encode(
        {'_id': ObjectId(), 'spm': {'kind': 'package', 'ready': True}}))},
}
MEASURE = """
import resource, sys
from pathlib import Path
from slicer_package_manager.backup import verify
from slicer_package_manager.backup.directory import Directory
from slicer_package_manager.backup.errors import BackupError
from slicer_package_manager.progress import silent
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
place = Directory(Path(sys.argv[1]))
before = peak()
try:
    verify.verify_backup(place, place.find(), silent)
except BackupError:
    pass
print(peak() - before)
"""


def memory(place):
    done = subprocess.run([sys.executable, '-c', MEASURE, str(place.path)], capture_output=True, text=True, check=True,
                          env={**os.environ, 'MALLOC_ARENA_MAX': '1'})
    return int(done.stdout)


@pytest.mark.process
@pytest.mark.parametrize('bomb', BOMBS.values(), ids=BOMBS)
def test_what_unpacks_to_very_much_is_read_in_little_memory(forge, bomb):
    place, _ = forge(**bomb())
    assert memory(place) < MEMORY


@pytest.mark.process
@pytest.mark.parametrize('value', ['[],', '{},', '0.1,', '"\U0001f600",'])
def test_a_manifest_of_very_many_values_is_read_in_little_memory(forge, value):
    place, backup = forge()
    many = value * ((validation.MAX_MANIFEST - 100) // len(value.encode()))
    (backup.path / manifest.NAME).write_text(f'[{many.rstrip(",")}]', encoding='utf-8')
    assert memory(place) < MEMORY


def test_a_restoration_stores_few_bytes_at_once():
    documents = [RawBSONDocument(bson.encode({'a': 'x' * 6_000_000})) for _ in range(7)]
    assert [len(batch) for batch in restore._batches(iter(documents))] == [2, 2, 2, 1]
    small = [RawBSONDocument(bson.encode({'a': number})) for number in range(1001)]
    assert [len(batch) for batch in restore._batches(iter(small))] == [500, 500, 1]


def test_values_are_picked_as_they_are_decoded():
    from datetime import datetime, timezone

    from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, Regex, Timestamp
    others = [1.5, 'text', {'a': 1}, [1], Binary(b'x', 5), ObjectId(), True, datetime(2026, 1, 1, tzinfo=timezone.utc),
              None, Regex('a', 'i'), DBRef('a', ObjectId()), Code('x'), Code('x', {'a': 1}), 5, Timestamp(1, 1),
              Int64(5), Decimal128('1'), MinKey(), MaxKey()]
    document = {f'before{number}': value for number, value in enumerate(others)} | {
        'n': 5, 's': 'ä' * 10, 'd': {'x': 1, 'y': 2, 'l': [1]}, 'l': [1], 'b': b'x', 'o': ObjectId('a' * 24),
        'none': None}
    wanted = {**dict.fromkeys(('n', 's', 'l', 'b', 'o', 'none', 'missing')), 'd': dict.fromkeys(('x', 'l'))}
    found = projection.projected(bson.encode(document), wanted)
    large = projection.LARGE
    assert found == {'n': 5, 's': 'ä' * 10, 'd': {'x': 1, 'l': large}, 'l': large, 'b': large,
                     'o': ObjectId('a' * 24), 'none': None}
