from datetime import datetime, timezone

import pytest

from slicer_package_manager.registry.downloads import counts
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PACKAGE_TYPES
from slicer_package_manager.registry.server import clock


def test_each_index_has_the_application_then_its_filter_and_then_the_order_of_rows():
    assert {index.document['name']: ' '.join(index.document['key']) for index in counts.INDEXES} == {
        'spm_download': 'app kind revision baseName os arch release day',
        'spm_download_by_day': 'app day kind baseName os arch revision release',
        'spm_download_by_baseName': 'app baseName day kind os arch revision release',
        'spm_download_by_revision': 'app revision day kind baseName os arch release',
        'spm_download_by_release': 'app release day kind baseName os arch revision',
        'spm_download_unsettled': 'app revision day'}
    assert [index.document['name'] for index in counts.INDEXES if index.document.get('unique')] == ['spm_download']


@pytest.mark.parametrize(('package_type', 'place', 'release'), [
    ('package', {'release': '5.8'}, '5.8'), ('extension', {}, '')])
def test_a_download_counts_for_its_package_revision_release_and_day(monkeypatch, package_type, place, release):
    monkeypatch.setattr(clock, 'now', lambda: datetime(2026, 1, 2, 23, 59, tzinfo=timezone.utc))
    meta = {'revision': {'package': '33000', 'extension': 'ab12cd3'}[package_type], 'app_revision': '33000',
            'baseName': 'A', 'os': 'linux', 'arch': 'amd64', 'more': 'x'}
    assert counts.key_of({'spm': {'app': 'app', 'kind': package_type, **place}, 'meta': meta}) == {
        'app': 'app', 'kind': package_type, 'revision': '33000', 'baseName': 'A', 'os': 'linux', 'arch': 'amd64',
        'release': release, 'day': '2026-01-02'}


@pytest.mark.parametrize('package_type', PACKAGE_TYPES.values())
def test_each_package_has_the_downloads_of_its_own_type_revision_name_and_platform(any_db, package_type):
    """Each power of two is the number of downloads of one package only."""
    fields = ('revision', 'baseName', 'os', 'arch')
    packages = [dict.fromkeys(fields, 'x'), *({**dict.fromkeys(fields, 'x'), field: 'y'} for field in fields)]
    other = EXTENSION if package_type is PACKAGE else PACKAGE
    for number, (app, kind, package) in enumerate([
            *(('app', package_type.label, package) for package in packages),
            ('app', other.label, packages[0]), ('other', package_type.label, packages[0])]):
        any_db.slicer_package_download.insert_many([
            {'app': app, 'kind': kind, **package, 'release': release, 'day': day, 'count': 2 ** number}
            for release, day in (('', '2026-01-01'), ('', '2026-01-02'), ('5.8', '2026-01-02'))])
    items = [{'meta': {**package, 'revision': 'its own', package_type.app_revision: package['revision']}}
             for package in [*packages, dict.fromkeys(fields, 'z')]]
    counts.add_totals(package_type, {'_id': 'app'}, items)
    assert [item['downloads'] for item in items] == [3, 6, 12, 24, 48, 0]


def test_the_downloads_of_no_packages_are_not_looked_up():
    counts.add_totals(PACKAGE, {'_id': 'app'}, [])
