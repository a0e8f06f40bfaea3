"""A build machine that does not give up: it tries again what the server refuses for now, and notes every answer."""
import hashlib
import threading
import time

import httpx

from plugin_tests.conftest import EXTENSION_FORM
from plugin_tests.waiting import PATIENCE


class Machine:
    """One client of the server at ``url``, logged in with ``token``, or anonymous.

    ``answers`` are pairs of a status and the seconds that it took; ``troubles`` is all that is neither a success nor
    a 503 that says when to come back.
    """

    def __init__(self, url, token=''):
        headers = {'Girder-Token': token} if token else {}
        self._client = httpx.Client(base_url=f'{url}/api/v1', headers=headers)
        self.answers, self.troubles = [], []

    def once(self, method, path, **request):
        """One request; ``None`` for one that the server could not answer now."""
        started = time.monotonic()
        try:
            answer = self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            self.troubles.append(f'{method} {path}: {error!r}')
            return None
        self.answers.append((answer.status_code, time.monotonic() - started))
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and 'Retry-After' in answer.headers:
            return None
        return answer

    def ask(self, method, path, **request):
        """The answer, however often it must be asked for."""
        deadline = time.monotonic() + PATIENCE
        while (answer := self.once(method, path, **request)) is None:
            assert time.monotonic() < deadline, f'{method} {path}: {self.answers[-3:]} {self.troubles[-3:]}'
            threading.Event().wait(0.1)
        return answer

    def need(self, method, path, **request):
        """The answer, which must be a success."""
        answer = self.ask(method, path, **request)
        assert answer.is_success, f'{method} {path}: {answer.status_code} {answer.headers} {answer.text[:300]}'
        return answer

    def upload(self, app_id, name, content, pieces=2):
        """Make an extension with a file, sent in ``pieces``, and return its id; by then all of it is acknowledged."""
        form = {**EXTENSION_FORM, 'baseName': name}
        item = self.need('POST', f'/app/{app_id}/extension', params=form).json()
        acknowledged = False
        while not self._stored(item['_id'], content):
            acknowledged = self._send(item['_id'], f'{name}.tar.gz', content, -(-len(content) // pieces))
        if not acknowledged:  # it is stored, but what was answered was that it may not be
            self.need('POST', f'/app/{app_id}/extension', params=form)
        return item['_id']

    def _stored(self, item_id, content):
        files = self.need('GET', f'/item/{item_id}/files').json()
        return [file['sha512'] for file in files] == [hashlib.sha512(content).hexdigest()]

    def _send(self, item_id, name, content, step):
        begun = self.need('POST', '/file', data={
            'parentType': 'item', 'parentId': item_id, 'name': name, 'size': len(content)}).json()
        offset = 0
        while offset < len(content):
            sent = self.once('POST', '/file/chunk', params={'uploadId': begun['_id'], 'offset': offset},
                             content=content[offset:offset + step])
            if sent is not None:
                assert sent.is_success, f'chunk at {offset}: {sent.status_code} {sent.text[:300]}'
                offset += len(sent.request.content)
                continue
            answer = self.ask('GET', '/file/offset', params={'uploadId': begun['_id']})
            if not answer.is_success:
                return False  # it is complete, or gone: the files of the item show it
            offset = answer.json()['offset']
        return True

    def close(self):
        """End the connection."""
        self._client.close()
