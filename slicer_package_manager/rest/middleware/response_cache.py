"""Answers that are kept in this process as long as they are true."""
from __future__ import annotations

import gzip
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

from slicer_package_manager.rest.http import headers as http_headers

#: Smaller bodies gain nothing from compression.
_SMALL = 1400
#: How long answers are kept at most, in seconds: a process that is killed after it wrote, and before it could announce
#: that, leaves the others with answers that look true.
_LONGEST = 60


@dataclass
class Answer:
    """A list, or an object, as JSON.

    :param body: its bytes.
    :param tag: a hash of them.
    :param total: the number of documents on all pages of a list.
    :param freshness: what caches may do with it, as ``Cache-Control`` says it.
    :param packed: the bytes compressed; ``None`` until a client asks for them.
    """

    body: bytes
    tag: str
    total: int | None
    freshness: str
    packed: bytes | None = None

    def represented(self, accept_encoding='', if_none_match=''):
        """What a client gets that sends these headers.

        :returns: the status, the headers and the body: 304 without a body if the client has this very answer.
        """
        headers = {'Cache-Control': self.freshness, 'Vary': 'Accept-Encoding, Girder-Token, Cookie, Origin'}
        headers.update(_for_nginx(self.freshness))
        if self.total is not None:
            headers['Girder-Total-Count'] = str(self.total)
        packed = len(self.body) >= _SMALL and accepts_gzip(accept_encoding)
        # The compressed body is another representation, with a tag of its own.
        headers['ETag'] = f'"{self.tag}-gzip"' if packed else f'"{self.tag}"'
        if if_none_match and self._is_named_in(if_none_match):
            return 304, headers, b''
        headers['Content-Type'] = 'application/json'
        if not packed:
            return 200, headers, self.body
        headers['Content-Encoding'] = 'gzip'
        if self.packed is None:
            self.packed = gzip.compress(self.body, compresslevel=6, mtime=0)
        return 200, headers, self.packed

    def _is_named_in(self, if_none_match):
        tags = (one.strip().removeprefix('W/').strip('"').removesuffix('-gzip') for one in if_none_match.split(','))
        return any(one in (self.tag, '*') for one in tags)


@lru_cache(maxsize=64)
def _for_nginx(freshness):
    """What says ``freshness`` to nginx, which keeps nothing that it must ask for each time unless it is out of date.

    nginx takes the header, and does not pass it on.
    """
    if not freshness.startswith('public'):
        return {}
    seconds = freshness.partition('max-age=')[2]
    # A moment in 1970: kept, and compared with the server at each request.
    return {'X-Accel-Expires': seconds or '@1'}


@lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a client that sends this ``Accept-Encoding`` takes a compressed answer."""
    return any(one.value.lower() in ('gzip', 'x-gzip') and http_headers.weight(one)
               for one in http_headers.elements('Accept-Encoding', accept_encoding))


class Kept:
    """Answers by question, the latest used ones, all of one version of the data.

    Threads may share it.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._answers: OrderedDict = OrderedDict()
        self._version = None
        self._since = 0.0
        self._size = 0

    def __contains__(self, question):
        """Whether there is an answer to ``question`` of some version."""
        return question in self._answers

    def get(self, question, version) -> Answer | None:
        """The answer to ``question`` if it was made of that ``version``; ``None`` if there is none."""
        with self._lock:
            if version is None or self._is_over(version) or question not in self._answers:
                return None
            self._answers.move_to_end(question)
            return self._answers[question]

    def put(self, question, version, answer, limit) -> None:
        """Keep ``answer``, which was made of ``version`` or something newer.

        :param limit: bytes that all answers together may take; those that were not asked for the longest go.
        """
        size = _size(question, answer)
        if version is None or size > limit:
            return
        with self._lock:
            if self._is_over(version):
                self._answers.clear()
                self._version, self._since, self._size = version, time.monotonic(), 0
            if question not in self._answers:
                self._size += size
            self._answers[question] = answer
            while self._size > limit:
                oldest, dropped = self._answers.popitem(last=False)
                self._size -= _size(oldest, dropped)

    def _is_over(self, version):
        return version != self._version or time.monotonic() - self._since > _LONGEST


def _size(question, answer):
    """Roughly the bytes of memory that an answer takes, with what becomes of it when it is compressed."""
    return len(answer.body) * 5 // 4 + len(repr(question)) + 1024


#: What this process keeps: lists for the anonymous, by the path and the query that they were asked for with.
KEPT = Kept()


def question_of(wsgi) -> tuple[str, str]:
    """What a request asks for, as its environment ``wsgi`` tells."""
    return wsgi['PATH_INFO'], wsgi.get('QUERY_STRING', '')
