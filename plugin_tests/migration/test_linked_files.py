"""Migrations that link to the files of the older server, with ``--files link``."""
import hashlib

import pytest

from plugin_tests.migration.test_girder import as_admin, filled, findings, here, listed, migrate  # noqa: F401 - fixtures
from plugin_tests.migration.test_girder_rest import api  # noqa: F401 - fixtures
from slicer_package_manager.migration.errors import MigrationError

pytestmark = pytest.mark.database
API = 'https://old.example.org/api/v1'
LINKED = {'files': 'link', 'source_api': API, 'link_hosts': ('old.example.org',)}


def file_of(item):
    return here()['file'].find_one({'itemId': item['_id']})


def undecided(report):
    return {(note.kind, note.id): note for note in report.undecided}


def test_files_are_links_to_the_older_server_with_size_and_checksum(filled, anonymous):  # noqa: F811
    filled.db['assetstore'].update_one({}, {'$set': {'root': '/not/mounted/here'}})
    report = migrate(filled, verify=True, **LINKED)
    there = filled.db['file'].find_one({'itemId': filled.one['_id']})
    url = f'{API}/file/{there["_id"]}/download'
    file = file_of(filled.one)
    assert {key: file[key] for key in ('linkUrl', 'size', 'sha512', 'assetstoreId')} == {
        'linkUrl': url, 'size': 3, 'sha512': hashlib.sha512(b'one').hexdigest(), 'assetstoreId': None}
    answer = anonymous.get(f'/item/{filled.one["_id"]}/download')
    assert (answer.status_code, answer.headers['Location']) == (302, url)
    assert listed(anonymous)[str(filled.one['_id'])]['meta']['sha512'] == file['sha512']
    (note,) = report.undecided
    assert (note.kind, '3 files are links' in note.reason, report.totals['files linked']) == ('link', True, 3)
    before = here()['file'].find_one({'_id': file['_id']})
    migrate(filled, **LINKED)
    assert here()['file'].find_one({'_id': file['_id']}) == before


def test_a_later_run_copies_the_bytes_and_linking_again_keeps_them(filled, anonymous):  # noqa: F811
    migrate(filled, **LINKED)
    for options in {}, LINKED:
        assert migrate(filled, verify=True, **options).undecided == []
        assert anonymous.get(f'/item/{filled.one["_id"]}/download').content == b'one'
        assert 'linkUrl' not in file_of(filled.one)
    assert [what for what in findings() if 'Links to' not in what] == []


def test_what_is_not_public_or_has_no_checksum_is_refused(filled, as_admin):  # noqa: F811
    _, inside = filled.release('Secret', '30000', public=False)
    private = filled.extension(inside, b'private', app_revision='30000')
    bare = filled.extension(filled.draft_extensions, baseName='Bare')
    without = filled.file(bare, b'bare', stated=False)
    filled.db['file'].update_one({'_id': without['_id']}, {'$unset': {'sha512': ''}})
    found = undecided(migrate(filled, **LINKED))
    assert 'not everyone may read it' in found['file', str(filled.db['file'].find_one(
        {'itemId': private['_id']})['_id'])].reason
    assert 'SHA-512 is not stated' in found['file', str(without['_id'])].reason
    assert [file_of(one) for one in (private, bare)] == [None, None]
    assert migrate(filled).undecided == []
    assert as_admin().get(f'/item/{private["_id"]}/download').content == b'private'


@pytest.mark.parametrize(('options', 'reason'), [
    ({'link_hosts': ()}, '"old.example.org", which an administrator has not allowed'),
    ({'source_api': 'http://old.example.org/api/v1'}, 'must start with https://')])
def test_hosts_that_are_not_allowed_are_refused(filled, options, reason):  # noqa: F811
    with pytest.raises(MigrationError, match=reason):
        migrate(filled, **{**LINKED, **options})
    assert here()['item'].count_documents({}) == 0
