"""The check of files before an upload."""
import json
import struct
import sys

import pytest
from conftest import write_tar

from slicer_package_manager_client.inspection import binaries

NAME = '33000-linux-amd64-Foo-git1-2026-11-01.tar.gz'
TOP = '33000-linux-amd64-Foo-git1-2026-11-01'
COMPLETE = b'scm git\nscmurl https://x/foo.git\ncategory IGT\ndescription Text\n'


def elf(machine, order='<'):
    ident = b'\x7fELF\x02' + (b'\x01' if order == '<' else b'\x02') + bytes(12)
    return ident + struct.pack(f'{order}H', machine) + bytes(40)


def mach_o(cpu):
    return b'\xcf\xfa\xed\xfe' + struct.pack('<I', cpu) + bytes(40)


def universal(*cpus):
    return b'\xca\xfe\xba\xbe' + struct.pack('>I', len(cpus)) + b''.join(
        struct.pack('>I', cpu) + bytes(16) for cpu in cpus)


def pe(machine, start=128):
    return b'MZ' + bytes(58) + struct.pack('<I', start) + bytes(start - 64) + b'PE\0\0' + struct.pack('<H', machine)


AMD64, ARM64, I386 = (frozenset({arch}) for arch in ('amd64', 'arm64', 'i386'))


@pytest.mark.parametrize(('head', 'found'), [
    (elf(0x3E), ('linux', AMD64)), (elf(0xB7), ('linux', ARM64)), (elf(3), ('linux', I386)),
    (elf(0x3E, '>'), ('linux', AMD64)), (elf(8), ('linux', frozenset({'other'}))),
    (mach_o(0x01000007), ('macosx', AMD64)), (mach_o(0x0100000C), ('macosx', ARM64)),
    (universal(0x01000007, 0x0100000C), ('macosx', AMD64 | ARM64)),
    (pe(0x8664), ('win', AMD64)), (pe(0xAA64), ('win', ARM64)), (pe(0x14C, 256), ('win', I386)),
    (b'\xca\xfe\xba\xbe\0\0\0\x37' + bytes(40), None), (b'MZ' + bytes(100), None), (b'\x7fELF', None), (b'MZ', None),
    (b'#!/bin/sh', None), (b'', None), (b'\xca\xfe\xba\xbe\0\0\0\x02', None)])
def test_binaries_are_recognized(head, found):
    assert binaries.systems(head) == found


@pytest.mark.skipif(sys.platform != 'linux', reason='the binary of this Python is of another system')
def test_a_real_binary_is_recognized():
    with open(sys.executable, 'rb') as stream:  # noqa: PTH123
        assert binaries.systems(stream.read(binaries.HEAD))[0] == 'linux'


@pytest.fixture
def problems(invoke, make_archive):
    """The problems of an archive with the members, by their levels."""
    def check(members=None, *args, name=NAME, status=0):
        path = make_archive(name, {'Foo.s4ext': COMPLETE, **(members or {})})
        done = invoke('check', path, '--json', *args)
        assert done.exit_code == status, done.stderr + done.stdout
        return [(one['level'], one['message']) for one in json.loads(done.stdout)['files'][0]['problems']]

    return check


def test_a_good_archive_has_no_problems(problems):
    assert problems({'lib/a.so': elf(0x3E), 'a.py': b'print()'}) == []
    assert problems({'lib/a.dll': pe(0x8664)}, name=NAME.replace('linux', 'win').replace('tar.gz', 'zip')) == []
    assert problems({'lib/a.dylib': universal(0x01000007, 0x0100000C)}, name=NAME.replace(
        'linux-amd64', 'macosx-arm64')) == []


def test_binaries_for_another_system_are_an_error(problems):
    [(level, message)] = problems({'lib/a.so': elf(0xB7), 'lib/b.so': elf(0xB7)}, status=2)
    assert level == 'error'
    assert message == f'2 binaries are for linux arm64, such as "{TOP}/lib/a.so", and none is for linux amd64.'


def test_binaries_for_several_systems_are_a_warning(problems):
    [(level, message)] = problems({'lib/a.so': elf(0x3E), 'tools/b.exe': pe(0x8664)})
    assert (level, message) == ('warning', f'1 binaries are for win amd64, such as "{TOP}/tools/b.exe".')


def test_options_override_the_name(problems):
    assert problems({'a.dll': pe(0x8664)}, '--os', 'win') == []


def test_the_top_folder_is_named_as_the_archive(invoke, tmp_path):
    for files, message in (({'Foo/a': b''}, 'Its top folder is "Foo"'),
                           ({f'{TOP}/a': b'', 'b': b''}, 'not all in one top folder'),
                           ({f'{TOP}/a': b'', 'other/b': b''}, 'not all in one top folder')):
        write_tar(tmp_path / NAME, files)
        done = invoke('check', tmp_path / NAME)
        assert done.exit_code == 2
        assert message in done.stdout
    write_tar(tmp_path / NAME, {f'{TOP}/a': b''})
    done = invoke('check', tmp_path / NAME, '--name', 'Bar')
    assert (done.exit_code, 'does not have the name "Bar"' in done.stdout) == (2, True)


def test_metadata_are_complete_and_addresses_usable(problems):
    found = problems({'Foo.s4ext': b'scm git\nhomepage N/a\niconurl https://\nscmurl https://me:SECRET@x/y.git\n'})
    assert [level for level, _message in found] == ['warning'] * 4
    text = ' '.join(message for _level, message in found)
    for part in ('--category, --desc', '--homepage "N/a"', '--icon_url "https://"', '--repo_url has a user name'):
        assert part in text
    assert 'SECRET' not in text


def test_an_unknown_name_lacks_what_identifies_the_extension(problems):
    [(level, message)] = problems(name='Foo.tar.gz', status=2)
    assert (level, message) == ('error', 'Not given, or empty: --app_revision.')


def test_what_is_no_archive_or_not_there_is_an_error(invoke, tmp_path):
    (tmp_path / NAME).write_text('<html>')
    done = invoke('check', tmp_path / NAME, tmp_path / 'missing.tar.gz')
    assert done.exit_code == 2
    assert 'is no archive.' in done.stdout
    assert 'There is no such file.' in done.stdout
    (tmp_path / NAME).write_bytes(b"7z\xbc\xaf'\x1c")
    assert 'Its contents cannot be read' in invoke('check', tmp_path / NAME).stdout


def test_a_damaged_archive_is_reported(invoke, make_archive):
    path = make_archive(NAME, {'a': bytes(100000), 'b': bytes(range(256)) * 500})
    path.write_bytes(path.read_bytes()[:-300])
    assert 'Its contents cannot be read' in invoke('check', path).stdout


def test_a_package_has_a_revision_and_may_be_an_installer(invoke, tmp_path):
    path = tmp_path / 'Slicer-5.8.1-win-amd64.exe'
    path.write_bytes(pe(0x8664))
    assert invoke('check', path, '--type', 'package', '--app_revision', '33241').exit_code == 0
    assert '--revision' in invoke('check', path, '--type', 'package').stdout
    assert invoke('check', path).exit_code == 2


@pytest.mark.parametrize(('last', 'suspicious'), [(1, True), (150, False), (10 ** 6, True)])
def test_the_size_is_compared_with_the_last_build(last, suspicious, run, girder, make_archive):
    path = make_archive(NAME, {'Foo.s4ext': COMPLETE})
    girder.make_item('extension', {'baseName': 'Foo', 'os': 'linux', 'arch': 'amd64', 'revision': '1',
                                   'app_revision': '32000'}, bytes(last if last != 150 else path.stat().st_size))
    done = run('check', path, '--against', 'Slicer')
    assert done.exit_code == 0
    assert ('the last build had' in done.stdout) == suspicious


def test_without_a_comparison_no_server_is_asked(run, girder, make_archive):
    run('check', make_archive(NAME))
    assert girder.requests == []
