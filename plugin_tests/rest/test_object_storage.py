"""Downloads from an S3 assetstore, where Girder sends clients to a signed URL."""
import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.database

CONTENT = b'0123456789' * 1000
QT5 = {'User-Agent': 'Mozilla/5.0'}


@pytest.fixture(scope='module')
def s3():
    server = ThreadedMotoServer('127.0.0.1', 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f'http://{host}:{port}'
    boto3.client('s3', endpoint_url=url, region_name='us-east-1', aws_access_key_id='id',
                 aws_secret_access_key='secret').create_bucket(Bucket='packages')
    yield url
    server.stop()


@pytest.fixture
def stored(db, s3, make):
    """A package whose file is in the object storage."""
    from girder.models.assetstore import Assetstore
    Assetstore().removeWithQuery({'_id': {'$exists': True}})
    Assetstore().createS3Assetstore(
        name='objects', bucket='packages', accessKeyId='id', secret='secret', service=s3, region='us-east-1')
    return make('package')


@pytest.fixture
def uploaded(api, stored):
    begun = api.post('/file', params={'parentType': 'item', 'parentId': stored['_id'], 'name': 'f.zip',
                                      'size': len(CONTENT)}).raise_for_status().json()
    signed = begun['s3']['request']
    httpx.request(signed['method'], signed['url'], headers=signed['headers'], content=CONTENT).raise_for_status()
    api.post('/file/completion', params={'uploadId': begun['_id']}).raise_for_status()
    return stored


@pytest.fixture
def count(anonymous, app):
    return lambda: sum(row['count'] for row in anonymous.get(
        f'/app/{app["_id"]}/downloadstats', params={'limit': 0}).json())


def test_a_download_is_a_redirect_to_a_signed_url_and_counts_one(anonymous, uploaded, s3, count):
    response = anonymous.get(f'/item/{uploaded["_id"]}/download')
    assert response.status_code == 302
    assert response.headers['Location'].startswith(s3)
    assert httpx.get(response.headers['Location']).content == CONTENT
    assert count() == 1


def test_head_and_later_parts_count_nothing(anonymous, uploaded, count):
    assert anonymous.head(f'/item/{uploaded["_id"]}/download').status_code == 302
    assert anonymous.get(f'/item/{uploaded["_id"]}/download', headers={'Range': 'bytes=0-99'}).status_code == 302
    assert count() == 0


def test_a_slicer_that_follows_no_redirect_gets_the_bytes(anonymous, uploaded, count):
    response = anonymous.get(f'/item/{uploaded["_id"]}/download', headers=QT5)
    assert (response.status_code, response.content) == (200, CONTENT)
    part = anonymous.get(f'/item/{uploaded["_id"]}/download', headers={**QT5, 'Range': 'bytes=5-9'})
    assert (part.status_code, part.content) == (206, CONTENT[5:10])
    assert count() == 1


def test_files_in_an_archive_count(anonymous, uploaded, count):
    assert anonymous.get(f'/item/{uploaded["_id"]}/download', params={'format': 'zip'}).status_code == 200
    assert count() == 1
