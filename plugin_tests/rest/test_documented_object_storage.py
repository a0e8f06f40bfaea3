"""The documented steps to put files into object storage."""
import json
import re
from pathlib import Path

import httpx
import pytest

from plugin_tests.conftest import upload

pytestmark = pytest.mark.database

PAGE = (Path(__file__).parents[2] / 'docs' / 'how-to' / 'keep-files-in-object-storage.md').read_text(encoding='utf-8')
CONTENT = b'0123456789' * 100
MIB = 1 << 20


def calls():
    """Method, path and form of each call that changes something."""
    for line in re.findall(r'^ *curl .*$', PAGE.replace('\\\n', ''), re.MULTILINE):
        found = re.search(r'-X (\w+) .*\$API(/[^"]*)"', line)
        if found:
            yield (*found.groups(), dict(re.findall(r'--data-urlencode (\w+)=(\S+)', line)))


def test_the_documented_calls_make_the_bucket_the_place_for_all_files(api, make, object_storage):
    object_storage.clear()
    item = make('package')
    file = upload(api, item['_id'], CONTENT)
    values = {'$S3_SERVICE': object_storage.url, '$S3_REGION': 'us-east-1', '$S3_BUCKET': 'packages', '$S3_ID': 'id',
              '$S3_SECRET': 'secret', '$FILE': file['_id']}
    for method, path, form in calls():
        here = {key: values.get(value.strip('"'), value) for key, value in form.items()}
        place = re.sub(r'\$\w+', lambda name: values[name[0]], path)
        answer = api.request(method, place, data=here).raise_for_status()
        values.setdefault('$ID', answer.json()['_id'])
    (current,) = [one for one in api.get('/assetstore').json() if one['current']]
    assert (current['_id'], current['bucket']) == (values['$ID'], 'packages')
    assert list(object_storage.objects().values()) == [CONTENT]
    upload(api, make('extension')['_id'], b'new')
    assert set(object_storage.objects().values()) == {CONTENT, b'new'}


def action(request):
    """What AWS asks a key to be allowed for ``request``."""
    if request.path.count('/') == 1 or request.path == '/packages/':
        return 's3:ListBucketMultipartUploads' if 'uploads' in request.query else 's3:ListBucket'
    if 'uploadId' in request.query and request.method in ('GET', 'DELETE'):
        return {'GET': 's3:ListMultipartUploadParts', 'DELETE': 's3:AbortMultipartUpload'}[request.method]
    return {'GET': 's3:GetObject', 'HEAD': 's3:GetObject', 'DELETE': 's3:DeleteObject', 'POST': 's3:PutObject',
            'PUT': 's3:PutObject'}[request.method]


def test_the_documented_policy_allows_what_the_server_does_and_no_more(api, app, make, s3, monkeypatch):
    from plugin_tests.doctor.test_checks import found
    from slicer_package_manager.registry.storage.s3 import S3Store
    monkeypatch.setattr(S3Store, 'CHUNK_LEN', 6 * MIB)
    item = make('package', content=CONTENT)
    httpx.get(api.get(f'/item/{item["_id"]}/download').headers['Location']).raise_for_status()
    api.delete(f'/app/{app["_id"]}/package/{item["_id"]}').raise_for_status()
    begun = [api.post('/file', params={'parentType': 'item', 'parentId': make('package')['_id'], 'name': 'f.zip',
                                       'size': 12 * MIB}).raise_for_status().json() for _ in range(2)]
    api.post('/file/chunk', params={'uploadId': begun[0]['_id'], 'offset': 0}, content=bytes(6 * MIB),
             headers={'Content-Type': 'application/octet-stream'}).raise_for_status()
    api.delete(f'/file/upload/{begun[0]["_id"]}').raise_for_status()
    request = begun[1]['s3']['request']
    multipart = httpx.request(request['method'], request['url'], headers=request['headers']).text
    part = {'s3UploadId': multipart.partition('<UploadId>')[2].partition('<')[0], 'partNumber': 1}
    api.post('/file/chunk', params={'uploadId': begun[1]['_id'], 'offset': 0, 'chunk': json.dumps(part)})
    assert api.post('/file/completion', params={'uploadId': begun[1]['_id']}).status_code == 400
    assert found() == []
    policy = json.loads(re.search(r'```json\n(\{\s+"Version".*?)```', PAGE, re.DOTALL)[1])
    allowed = {one for statement in policy['Statement'] for one in statement['Action']}
    assert {action(one) for one in s3.requests if one.path != '/packages' or one.method != 'PUT'} == allowed
