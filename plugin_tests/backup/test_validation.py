"""Forged backups: no file outside of the directories of the command is read or written."""
import gzip
import json
import tracemalloc
from pathlib import Path

import bson
import pytest
from bson.objectid import ObjectId

from slicer_package_manager.backup import dump_files, manifest, validation
from slicer_package_manager.backup.errors import BackupError, DamagedError

STORE = {'id': 'a' * 24, 'name': 'files', 'type': 0, 'root': '/srv', 'bucket': None, 'prefix': None, 'current': True}
WRITTEN = {'entries': 1, 'size': 1, 'sha256': 'b' * 64}
FACTS = {'created': '', 'version': '1', 'collections': {'item': WRITTEN}, 'contents': WRITTEN, 'assetstores': [STORE],
         'left_out': [], 'notes': []}
DIGEST = 'c' * 128


def read(path, **changes):
    manifest.write(path, {**FACTS, **changes})
    return manifest.read(path)


def test_a_manifest_as_it_is_written_is_read(tmp_path):
    assert read(tmp_path)['collections'] == FACTS['collections']


@pytest.mark.parametrize('changes', [
    *({'assetstores': [{**STORE, 'id': one}]} for one in (
        '../../etc', '/etc', '', 'a' * 23, 'A' * 24, 'a' * 24 + '\n', 'a\0' * 12, 5, None, [], {}, '..')),
    {'assetstores': [STORE, STORE]}, {'assetstores': {}}, {'assetstores': [1]}, {'assetstores': None},
    {'assetstores': [{**STORE, 'type': True}]}, {'assetstores': [{**STORE, 'root': 5}]},
    {'assetstores': [{**STORE, 'type': 99}]},
    *({'collections': {one: WRITTEN}} for one in ('../x', '/etc/passwd', 'a/b', '', 'a\0', 'system.users', '.',
                                                  'x' * 300)),
    {'collections': []}, {'collections': {'item': None}},
    *({'contents': {**WRITTEN, 'size': one}} for one in (-1, 10 ** 40, 1.5, '1', None, True)),
    {'contents': {**WRITTEN, 'sha256': 5}}, {'left_out': 'x'}, {'notes': [1]}], ids=str)
def test_a_manifest_with_other_values_is_damaged(tmp_path, changes):
    if 'assetstores' in changes and not isinstance(changes['assetstores'], list):
        with pytest.raises((DamagedError, TypeError, AttributeError)):
            read(tmp_path, **changes)
        return
    with pytest.raises((DamagedError, TypeError)):
        read(tmp_path, **changes)


@pytest.mark.parametrize('text', ['[]', '5', 'null', '"x"', '{}', '[' * 100_000, '{"format": 1, "sha256": 1}', ''])
def test_a_manifest_that_is_none_is_damaged(tmp_path, text):
    (tmp_path / manifest.NAME).write_text(text)
    with pytest.raises(DamagedError):
        manifest.read(tmp_path)


def test_a_manifest_behind_a_symbolic_link_is_not_read(tmp_path):
    (tmp_path / 'elsewhere').mkdir()
    manifest.write(tmp_path / 'elsewhere', FACTS)
    (tmp_path / manifest.NAME).symlink_to(tmp_path / 'elsewhere' / manifest.NAME)
    with pytest.raises(BackupError, match='symbolic link'):
        manifest.read(tmp_path)


@pytest.mark.parametrize('row', [
    *([DIGEST, 1, STORE['id'], one] for one in (
        '/etc/passwd', '../x', 'ab/../../x', '..', '', '.', 'a\0b', 'a//b', './a', 'a/', '\\x', 5, None)),
    [DIGEST, 1, 'b' * 24, 'ab'], [DIGEST, 1, [], 'ab'], ['../x', 1, STORE['id'], 'ab'], [5, 1, STORE['id'], 'ab'],
    [DIGEST, -1, STORE['id'], 'ab'], [DIGEST, 10 ** 30, STORE['id'], 'ab'], [DIGEST, '1', STORE['id'], 'ab'],
    [DIGEST, 1, STORE['id']], [DIGEST, 1, STORE['id'], 'ab', 1], {}, 'x', None], ids=str)
def test_an_entry_that_leads_elsewhere_is_refused(row):
    with pytest.raises(BackupError):
        validation.require_entry(row, {STORE['id']}, set())


def test_an_entry_within_its_assetstore_is_not_refused():
    validation.require_entry([DIGEST, 1, STORE['id'], f'cc/cc/{DIGEST}'], {STORE['id']}, set())


@pytest.mark.parametrize('link', ['ab', 'ab/cd', 'ab/cd/file'])
def test_symbolic_links_are_not_followed(tmp_path, link):
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'root' / link).parent.mkdir(parents=True)
    (tmp_path / 'root' / link).symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(BackupError, match='symbolic link'):
        validation.require_within(tmp_path / 'root', 'ab/cd/file')


def packed(path: Path, *pieces: bytes):
    with gzip.open(path, 'wb') as file:
        for piece in pieces:
            file.write(piece)
    return path


@pytest.mark.parametrize('bomb', [
    pytest.param((b'x' * 2 ** 20,) * 20, id='one line'),
    pytest.param((b'[1]\n' * 2 ** 18,) * 20, id='many lines')])
def test_a_list_that_unpacks_to_very_much_is_refused(tmp_path, bomb):
    path = packed(tmp_path / 'contents.gz', *bomb)
    tracemalloc.start()
    with pytest.raises(BackupError):
        for _ in dump_files.lines(path):
            pass
    assert tracemalloc.get_traced_memory()[1] < 10 * 2 ** 20
    tracemalloc.stop()


@pytest.mark.parametrize('size', [-1, 0, 4, 2 ** 31 - 1, 200 * 2 ** 20])
def test_a_document_of_an_impossible_size_is_refused(tmp_path, size):
    path = packed(tmp_path / 'x.gz', size.to_bytes(4, 'little', signed=True), *(b'\0' * 2 ** 20,) * 10)
    with pytest.raises(BackupError):
        list(dump_files.documents(path))


def test_documents_are_read_as_they_were_written(tmp_path):
    found = [bson.encode({'_id': ObjectId(), 'n': number}) for number in range(3)]
    dump_files.write(tmp_path / 'x.gz', found)
    assert [one.raw for one in dump_files.documents(tmp_path / 'x.gz')] == found
    assert json.dumps([one['n'] for one in dump_files.documents(tmp_path / 'x.gz')]) == '[0, 1, 2]'
