import gzip
import io
import tarfile
import zipfile

import pytest

from slicer_package_manager_client import checks
from slicer_package_manager_client.errors import InvalidRequest


def tar(mode):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        archive.addfile(tarfile.TarInfo('Foo/a'))
    return stream.getvalue()


def zipped():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr('Foo/a', 'x')
    return stream.getvalue()


@pytest.mark.parametrize('content', [
    pytest.param(tar('w'), id='tar'), pytest.param(tar('w:gz'), id='tar.gz'), pytest.param(tar('w:bz2'), id='tar.bz2'),
    pytest.param(tar('w:xz'), id='tar.xz'), pytest.param(zipped(), id='zip'),
    pytest.param(b'7z\xbc\xaf\x27\x1cx', id='7z'),
    pytest.param(b'(\xb5/\xfdx', id='tar.zst'), pytest.param(b'!<arch>\ndebian-binary', id='deb')])
def test_archives_are_taken(content, tmp_path):
    (tmp_path / 'file').write_bytes(content)
    for installers in (True, False):
        checks.require(tmp_path / 'file', installers=installers)


@pytest.mark.parametrize('content', [
    pytest.param(b'MZ\x90\x00', id='exe'), pytest.param(b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', id='msi'),
    pytest.param(b'x' * 1000 + b'koly' + b'\0' * 508, id='dmg'), pytest.param(b'\x7fELF', id='AppImage'),
    pytest.param(b'#!/bin/sh\n', id='script')])
def test_installers_are_packages_and_no_extensions(content, tmp_path):
    (tmp_path / 'file').write_bytes(content)
    checks.require(tmp_path / 'file', installers=True)
    with pytest.raises(InvalidRequest, match='is no archive'):
        checks.require(tmp_path / 'file', installers=False)


@pytest.mark.parametrize('content', [
    pytest.param(b'<!DOCTYPE html>' + b' ' * 1000, id='page'), pytest.param(b'x', id='one byte'),
    pytest.param(b'\0' * 2048, id='zeros'), pytest.param(gzip.compress(b'<html>not found</html>'), id='page in gzip'),
    pytest.param(tar('w:gz')[:15], id='gzip cut off'),
    pytest.param(b'version https://git-lfs.github.com/spec/v1\n', id='LFS'),
    pytest.param(b'\x1f\x8b', id='two bytes'), pytest.param(b'BZh9', id='bzip2 cut off')])
def test_other_files_are_refused(content, tmp_path):
    (tmp_path / 'file.tar.gz').write_bytes(content)
    for installers in (True, False):
        with pytest.raises(InvalidRequest, match='--no-check'):
            checks.require(tmp_path / 'file.tar.gz', installers=installers)
