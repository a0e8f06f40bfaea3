"""A JSON response that a client may already have, or may accept compressed."""
from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from slicer_package_manager.rest.http.headers import accepts_gzip

#: The header with a search that the user has probably meant, percent-encoded.
SUGGESTION = 'Slicer-Search-Suggestion'
#: Compression makes smaller bodies no smaller, in bytes.
_SMALLEST_COMPRESSED = 1400


@dataclass
class JsonResponse:
    """A list or an object as JSON.

    :param body: the JSON.
    :param total: the number of documents on all pages of a list; ``None`` if the response is no list.
    :param cache_control: the header ``Cache-Control``.
    :param media_type: the header ``Content-Type``.
    :param suggestion: a search that the user has probably meant; empty without one.
    """

    body: bytes
    total: int | None
    cache_control: str
    media_type: str = 'application/json'
    suggestion: str = ''

    def __post_init__(self) -> None:
        self.tag = hashlib.sha1(self.body, usedforsecurity=False).hexdigest()
        self._compressed: bytes | None = None
        #: Representations that are ready to be sent, by ``Accept-Encoding``. The front of the server keeps them.
        self.represented: dict[str, Any] = {}

    def negotiate(self, accept_encoding: str = '', if_none_match: str = '') -> tuple[int, dict[str, str], bytes]:
        """Choose the representation for a client that sends the headers ``Accept-Encoding`` and ``If-None-Match``.

        :returns: the status, the headers and the body: 304 without a body if the client has this response.
        """
        headers = {'Cache-Control': self.cache_control, 'Vary': 'Accept-Encoding, Girder-Token, Cookie, Origin'}
        headers.update(_for_nginx(self.cache_control))
        if self.total is not None:
            headers['Girder-Total-Count'] = str(self.total)
        if self.suggestion:
            headers[SUGGESTION] = quote(self.suggestion)
        is_compressed = len(self.body) >= _SMALLEST_COMPRESSED and accepts_gzip(accept_encoding)
        # The compressed body is another representation, with an ETag of its own (RFC 9110, section 8.8.3.3).
        headers['ETag'] = f'"{self.tag}-gzip"' if is_compressed else f'"{self.tag}"'
        if if_none_match and self._is_named_in(if_none_match):
            return 304, headers, b''
        headers['Content-Type'] = self.media_type
        if not is_compressed:
            return 200, headers, self.body
        headers['Content-Encoding'] = 'gzip'
        return 200, headers, self._compress()

    def _compress(self) -> bytes:
        if self._compressed is None:
            self._compressed = gzip.compress(self.body, compresslevel=6, mtime=0)
        return self._compressed

    def _is_named_in(self, if_none_match: str) -> bool:
        tags = (one.strip().removeprefix('W/').strip('"').removesuffix('-gzip') for one in if_none_match.split(','))
        return any(one in (self.tag, '*') for one in tags)


@lru_cache(maxsize=64)
def _for_nginx(cache_control: str) -> dict[str, str]:
    """Translate ``Cache-Control`` for nginx, which removes the header ``X-Accel-Expires`` from the response.

    nginx stores only responses with a lifetime, so "revalidate every time" becomes an expiry in the past.
    """
    if not cache_control.startswith('public'):
        return {}
    seconds = cache_control.partition('max-age=')[2]
    return {'X-Accel-Expires': seconds or '@1'}
