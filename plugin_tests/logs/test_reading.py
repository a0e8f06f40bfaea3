"""Files of logs are read in pieces of complete lines."""
import bz2
import gzip
import hashlib
import lzma
import random

import pytest
import zstandard

from slicer_package_manager.logs import reading
from slicer_package_manager.logs.reading import (
    TOO_LONG,
    DamagedError,
    Lines,
    UnreadableError,
    blocks,
    opened,
    readable_blocks,
)

_DIGITS = random.Random(1).randbytes(300).hex().encode()
TEXT = b''.join(b'line %d %s\n' % (number, _DIGITS[number % 300:number % 601]) for number in range(8_000))
#: Other data between frames of zstd.
_SKIPPED = b'\x50\x2a\x4d\x18\x04\0\0\0abcd'
WAYS = {'plain': bytes, 'gzip': gzip.compress, 'zstd': zstandard.compress, 'bzip2': bz2.compress,
        'two members of gzip': lambda text: gzip.compress(text[:999]) + gzip.compress(text[999:]) + b'\0' * 9,
        'two frames of zstd': lambda text: zstandard.compress(text[:999]) + zstandard.compress(text[999:]),
        'pzstd': lambda text: _SKIPPED + zstandard.compress(text[:999]) + _SKIPPED + zstandard.compress(text[999:]),
        'two streams of bzip2': lambda text: bz2.compress(text[:999]) + bz2.compress(text[999:])}


@pytest.fixture
def stored(tmp_path):
    files = []

    def store(content):
        (tmp_path / 'log').write_bytes(content)
        files.append(opened(tmp_path / 'log'))
        return files[-1]
    yield store
    for file in files:
        file.close()


@pytest.mark.parametrize('way', WAYS)
def test_a_file_is_read_whatever_its_compression(stored, way):
    content, done = WAYS[way](TEXT), []
    assert b''.join(blocks(stored(content), done.append)) == TEXT
    assert sum(done) == len(content)


@pytest.mark.parametrize('way', WAYS)
def test_an_empty_log_has_no_contents(stored, way):
    assert b''.join(blocks(stored(WAYS[way](b'')))) == b''


@pytest.mark.parametrize('way', ['gzip', 'zstd', 'bzip2', 'two frames of zstd'])
def test_a_file_that_ends_too_early_is_read_as_far_as_it_goes(stored, way):
    content = WAYS[way](TEXT)
    log = stored(content[:len(content) * 9 // 10])
    with pytest.raises(DamagedError, match='ends in the middle'):
        list(blocks(log))
    found = b''.join(readable_blocks(log))
    assert found
    assert TEXT.startswith(found)
    assert len(found) < len(TEXT)


@pytest.mark.parametrize('way', ['gzip', 'zstd', 'bzip2'])
def test_a_damaged_file_is_refused(stored, way):
    content = bytearray(WAYS[way](TEXT))
    content[len(content) // 2:] = b'\xff' * (len(content) - len(content) // 2)
    with pytest.raises(DamagedError, match=r'cannot be decompressed|ends in the middle'):
        list(blocks(stored(bytes(content))))


@pytest.mark.parametrize(('pack', 'name'), [
    (lzma.compress, 'xz'), (lambda text: b'PK\x03\x04' + text, 'zip'), (lambda text: b'\x1f\x9d' + text, 'compress')])
def test_another_compression_is_named(stored, pack, name):
    with pytest.raises(UnreadableError, match=f'compressed by {name}, which is not read'):
        list(blocks(stored(pack(TEXT))))


def test_what_decompresses_to_very_much_is_read_in_small_blocks(stored):
    assert max(map(len, blocks(stored(gzip.compress(b'0' * (64 << 20)))))) <= reading._BLOCK


@pytest.mark.parametrize('size', [1, 7, 1000, 4 << 20])
@pytest.mark.parametrize('start', [0, len(b'line 0 \n'), TEXT.index(b'line 4000'), len(TEXT)])
def test_pieces_are_complete_lines_from_the_start_on(size, start):
    text = TEXT if size > 7 else TEXT[:3000]
    start = min(start, text.rindex(b'\n') + 1)
    digest, expected = hashlib.sha256(), hashlib.sha256()
    lines = Lines((text[at:at + size] for at in range(0, len(text), size)), start, digest)
    found, at = b'', 0
    for piece in lines:
        assert piece.lines.endswith(b'\n')
        found += piece.lines
        expected.update(text[at:piece.end])
        at = piece.end
        assert digest.hexdigest() == expected.hexdigest()
    assert found + lines.rest == text[start:]


def test_a_line_without_end_takes_little_memory_and_counts_as_one():
    def contents():
        yield b'first\n'
        for _ in range(50):
            yield b'x' * 100_000
        yield b'x\nlast\n'
    lines = Lines(contents(), 0, hashlib.sha256())
    longest = 0
    found = b''
    for piece in lines:
        found += piece.lines
        longest = max(longest, len(piece.lines))
    assert found == b'first\n' + TOO_LONG + b'last\n'
    assert longest < 2 * reading._LONGEST
    start = len(b'first\n') + 5_000_000 + 2
    assert b''.join(piece.lines for piece in Lines(contents(), start, hashlib.sha256())) == b'last\n'
