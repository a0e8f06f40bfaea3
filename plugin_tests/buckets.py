"""An imitation of S3 on loopback, by moto, that fails on request."""
import contextlib
import threading
from typing import NamedTuple
from urllib.parse import parse_qs

import boto3
import httpx
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

CREDENTIALS = {'region_name': 'us-east-1', 'aws_access_key_id': 'id', 'aws_secret_access_key': 'secret'}


class Request(NamedTuple):
    """A request that the storage received: method, path and query."""

    method: str
    path: str
    query: str


class Storage:
    """Object storage at ``url`` with the bucket ``packages``; ``requests`` lists what it received.

    ``fail`` is called with each request: ``refuse`` for a 503, ``forget`` for one after it did what was asked for,
    ``break_off`` for half an answer, and anything else for no failure.
    """

    refuse, forget, break_off = 'refuse', 'forget', 'break_off'

    def __init__(self):
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server('127.0.0.1', 0, self._answer, threaded=True, request_handler=MotoRequestHandler)
        self.url = f'http://127.0.0.1:{self._server.port}'
        self.client = boto3.client('s3', endpoint_url=self.url, **CREDENTIALS)
        self.requests, self.fail = [], lambda _: None
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def clear(self):
        """Begin anew, with an empty bucket."""
        httpx.post(f'{self.url}/moto-api/reset').raise_for_status()
        self.client.create_bucket(Bucket='packages')
        self.requests, self.fail = [], lambda _: None

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ, start_response):
        request = Request(environ['REQUEST_METHOD'], environ['PATH_INFO'], environ.get('QUERY_STRING', ''))
        self.requests.append(request)
        failure = self.fail(request)
        if failure == self.refuse:
            environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
            return self._busy(start_response)
        if failure == self.forget:
            list(self._app(environ, lambda *_: None))
            return self._busy(start_response)
        if request.method == 'PUT' and not self._knows_upload(request):
            return self._error(start_response, '404 Not Found', 'NoSuchUpload')  # moto has a defect there
        answer = self._app(environ, start_response)
        return self._half(answer) if failure == self.break_off else answer

    def _busy(self, start_response):
        return self._error(start_response, '503 Slow Down', 'SlowDown')

    @staticmethod
    def _error(start_response, status, code):
        start_response(status, [('Content-Type', 'application/xml')])
        return [f'<Error><Code>{code}</Code><Message>As you see.</Message></Error>'.encode()]

    @staticmethod
    def _knows_upload(request):
        asked = parse_qs(request.query).get('uploadId', ())
        bucket = request.path.split('/')[1]
        known = s3_backends[DEFAULT_ACCOUNT_ID]['aws'].buckets[bucket].multiparts if asked else ()
        return all(one in known for one in asked)

    @staticmethod
    def _half(answer):
        whole = b''.join(answer)
        yield whole[:len(whole) // 2]
        raise ConnectionAbortedError

    def objects(self):
        """The contents of all objects by their keys."""
        found = self.client.list_objects_v2(Bucket='packages').get('Contents', ())
        return {one['Key']: self.client.get_object(Bucket='packages', Key=one['Key'])['Body'].read() for one in found}

    def unfinished(self):
        """The multipart uploads that are neither complete nor aborted."""
        return self.client.list_multipart_uploads(Bucket='packages').get('Uploads', [])


@contextlib.contextmanager
def running():
    """A storage for as long as the context lasts."""
    storage = Storage()
    try:
        yield storage
    finally:
        storage.stop()


def address(storage):
    """Where ``storage`` is, and its credentials, as fields of an assetstore."""
    return {'bucket': 'packages', 'accessKeyId': 'id', 'secret': 'secret', 'service': storage.url,
            'region': 'us-east-1'}


def use(storage, **values):
    """Have Girder keep new files in ``storage``; gives the assetstore."""
    from girder.models.assetstore import Assetstore
    store = Assetstore().createS3Assetstore(name='objects', **address(storage), **values)
    return Assetstore().save({**store, 'current': True})
