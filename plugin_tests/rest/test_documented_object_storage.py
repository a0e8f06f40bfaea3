"""The calls in the documentation that put files into object storage."""
import re
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.database

PAGE = Path(__file__).parents[2] / 'docs' / 'how-to' / 'deploy-with-docker.md'
CONTENT = b'0123456789' * 100


@pytest.fixture
def s3():
    server = ThreadedMotoServer('127.0.0.1', 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client('s3', endpoint_url=f'http://{host}:{port}', region_name='us-east-1', aws_access_key_id='id',
                 aws_secret_access_key='secret').create_bucket(Bucket='packages')
    yield f'http://{host}:{port}'
    server.stop()


def calls():
    """Method, path and form of each call with an assetstore."""
    text = PAGE.read_text(encoding='utf-8').replace('\\\n', '')
    for line in re.findall(r'^curl .*assetstore.*$', text, re.MULTILINE):
        method, path = re.search(r'-X (\w+) .*\$API(/[^"]*)"', line).groups()
        yield method, path, dict(re.findall(r'--data-urlencode (\w+)=(\S+)', line))


def test_the_documented_calls_make_the_bucket_the_place_for_new_files(api, make, s3):
    made = None
    for method, path, form in calls():
        here = {**form, 'service': s3, 'region': 'us-east-1', 'accessKeyId': 'id', 'secret': 'secret'}
        answer = api.request(method, path.replace('$ID', made or ''), data=here).raise_for_status()
        made = answer.json()['_id']
    (current,) = [one for one in api.get('/assetstore').json() if one['current']]
    assert (current['_id'], current['bucket']) == (made, 'packages')
    begun = api.post('/file', params={'parentType': 'item', 'parentId': make('package')['_id'], 'name': 'f.zip',
                                      'size': len(CONTENT)}).raise_for_status().json()
    assert begun['s3']['request']['url'].startswith(s3)
