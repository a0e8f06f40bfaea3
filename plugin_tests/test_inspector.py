"""The inspection of archives in a process of its own: by the rules of the client, with bounds for hostile ones."""
import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import pytest

from plugin_tests.waiting import PATIENCE
from slicer_package_manager import inspector
from slicer_package_manager.inspection.contents import Facts

pytestmark = pytest.mark.process

NAME = '33000-linux-amd64-Foo-git1-2026-11-01.tar.gz'
TOP = NAME.removesuffix('.tar.gz')
FACTS = Facts(is_extension=True, file_name=NAME, name='Foo', os='linux', arch='amd64')
ELF = b'\x7fELF\x02\x01' + bytes(12) + struct.pack('<H', 0x3E) + bytes(40)


def tarred(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w') as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)


def zipped(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


@pytest.fixture
def problems(tmp_path):
    def inspect(content, facts=FACTS):
        path = tmp_path / 'archive'
        path.write_bytes(content)
        with path.open('rb') as stream:
            return [(one.level, one.message) for one in inspector.inspect(stream, facts)]
    return inspect


@pytest.mark.parametrize('pack', [tarred, zipped])
def test_a_good_archive_has_no_problems(problems, pack):
    assert problems(pack({f'{TOP}/lib/a.so': ELF, f'{TOP}/a.py': b'print()'})) == []


@pytest.mark.parametrize(('content', 'reason'), [
    (b'', 'is no archive'), (b'<html>', 'is no archive'), (b'MZ' + bytes(100), 'is no archive'),
    (tarred({}), 'is no archive'), (zipped({}), 'has no files'), (tarred({'Foo/a': b''}), 'top folder is "Foo"'),
    (tarred({f'{TOP}/a': b'', 'b': b''}), 'not all in one top folder'),
    (tarred({f'{TOP}/a.so': ELF.replace(b'\x3e', b'\xb7')}), 'none is for linux amd64'),
    (tarred({f'{TOP}/a': bytes(range(256)) * 900, f'{TOP}/b': b'x'})[:-200], 'cannot be read'),
    (zipped({f'{TOP}/a': bytes(range(256)) * 900})[50:], 'cannot be read')],
    ids=lambda value: value if isinstance(value, str) else '')
def test_each_error_is_named(problems, content, reason):
    [(level, message)] = problems(content)
    assert (level, reason in message) == ('error', True), message


def test_several_errors_are_all_named(problems):
    found = problems(tarred({'Foo/a.so': ELF.replace(b'\x3e', b'\xb7')}))
    assert [level for level, _ in found] == ['error'] * 2


def test_packages_may_be_installers(problems):
    assert problems(b'MZ' + bytes(100), Facts(is_extension=False, file_name='Slicer.exe', name='Slicer')) == []
    [(_, message)] = problems(b'x', Facts(is_extension=False))
    assert message == 'It is no archive and no installer.'


def test_names_in_messages_are_short_and_printable(problems):
    [(_, message)] = problems(tarred({'\x1b[31m' + 'x' * 5000 + '/a': b''}))
    assert message.isprintable()
    assert len(message) < 500


# Hostile archives

def test_an_encrypted_file_and_one_without_a_name_are_no_failures(problems):
    [(_, message)] = problems(zipped({f'{TOP}/a': b'x'}).replace(b'PK\1\2\x14\x03\x14\0\0', b'PK\1\2\x14\x03\x14\0\1'))
    assert 'cannot be read: File' in message
    assert 'encrypted' in message
    [(_, message)] = problems(zipped({f'{TOP}/a': b'x'}).replace(f'{TOP}/a'.encode(), bytes(len(TOP) + 2)))
    assert 'not all in one top folder' in message


def bomb(head, megabytes):
    """A file in gzip with ``head`` and many zeros, of which each megabyte takes a kilobyte."""
    packer = zlib.compressobj(wbits=31)
    begun = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return begun + zeros * megabytes


def test_a_bomb_of_time_is_refused(problems, monkeypatch):
    monkeypatch.setattr(inspector, 'SECONDS', 2)
    monkeypatch.setattr(inspector, 'PATIENCE', PATIENCE)
    header = tarfile.TarInfo(f'{TOP}/zeros')
    header.size = 64 << 30
    assert problems(bomb(header.tobuf(), 64 << 10)) == [('error', 'Its contents cannot be read within 2 seconds.')]


def test_a_program_that_does_not_end_is_ended(problems, monkeypatch):
    monkeypatch.setattr(inspector, 'PATIENCE', 0.01)
    assert problems(tarred({f'{TOP}/a': b''})) == [('error', 'Its contents cannot be read within 60 seconds.')]


def test_a_bomb_of_memory_is_refused(problems, monkeypatch):
    monkeypatch.setattr(inspector, 'PATIENCE', PATIENCE)
    monkeypatch.setattr(inspector, 'MEMORY', 200 << 20)
    header = tarfile.TarInfo('././@PaxHeader')
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    assert problems(bomb(header.tobuf(), 400)) == [('error', 'Its contents cannot be read with 200 MiB of memory.')]


def test_a_directory_of_very_many_files_is_refused(problems, monkeypatch):
    monkeypatch.setattr(inspector, 'PATIENCE', PATIENCE)
    monkeypatch.setattr(inspector, 'MEMORY', 200 << 20)
    content, count = zipped({'a': b''}), 600_000
    start, end = content.index(b'PK\x01\x02'), content.index(b'PK\x05\x06')
    directory = content[start:end] * count
    last = (struct.pack('<4sQHHIIQQQQ', b'PK\x06\x06', 44, 45, 45, 0, 0, count, count, len(directory), start)
            + struct.pack('<4sIQI', b'PK\x06\x07', 0, start + len(directory), 1)
            + struct.pack('<4sHHHHIIH', b'PK\x05\x06', 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    assert problems(content[:start] + directory + last) == [
        ('error', 'Its contents cannot be read with 200 MiB of memory.')]


def test_a_program_that_does_not_start_is_no_problem_of_the_archive(problems, monkeypatch):
    monkeypatch.setattr(inspector, 'PROGRAM', 'slicer_package_manager.nothing')
    with pytest.raises(OSError, match='ended with status'):
        problems(tarred({f'{TOP}/a': b''}))
