import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager_client.errors import ChecksumMismatch, InvalidRequest
from slicer_package_manager_client.localfile import LocalFile


@pytest.mark.parametrize('make', [
    pytest.param(lambda path: path / 'missing', id='missing'),
    pytest.param(lambda path: path, id='directory'),
    pytest.param(lambda path: (path / 'empty').touch() or path / 'empty', id='empty'),
    pytest.param(lambda path: (path / 'file').touch() or path / 'file' / 'below', id='below a file'),
])
def test_takes_nothing_but_files_with_content(make, tmp_path):
    with pytest.raises(InvalidRequest):
        LocalFile(make(tmp_path))


def test_a_file_that_was_sent_is_not_read_again_for_its_checksum(make_file, monkeypatch):
    path = make_file(size=5000)
    with LocalFile(path) as source:
        assert b''.join(source.blocks(length=1000)) == path.read_bytes()
        source._stream.close()
        assert source.digest() == hashlib.sha512(path.read_bytes()).hexdigest()


def test_a_resumed_file_is_hashed_from_its_beginning(make_file):
    path = make_file(size=5000)
    with LocalFile(path) as source:
        source.read(3000, 2000)
        assert source.digest() == hashlib.sha512(path.read_bytes()).hexdigest()


@given(reads=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 60)), max_size=8))
def test_the_checksum_is_right_whatever_was_read_before(reads, tmp_path_factory):
    path = tmp_path_factory.mktemp('file') / 'data'
    path.write_bytes(bytes(range(100)))
    with LocalFile(path, ('sha512', 'sha256')) as source:
        for offset, length in reads:
            assert source.read(offset, length) == path.read_bytes()[offset:offset + length]
        assert source.digest() == hashlib.sha512(path.read_bytes()).hexdigest()
        assert source.digest('sha256') == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize('change', [
    pytest.param(lambda path: path.write_bytes(b'x' * 1000), id='rewritten'),
    pytest.param(lambda path: path.open('ab').write(b'more'), id='appended'),
    pytest.param(lambda path: path.unlink(), id='removed'),
])
@pytest.mark.filterwarnings('ignore::ResourceWarning')
def test_notices_a_change_on_disk(change, make_file):
    path = make_file()
    with LocalFile(path) as source:
        source.require_unchanged()
        os.utime(path, ns=(1, 1))
        change(path)
        with pytest.raises(ChecksumMismatch, match='changed on disk'):
            source.require_unchanged()


def test_notices_that_the_file_became_shorter(make_file):
    path = make_file(size=3000)
    with LocalFile(path) as source:
        os.truncate(path, 10)
        with pytest.raises(ChecksumMismatch):
            source.read(0, 3000)
        with pytest.raises(ChecksumMismatch):
            source.digest()
