"""What archives of extensions state about their dependencies."""
import gzip

import pytest

from plugin_tests.migration.midas.older_midas import archive
from slicer_package_manager.migration.midas import archives


@pytest.mark.parametrize(('content', 'expected'), [
    (archive('A B A'), ['A', 'B']), (archive('NA'), []), (archive('C', kind='zip'), ['C']), (b'text', None),
    (b'', None)])
def test_dependencies(tmp_path, content, expected):
    path = tmp_path / 'archive'
    path.write_bytes(content)
    assert archives.dependencies(path) == expected


@pytest.mark.parametrize(('text', 'expected'), [
    ('depends\tA', []), ('depends A  B\r\n', ['A', 'B']), ('scm git\n', []), ('depends', []), ('dependsonly A', [])])
def test_the_line_of_a_description(text, expected):
    assert archives.parsed(text) == expected


def test_damaged_and_too_large_archives(tmp_path, monkeypatch):
    path = tmp_path / 'archive'
    path.write_bytes(archive('A')[:60])
    with pytest.raises(archives.UnreadableArchiveError):
        archives.dependencies(path)
    monkeypatch.setattr(archives, '_MOST', 1000)
    path.write_bytes(gzip.compress(b'\0' * 5000))
    with pytest.raises(archives.UnreadableArchiveError, match='more than 1000 bytes'):
        archives.dependencies(path)
