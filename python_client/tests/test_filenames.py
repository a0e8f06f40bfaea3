import pytest

from slicer_package_manager_client import filenames
from slicer_package_manager_client.fields import EXTENSION, PACKAGE
from slicer_package_manager_client.inspection import archives


@pytest.mark.parametrize(('name', 'found'), [
    ('33000-linux-amd64-Foo-gitab12cd3-2026-11-01.tar.gz',
     {'app_revision': '33000', 'os': 'linux', 'arch': 'amd64', 'name': 'Foo', 'repo_type': 'git',
      'revision': 'ab12cd3'}),
    ('33000-macosx-arm64-SlicerIGT-svn12.zip',
     {'app_revision': '33000', 'os': 'macosx', 'arch': 'arm64', 'name': 'SlicerIGT', 'repo_type': 'svn',
      'revision': '12'}),
    ('33000-win-amd64-A-git-Tool-git1-2026-11-01.zip',
     {'app_revision': '33000', 'os': 'win', 'arch': 'amd64', 'name': 'A-git-Tool', 'repo_type': 'git',
      'revision': '1'}),
    ('33000-win-i386-Foo-local0-2026-11-01.zip',
     {'app_revision': '33000', 'os': 'win', 'arch': 'i386', 'name': 'Foo', 'revision': '0'}),
    ('33000-beos-amd64-Foo-git1.tar.gz', {}), ('Foo.tar.gz', {}), ('33000-linux-amd64-Foo.tar.gz', {}),
])
def test_the_name_of_an_extension_states_facts(name, found):
    assert filenames.facts(name, EXTENSION) == found


@pytest.mark.parametrize(('name', 'found'), [
    ('Slicer-5.8.1-linux-amd64.tar.gz', {'name': 'Slicer', 'version': '5.8.1', 'os': 'linux', 'arch': 'amd64'}),
    ('Slicer-5.9.0-2026-11-01-macosx-arm64.dmg',
     {'name': 'Slicer', 'version': '5.9.0-2026-11-01', 'os': 'macosx', 'arch': 'arm64'}),
    ('Slicer-5.8.1-win-amd64.exe', {'name': 'Slicer', 'version': '5.8.1', 'os': 'win', 'arch': 'amd64'}),
    ('Slicer.exe', {}),
])
def test_the_name_of_a_package_states_facts(name, found):
    assert filenames.facts(name, PACKAGE) == found


@pytest.mark.parametrize('name', ['a.b-1.2.3.tar.gz', 'a.b-1.2.3.zip', 'a.b-1.2.3.7z', 'a.b-1.2.3.tar.xz', 'a.b-1.2.3'])
def test_a_version_is_no_suffix(name):
    assert archives.stem(name) == ('a.b-1.2.3' if not name.endswith('.7z') else name)
