"""An extension index is read from a directory, a Git checkout or an archive."""
import zipfile

import pytest

from slicer_package_manager.registry.expected import sources
from slicer_package_manager.registry.schema.errors import Invalid

ENTRY = b'{"scm_url": "https://example.org/a.git", "tier": 3}'
FILES = {'B.json': ENTRY, 'A.s4ext': b'scmurl https://example.org/old.git\n', 'README.md': b'#', '.x.json': b'{',
         'package.json': b'{}'}


def folder(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(exist_ok=True, parents=True)
        (path / name).write_bytes(content)
    return path


def archive(path, files):
    with zipfile.ZipFile(path, 'w') as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def names(source):
    return [entry['name'] for entry in sources.read(source)]


def test_a_directory_has_its_files_without_those_in_folders(tmp_path):
    assert names(folder(tmp_path, {**FILES, 'scripts/C.json': ENTRY})) == ['A', 'B']


@pytest.mark.parametrize('top', ['', 'ExtensionsIndex-main/'])
def test_an_archive_has_the_files_at_its_top(tmp_path, top):
    files = {f'{top}{name}': content for name, content in {**FILES, 'scripts/C.json': ENTRY}.items()}
    assert names(archive(tmp_path / 'a.zip', files)) == ['A', 'B']


def test_an_archive_with_several_folders_has_no_entries_in_them(tmp_path):
    with pytest.raises(Invalid, match='has no file NAME'):
        names(archive(tmp_path / 'a.zip', {'a/A.json': ENTRY, 'b/B.json': ENTRY}))


def test_json_counts_if_there_are_both_formats(tmp_path):
    entry, = sources.read(folder(tmp_path, {'A.json': ENTRY, 'A.s4ext': FILES['A.s4ext']}))
    assert entry == {'name': 'A', 'category': '', 'tier': 3, 'repository_url': 'https://example.org/a.git'}


def test_all_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(Invalid, match=r'A\.json.*C\.s4ext'):
        names(folder(tmp_path, {'A.json': b'{', 'B.json': ENTRY, 'C.s4ext': b'\xff'}))


@pytest.mark.parametrize('make', [folder, lambda path, files: archive(path / 'a.zip', files)])
def test_what_is_no_index_is_refused(tmp_path, make):
    with pytest.raises(Invalid, match='has no file NAME'):
        names(make(tmp_path, {'README.md': b''}))
    with pytest.raises(Invalid, match=r'B\.json: is larger than 65536 bytes'):
        names(make(tmp_path, {'B.json': b' ' * 65537}))


def test_an_archive_that_expands_to_gigabytes_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w', zipfile.ZIP_DEFLATED) as made:
        made.writestr('A.json', b' ' * 50_000_000)
    with pytest.raises(Invalid, match='is larger than'):
        names(tmp_path / 'a.zip')


def test_too_many_files_are_refused(tmp_path):
    with pytest.raises(Invalid, match='has 5001 files'):
        names(archive(tmp_path / 'a.zip', {f'{number}.txt': b'' for number in range(5001)}))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / 'a.zip').write_bytes(b'PK')
    with pytest.raises(Invalid, match=r'a\.zip: cannot be read'):
        names(tmp_path / 'a.zip')


@pytest.mark.parametrize(('head', 'branch'), [
    (b'ref: refs/heads/main\n', 'main'), (b'ref: refs/heads/5.8\n', '5.8'), (b'0123456789abcdef\n', None)])
def test_the_branch_is_that_of_the_checkout(tmp_path, head, branch):
    assert sources.branch_of(folder(tmp_path, {'.git/HEAD': head})) == branch


def test_other_sources_have_no_branch(tmp_path):
    assert sources.branch_of(tmp_path) is None
    assert sources.branch_of(archive(tmp_path / 'a.zip', FILES)) is None
