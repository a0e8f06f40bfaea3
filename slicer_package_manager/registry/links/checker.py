"""Checks that what URL-only packages link to is still there, and still what it was."""
from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, unquote

import httpx
from girder.models.file import File
from girder.models.item import Item
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

GITHUB_API = 'https://api.github.com'
OK, BROKEN, CHANGED, UNREACHABLE = 'ok', 'broken', 'changed', 'unreachable'
#: Files whose items are looked up together.
_BATCH = 500
#: No server is waited for longer than this, in seconds, whatever it asks.
_LONGEST_PAUSE = 900
_ASSET = re.compile(r'https://github\.com/([^/]+)/([^/]+)/releases/download/([^/]+)/([^/?]+)')
_TOO_MANY = (httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS)


@dataclass
class Finding:
    """What became of one link: ``state`` is ``ok``, ``broken``, ``changed`` or ``unreachable``."""

    item: str
    name: str
    url: str
    state: str
    reason: str = ''

    def as_dict(self) -> dict[str, str]:
        """The finding for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Manners:
    """How other servers are asked: ``timeout`` in seconds, ``attempts`` at each URL, ``pause`` before the second."""

    concurrency: int = 4
    timeout: float = 30
    attempts: int = 4
    pause: float = 1
    github_api: str = GITHUB_API


class _Busy(Exception):  # noqa: N818 - the other side is, nothing failed
    """The other side asks to be asked again, after ``pause`` seconds if it says so."""

    def __init__(self, reason, pause=None):
        super().__init__(reason)
        self.pause = pause


def linked_files(app=None) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The items of URL-only packages with their link files; of ``app``, or of all applications."""
    mine = {'spm.kind': {'$exists': True}, **({'spm.app': app['_id']} if app else {})}
    found = list(File().find({'linkUrl': {'$exists': True}, 'itemId': {'$ne': None}, 'assetstoreId': None}))
    for start in range(0, len(found), _BATCH):
        batch = found[start:start + _BATCH]
        items = {item['_id']: item for item in Item().find(
            {'_id': {'$in': [file['itemId'] for file in batch]}, **mine}, fields=['name'])}
        yield from ((items[file['itemId']], file) for file in batch if file['itemId'] in items)


def check(pairs, manners: Manners) -> Iterator[Finding]:
    """Ask for each of ``pairs`` of item and link file whether the file is still there; findings as they come."""
    headers = {'User-Agent': 'slicer-package-manager links check'}
    with httpx.Client(timeout=manners.timeout, follow_redirects=True, headers=headers) as client:
        checker = _Checker(client, manners)
        with ThreadPoolExecutor(manners.concurrency) as pool:
            yield from pool.map(checker.check, pairs)


class _Checker:
    def __init__(self, client, manners):
        self.client = client
        self.manners = manners
        self._releases: dict[tuple[str, str, str], dict[str, Any]] = {}

    def check(self, pair):
        item, file = pair
        finding = Finding(str(item['_id']), item['name'], file['linkUrl'], OK)
        try:
            finding.state, finding.reason = self._judge(file)
        except (_Busy, httpx.HTTPError, httpx.InvalidURL) as error:
            finding.state, finding.reason = UNREACHABLE, str(error) or type(error).__name__
        return finding

    def _judge(self, file):
        response = self._patiently('HEAD', file['linkUrl'])
        if not response.is_success:
            return BROKEN, f'status {response.status_code}'
        length = response.headers.get('Content-Length')
        if length and file.get('size') is not None and int(length) != file['size']:
            return CHANGED, f'{length} bytes instead of {file["size"]}'
        return self._judge_asset(file)

    def _judge_asset(self, file):
        """Compare with what GitHub says of the asset, the first time only remembering its checksum."""
        digest = self._digest(file['linkUrl'])
        known = file.get('spm', {}).get('digest')
        if digest and known and digest != known:
            return CHANGED, f'checksum {digest} instead of {known}'
        if digest and not known:
            same = {'_id': file['_id'], 'linkUrl': file['linkUrl']}
            File().update(same, {'$set': {'spm.digest': digest}}, multi=False)
        return OK, ''

    def _digest(self, url):
        asset = _ASSET.fullmatch(url.partition('?')[0])
        if not asset:
            return None
        release = self._release(*map(unquote, asset.groups()[:3]))
        return release.get(unquote(asset[4]))

    def _release(self, owner, repository, tag):
        key = (owner, repository, tag)
        if key not in self._releases:
            token = os.environ.get('GITHUB_TOKEN')
            response = self._patiently(
                'GET', f'{self.manners.github_api}/repos/{owner}/{repository}/releases/tags/{quote(tag, safe="")}',
                headers={'Authorization': f'Bearer {token}'} if token else {})
            assets = response.json().get('assets', []) if response.is_success else []
            self._releases[key] = {asset['name']: asset.get('digest') for asset in assets}
        return self._releases[key]

    def _patiently(self, method, url, headers=None):
        """The answer to a request, asked again with growing pauses while the other side is busy or away."""
        for attempt in Retrying(stop=stop_after_attempt(self.manners.attempts), wait=self._pause, reraise=True,
                                retry=retry_if_exception_type((_Busy, httpx.TransportError))):
            with attempt:
                return _answer(self.client.request(method, url, headers=headers))
        raise AssertionError('Retrying ends with an answer or an exception.')

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = getattr(error, 'pause', None)
        return min(asked if asked is not None else self.manners.pause * 2 ** (state.attempt_number - 1), _LONGEST_PAUSE)


def _answer(response):
    """``response``, unless it asks to come back later.

    :raises _Busy: it does.
    """
    limited = response.status_code in _TOO_MANY and _is_limit(response.headers)
    if limited or response.is_server_error or response.status_code == httpx.codes.REQUEST_TIMEOUT:
        raise _Busy(f'status {response.status_code}', _asked_pause(response.headers))
    return response


def _is_limit(headers):
    return 'Retry-After' in headers or headers.get('X-RateLimit-Remaining') == '0'


def _asked_pause(headers):
    """The seconds after which the other side wants to be asked again, if it says so."""
    after, reset = headers.get('Retry-After', ''), headers.get('X-RateLimit-Reset', '')
    if after.isdigit():
        return int(after)
    if reset.isdigit() and headers.get('X-RateLimit-Remaining') == '0':
        return max(int(reset) - time.time(), 0)
    return None
