"""Where the older server, version 0.11.0, counts a download. Each case is one that was tried with it."""
import pytest

from slicer_package_manager.migration import download_counts
from slicer_package_manager.migration.rules import counts

EXTENSION = {'baseName': 'A.B', 'os': 'linux', 'arch': 'amd64', 'revision': '1', 'app_revision': '100'}
PACKAGE = {'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64', 'revision': '100'}


def chain(*names, private=()):
    """Folders with these names, the innermost first."""
    return [{'_id': f'id of {name}', 'name': name, 'public': name not in private} for name in names]


DRAFT = chain('extensions', '100', 'draft')
RELEASE = chain('extensions', 'R', 'Slicer')


@pytest.mark.parametrize(('folders', 'meta', 'counted'), [
    pytest.param(DRAFT, {}, ('draft', '100.extensions.A.B.linux.amd64'), id='extension of a draft'),
    pytest.param(RELEASE, {}, ('R', 'extensions.A.B.linux.amd64'), id='extension of a release'),
    pytest.param(chain('R', 'Slicer', 'packages'), {}, ('R', 'extensions.A.B.linux.amd64'), id='beside packages'),
    pytest.param(DRAFT, {'app_revision': '200'}, ('draft', '200.extensions.A.B.linux.amd64'), id='other revision'),
    pytest.param(RELEASE, {'app_revision': '200'}, ('R', 'extensions.A.B.linux.amd64'), id='other one in a release'),
    pytest.param(DRAFT, {'app_revision': None}, ('draft', 'None.extensions.A.B.linux.amd64'), id='null'),
    pytest.param(DRAFT, {'app_revision': 1.5}, ('draft', '1.5.extensions.A.B.linux.amd64'), id='number'),
    pytest.param(DRAFT, {'app_revision': ''}, None, id='empty revision'),
    pytest.param(RELEASE, {'app_revision': ''}, ('R', 'extensions.A.B.linux.amd64'), id='empty one in a release'),
    pytest.param(DRAFT, {'app_revision': ...}, ('draft', '1.applications.linux.amd64'), id='no revision'),
    pytest.param(DRAFT, {'revision': ...}, None, id='no revision of its own'),
    pytest.param(DRAFT, {'os': ...}, None, id='no system'),
    pytest.param(DRAFT, {'arch': ''}, None, id='empty architecture'),
    pytest.param(DRAFT, {'os': 'Linux'}, ('draft', '100.extensions.A.B.Linux.amd64'), id='other spelling'),
    pytest.param(DRAFT, {'baseName': ['a']}, ('draft', "100.extensions.['a'].linux.amd64"), id='list'),
    pytest.param(DRAFT, {'baseName': '../x'}, None, id='path'),
    pytest.param(DRAFT, {'baseName': 'x.'}, None, id='dot at the end'),
    pytest.param(chain('Sub', 'extensions', '100'), {}, ('Sub', 'extensions.A.B.linux.amd64'), id='folder below'),
    pytest.param(chain('draft', 'Slicer', 'packages'), {}, ('draft', '100.extensions.A.B.linux.amd64'), id='drafts'),
    pytest.param(chain('Slicer', 'packages'), {}, ('Slicer', 'extensions.A.B.linux.amd64'), id='application'),
    pytest.param(chain('packages'), {}, None, id='no folder above'),
    pytest.param([], {}, None, id='no folder'),
    pytest.param(chain('extensions', 'R', 'Slicer', private=['Slicer']), {}, None, id='release of private application'),
    pytest.param(chain('extensions', 'R', 'Slicer', private=['R']), {}, None, id='private release'),
    pytest.param(chain('extensions', 'R', 'Slicer', private=['extensions']), {}, None, id='private extensions'),
    pytest.param(chain('extensions', '100', 'draft', private=['draft']), {}, None, id='private drafts'),
])
def test_a_download_of_an_extension_is_counted(folders, meta, counted):
    item = {'meta': {key: value for key, value in {**EXTENSION, **meta}.items() if value is not ...}}
    found = download_counts.of_download(item, folders)
    assert found == (counted and (f'id of {counted[0]}', counted[1]))


@pytest.mark.parametrize(('folders', 'counted'), [
    (chain('100', 'draft', 'Slicer'), ('id of draft', '100.applications.linux.amd64')),
    (chain('extensions', 'R', 'Slicer'), ('id of R', 'applications.linux.amd64'))])
def test_a_download_of_a_package_is_counted_without_its_name(folders, counted):
    assert download_counts.of_download({'meta': PACKAGE}, folders) == counted


@pytest.mark.parametrize('meta', ['text', None, [1]])
def test_a_download_of_an_item_without_metadata_is_not_counted(meta):
    assert download_counts.of_download({'meta': meta}, DRAFT) is None


def test_downloads_by_migrations_lower_each_count_by_its_keys():
    stats = {'100': {'extensions': {'A': {'B': {'linux': {'amd64': 3}, 'Linux': {'amd64': 2}},
                                          'C': {'win': {'i386': 1}}}}}}
    less = {'100.extensions.A.B.Linux.amd64': 2, '100.extensions.A.B.linux.amd64': 1, '100.extensions.A.C.win.i386': 2}
    assert [(one.name, one.os, one.number) for one in counts.of_drafts(stats, less)] == [('A.B', 'linux', 2)]
    assert list(counts.of_release({'applications': {'win': {'amd64': 5}}}, '1', {'applications.win.amd64': 5})) == []


def test_downloads_by_migrations_are_summed_by_type():
    fetched = {'here': {'1.applications.linux.amd64': 2, 'extensions.A.win.amd64': 3}, 'elsewhere': {
        'extensions.A.win.amd64': 4}}
    assert download_counts.sums_of(fetched, ['here', 'unknown']) == {'applications': 2, 'extensions': 3}
