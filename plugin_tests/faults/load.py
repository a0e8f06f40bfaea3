"""Clients that upload, replace, delete, list and download, and know what must be there afterwards."""
import hashlib
import threading

import httpx

from plugin_tests.conftest import EXTENSION_FORM

PIECE = 60_000
BINARY = {'Content-Type': 'application/octet-stream'}


class Broken(Exception):  # noqa: N818 - no error of the test
    """The server did not answer, or said that it cannot."""


class Round:
    """One time under load: ``due`` to end by a kill after ``answers`` answers, and ``over`` after it.

    ``downloads`` have to be complete before it is due, unless the server fails.
    """

    def __init__(self, answers, downloads=0):
        self._lock = threading.Lock()
        self._left, self._downloads = answers, downloads
        self.due = threading.Event()
        self.over = threading.Event()

    def answered(self, *, downloaded=False):
        """Note an answer, or that the last one was a complete download."""
        with self._lock:
            self._downloads -= downloaded
            self._left -= not downloaded
            if max(self._left, self._downloads) <= 0:
                self.due.set()


class Client:
    """A client of the API at ``url``, with a connection for each round."""

    def __init__(self, url, token=None):
        self._options = {'base_url': url, 'headers': {'Girder-Token': token} if token else {}}
        self._client = None
        self._round = None

    def work(self, round_):
        """Run one step after the other until the server fails or is killed."""
        self._round = round_
        with httpx.Client(**self._options) as self._client:
            try:
                while not self._round.over.is_set():
                    self.do_one()
            except Broken:
                round_.due.set()

    def call(self, method, path, *, may=(), **options):
        """An answer with success, or with one of the statuses ``may``."""
        try:
            answer = self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise Broken from error
        if answer.status_code >= 500:
            assert answer.status_code == 503, answer.text
            raise Broken
        assert answer.is_success or answer.status_code in may, f'{method} {path}: {answer.status_code} {answer.text}'
        self._round.answered()
        return answer


class Writer(Client):
    """The only one who writes its packages, whose names begin with ``number``.

    ``expected`` has for each name the checksums that its package may have, with ``None`` for no package.
    """

    def __init__(self, url, token, app, number, rng):
        super().__init__(url, token)
        self._path = f'/app/{app}/extension'
        self._names = [f'Writer{number}Package{one}' for one in range(3)]
        self._rng = rng
        self._version = 0
        self._left = None
        self.expected = {name: {None} for name in self._names}

    def do_one(self):
        if self._left:
            self._go_on()
        else:
            name = self._rng.choice(self._names)
            self._rng.choice([self._upload, self._upload, self._replace, self._delete])(name)

    def _content(self, name):
        self._version += 1
        line = f'{name}, version {self._version}\n'.encode()
        return line * (self._rng.choice([100, 2 * PIECE, 3 * PIECE + 7]) // len(line))

    def _create(self, name):
        return self.call('POST', self._path, params={**EXTENSION_FORM, 'baseName': name}).json()['_id']

    def _may_become(self, name, content):
        digest = hashlib.sha512(content).hexdigest() if content is not None else None
        self.expected[name].add(digest)
        return digest

    def _upload(self, name):
        """A new file, which takes the place of the old one; small ones come with the first request."""
        content = self._content(name)
        item = self._create(name)
        digest = self._may_become(name, content)
        begin = {'parentType': 'item', 'parentId': item, 'name': f'{name}.zip', 'size': len(content)}
        if len(content) < PIECE:
            self.call('POST', '/file', params=begin, content=content, headers=BINARY)
            self.expected[name] = {digest}
        else:
            self._send(name, content, digest, self.call('POST', '/file', params=begin).json()['_id'], 0)

    def _replace(self, name):
        """New contents of the same file."""
        files = self.call('GET', f'/item/{self._create(name)}/files').json()
        if files:
            content = self._content(name)
            digest = self._may_become(name, content)
            begun = self.call('PUT', f'/file/{files[0]["_id"]}/contents', params={'size': len(content)}).json()['_id']
            self._send(name, content, digest, begun, 0)

    def _send(self, name, content, digest, upload, offset):
        self._left = name, content, digest, upload
        while offset < len(content):
            self.call('POST', '/file/chunk', params={'uploadId': upload, 'offset': offset}, headers=BINARY,
                      content=content[offset:offset + PIECE])
            offset += PIECE
        self.expected[name] = {digest}
        self._left = None

    def _go_on(self):
        """Go on with an upload that was interrupted, or leave it."""
        name, content, digest, upload = self._left
        answer = self.call('GET', '/file/offset', params={'uploadId': upload}, may={400, 404})
        if not answer.is_success:
            self._left = None  # it was complete, or had not begun for good
        elif answer.json()['offset'] == len(content):
            self.call('POST', '/file/completion', params={'uploadId': upload})
            self.expected[name] = {digest}
            self._left = None
        else:
            self._send(name, content, digest, upload, answer.json()['offset'])

    def _delete(self, name):
        found = self.call('GET', self._path, params={'baseName': name}).json()
        if found:
            self._may_become(name, None)
            self.call('DELETE', f'{self._path}/{found[0]["_id"]}')
            self.expected[name] = {None}


class Reader(Client):
    """List and download what is listed; ``begun`` and ``complete`` are its downloads."""

    def __init__(self, url, app):
        super().__init__(url)
        self._path = f'/app/{app}/extension'
        self.begun = self.complete = 0

    def do_one(self):
        for item in self.call('GET', self._path, params={'limit': 0}).json():
            self.begun += 1
            answer = self.call('GET', f'/item/{item["_id"]}/download', may={400, 404})
            if answer.is_success:
                self.complete += 1
                self._round.answered(downloaded=True)
                assert is_of_etag(answer), described(item, answer)

    def check(self, round_, expected):
        """All packages by name, when no process writes: each has one whole file, and is one that it may be."""
        self._round = round_
        with httpx.Client(**self._options) as self._client:
            found = {item['meta']['baseName']: item for item in self.call(
                'GET', self._path, params={'limit': 0}).json()}
            for name, may in expected.items():
                assert self._checksum(found.get(name)) in may, f'{name}: {found.get(name)}'
        return found

    def _checksum(self, item):
        if item is None:
            return None
        (file,) = self.call('GET', f'/item/{item["_id"]}/files').json()
        self.begun += 1
        content = self.call('GET', f'/item/{item["_id"]}/download').content
        self.complete += 1
        digest = hashlib.sha512(content).hexdigest()
        assert (item['meta']['sha512'], file['sha512'], file['size']) == (digest, digest, len(content))
        return digest


def is_of_etag(answer):
    """Whether the body of a download is the one that its ``ETag`` states."""
    return answer.headers.get('ETag') == f'"{hashlib.sha512(answer.content).hexdigest()}"'


def described(item, answer):
    """A download of ``item`` for the message of a failure; the first line of a body states its name and version."""
    return (f'{answer.request.url}: {answer.status_code} with {len(answer.content)} bytes, of the SHA-512 '
            f'{hashlib.sha512(answer.content).hexdigest()}, that begin with {answer.content[:60]}. The headers are '
            f'{dict(answer.headers)}, and the list had stated {item["meta"]}.')
