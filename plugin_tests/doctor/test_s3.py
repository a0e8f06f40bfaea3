"""The findings of the doctor in object storage."""
import pytest

from plugin_tests.doctor.test_checks import found

pytestmark = pytest.mark.database

KEY = 'ab/cd/' + '0' * 32


@pytest.fixture
def stored(s3, make, monkeypatch):
    """The key of a package's object; all is old enough to be abandoned."""
    monkeypatch.setattr('slicer_package_manager.registry.storage.s3._is_older', lambda _moment, _age: True)
    make('package', content=b'content')
    (key,) = s3.objects()
    return key


def put(content):
    return lambda s3, key: s3.client.put_object(Bucket='packages', Key=key, Body=content)


def begin(s3, _key):
    s3.client.create_multipart_upload(Bucket='packages', Key=KEY)


def refuse(s3, _key):
    s3.fail = lambda _: s3.refuse


@pytest.mark.parametrize(('damage', 'check', 'message'), [
    pytest.param(lambda s3, key: s3.client.delete_object(Bucket='packages', Key=key), 'bytes', 'are not at s3://',
                 id='lost'),
    pytest.param(put(b'conten'), 'bytes', 'has 6 bytes at s3://', id='short'),
    pytest.param(put(b'CONTENT'), 'checksums', 'have the checksum', id='changed'),
    pytest.param(begin, 'uploads', 'belongs to no upload', id='unfinished upload'),
    pytest.param(lambda s3, _: put(b'x')(s3, KEY), 'unused', f'refers to s3://packages/{KEY} (1 bytes)', id='unused'),
    pytest.param(lambda s3, _: put(b'x')(s3, 'thesis.txt'), None, None, id='not one of ours'),
    pytest.param(refuse, 'bytes', 'The object storage "objects" is busy', id='away')])
def test_damage_in_a_bucket_is_reported(s3, stored, damage, check, message):
    assert found() == []
    damage(s3, stored)
    assert [name for name, _ in texts()] == ([check] if check else [])
    assert all(message in what for _, what in texts())


def texts():
    from slicer_package_manager.doctor.checks import CHECKS
    from slicer_package_manager.doctor.findings import Options
    return [(check.name, finding.what) for check in CHECKS for finding in check.find(Options(sample=None))]


def test_parts_that_belong_to_no_upload_are_removed(s3, stored):
    begin(s3, stored)
    found(repair=True)
    assert s3.unfinished() == []
    assert list(s3.objects()) == [stored]


def test_an_upload_that_is_under_way_is_left_alone(s3, stored, api, make):
    item = make('extension')
    api.post('/file', params={'parentType': 'item', 'parentId': item['_id'], 'name': 'f.zip', 'size': 12 << 20},
             content=bytes(6 << 20), headers={'Content-Type': 'application/octet-stream'}).raise_for_status()
    assert s3.unfinished()
    assert found(repair=True) == []
    assert s3.unfinished()
