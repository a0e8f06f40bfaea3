"""Uploads to object storage that stopped half-way."""
import json
from datetime import timedelta

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.database

BUCKET = 'half'
SIZE = 40 * 1024 * 1024  # comes in several pieces, each to a URL of its own


@pytest.fixture(scope='module')
def bucket():
    """The object storage, as its own client sees it; its URL is ``meta.endpoint_url``."""
    server = ThreadedMotoServer('127.0.0.1', 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client('s3', endpoint_url=f'http://{host}:{port}', region_name='us-east-1', aws_access_key_id='id',
                          aws_secret_access_key='secret')
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()
    server.stop()


@pytest.fixture
def package(db, bucket, make):
    from girder.models.assetstore import Assetstore
    Assetstore().removeWithQuery({'_id': {'$exists': True}})
    Assetstore().createS3Assetstore(name='objects', bucket=BUCKET, accessKeyId='id', secret='secret',
                                    service=bucket.meta.endpoint_url, region='us-east-1')
    return make('package')


@pytest.fixture
def begin(api, package):
    def begin(size):
        return api.post('/file', params={'parentType': 'item', 'parentId': package['_id'], 'name': 'f.zip',
                                         'size': size}).raise_for_status().json()
    return begin


@pytest.fixture
def cancel_later(db):
    """Look for old uploads when all that there are have stood still for long."""
    from slicer_package_manager.registry.server import clock
    from slicer_package_manager.registry.storage import uploads

    def look():
        db.upload.update_many({}, {'$set': {'updated': clock.now() - timedelta(days=8)}})
        return uploads.cancel_abandoned()
    return look


def unfinished(bucket):
    return bucket.list_multipart_uploads(Bucket=BUCKET).get('Uploads', [])


def test_an_unfinished_object_goes_with_its_upload(bucket, begin, cancel_later, api, db):
    begun = begin(SIZE)
    key = begun['s3']['key']
    part = {'s3UploadId': bucket.create_multipart_upload(Bucket=BUCKET, Key=key)['UploadId'], 'partNumber': 1}
    api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0,
                                    'chunk': json.dumps(part)}).raise_for_status()
    assert unfinished(bucket)
    assert cancel_later() == 1
    assert not unfinished(bucket)
    assert db.upload.count_documents({}) == 0


def test_an_upload_that_became_a_file_goes_without_the_bytes(bucket, begin, cancel_later, api, db, anonymous, package):
    begun = begin(7)
    signed = begun['s3']['request']
    httpx.request(signed['method'], signed['url'], headers=signed['headers'], content=b'content').raise_for_status()
    left = db.upload.find_one({})
    api.post('/file/completion', params={'uploadId': begun['_id']}).raise_for_status()
    db.upload.insert_one(left)  # as a server leaves it that is killed in this moment
    assert cancel_later() == 1
    assert db.upload.count_documents({}) == 0
    answer = anonymous.get(f'/item/{package["_id"]}/download')
    assert httpx.get(answer.headers['Location']).content == b'content'
