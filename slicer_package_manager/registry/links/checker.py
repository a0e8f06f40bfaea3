"""Check that the files which URL-only packages link to are still there, and unchanged."""
from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote

import httpx
from girder.models.file import File
from girder.models.item import Item

from slicer_package_manager import retries
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.tree import keys

GITHUB_API = 'https://api.github.com'
OK, BROKEN, CHANGED, UNREACHABLE = 'ok', 'broken', 'changed', 'unreachable'
#: An item with its link file.
Pair = tuple[Document, Document]
#: The longest pause before a retry, in seconds, whatever a server asks for.
_LONGEST_PAUSE = 900
_ASSET = re.compile(r'https://github\.com/([^/]+)/([^/]+)/releases/download/([^/]+)/([^/?]+)')


class Finding(NamedTuple):
    """Result for one link: ``state`` is ``ok``, ``broken``, ``changed`` or ``unreachable``."""

    item: str
    name: str
    url: str
    state: str
    reason: str


@dataclass(frozen=True)
class Options:
    """How other servers are asked.

    :param concurrency: requests at the same time.
    :param timeout: of one request, in seconds.
    :param attempts: at each URL.
    :param pause: before the second attempt, in seconds; each further one is twice as long.
    """

    concurrency: int = 4
    timeout: float = 30
    attempts: int = 4
    pause: float = 1
    github_api: str = GITHUB_API


def linked_files(app: Document | None = None) -> Iterator[Pair]:
    """Yield the items of URL-only packages with their link files: those of ``app``, or of all applications."""
    mine = {f'item.{keys.PACKAGE_TYPE}': {'$exists': True}, **({f'item.{keys.APP}': app['_id']} if app else {})}
    for file in File().collection.aggregate([
            {'$match': {'linkUrl': {'$exists': True}, 'itemId': {'$ne': None}, 'assetstoreId': None}},
            {'$lookup': {'from': 'item', 'localField': 'itemId', 'foreignField': '_id', 'as': 'item'}},
            {'$unwind': '$item'}, {'$match': mine}]):
        yield file['item'], file


def check(pairs: Iterable[Pair], options: Options) -> Iterator[Finding]:
    """Check the link of each of ``pairs``, which are items with their link files; yield findings in this order."""
    headers = {'User-Agent': 'slicer-package-manager links check'}
    with httpx.Client(timeout=options.timeout, follow_redirects=True, headers=headers) as client:
        checker = _Checker(client, options)
        with ThreadPoolExecutor(options.concurrency) as pool:
            yield from pool.map(checker.check, pairs)


def _note(file: Document, state: str, reason: str) -> None:
    """Store with ``file`` what is wrong with its link, for administrators; nothing is written for a link that works."""
    same = {'_id': file['_id'], 'linkUrl': file['linkUrl']}
    if state != OK:
        finding = {'state': state, 'reason': reason, 'checked': clock.now()}
        File().collection.update_one(same, {'$set': {keys.LINK_CHECK: finding}})
    elif 'link' in file.get('spm', {}):
        File().collection.update_one(same, {'$unset': {keys.LINK_CHECK: ''}})


def broken(most: int) -> list[Pair]:
    """Up to ``most`` items, with their link files, whose links the last check has not found ``ok``."""
    files = list(File().find({keys.LINK_CHECK: {'$exists': True}, 'linkUrl': {'$exists': True}},
                             sort=[('_id', 1)], limit=most))
    items = {item['_id']: item for item in Item().find({'_id': {'$in': [one['itemId'] for one in files]}},
                                                       fields=['name'])}
    return [(items[one['itemId']], one) for one in files if one['itemId'] in items]


class _Checker:
    def __init__(self, client: httpx.Client, options: Options) -> None:
        self.client = client
        self.options = options
        self._releases: dict[tuple[str, str, str], dict[str, str | None]] = {}

    def check(self, pair: Pair) -> Finding:
        item, file = pair
        try:
            state, reason = self._judge(file)
        except (retries.BusyError, httpx.HTTPError, httpx.InvalidURL) as error:
            state, reason = UNREACHABLE, str(error) or type(error).__name__
        _note(file, state, reason)
        return Finding(str(item['_id']), item['name'], file['linkUrl'], state, reason)

    def _judge(self, file: Document) -> tuple[str, str]:
        response = self._request('HEAD', file['linkUrl'])
        if not response.is_success:
            return BROKEN, f'status {response.status_code}'
        length = response.headers.get('Content-Length')
        if length and file.get('size') is not None and int(length) != file['size']:
            return CHANGED, f'{length} bytes instead of {file["size"]}'
        return self._judge_asset(file)

    def _judge_asset(self, file: Document) -> tuple[str, str]:
        """Compare the checksum that GitHub reports for an asset with that of the first check, which stores it."""
        digest = self._digest(file['linkUrl'])
        known = file.get('spm', {}).get('digest')
        if digest and known and digest != known:
            return CHANGED, f'checksum {digest} instead of {known}'
        if digest and not known:
            same = {'_id': file['_id'], 'linkUrl': file['linkUrl']}
            File().update(same, {'$set': {keys.DIGEST: digest}}, multi=False)
        return OK, ''

    def _digest(self, url: str) -> str | None:
        asset = _ASSET.fullmatch(url.partition('?')[0])
        if not asset:
            return None
        release = self._release(*map(unquote, asset.groups()[:3]))
        return release.get(unquote(asset[4]))

    def _release(self, owner: str, repository: str, tag: str) -> dict[str, str | None]:
        key = (owner, repository, tag)
        if key not in self._releases:
            token = os.environ.get('GITHUB_TOKEN')
            response = self._request(
                'GET', f'{self.options.github_api}/repos/{owner}/{repository}/releases/tags/{quote(tag, safe="")}',
                headers={'Authorization': f'Bearer {token}'} if token else {})
            assets = response.json().get('assets', []) if response.is_success else []
            self._releases[key] = {asset['name']: asset.get('digest') for asset in assets}
        return self._releases[key]

    def _request(self, method: str, url: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Send a request, and again after growing pauses while the other server is busy or cannot be reached."""
        retrying = retries.repeated(self.options.attempts, self.options.pause, _LONGEST_PAUSE)
        return retrying(lambda: retries.final(self.client.request(method, url, headers=headers)))
