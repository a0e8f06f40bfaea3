"""Reading of files in a directory of the server."""
import sys

import pytest

from slicer_package_manager.registry.storage.filesystem import _read
from slicer_package_manager.registry.storage.store import PIECE

SIZE = 2 * PIECE + 5


@pytest.fixture
def path(tmp_path):
    found = tmp_path / 'file'
    found.write_bytes(bytes(SIZE))
    return str(found)


def test_a_piece_is_not_in_memory_any_longer_than_its_reader_needs_it(path):
    pieces, own = _read({}, path, 0, SIZE), bytes(bytearray(9))
    for piece in pieces:
        assert sys.getrefcount(piece) == sys.getrefcount(own)


@pytest.mark.parametrize(('start', 'stop'), [(0, SIZE), (0, PIECE), (PIECE - 1, PIECE + 1), (SIZE - 1, SIZE), (0, 0)])
def test_the_pieces_are_what_is_wanted(path, start, stop):
    assert sum(map(len, _read({}, path, start, stop))) == stop - start
