"""Delivery of the file of a package or extension over HTTP.

1. The URL of a link must still be allowed.
2. The client is redirected if the file is not on this server, and the settings and the client allow it.
3. Otherwise, conditional headers are evaluated: 304 and 412 end here.
4. The requested part is determined, from ``Range`` or from Girder's query parameters: 416 ends here.
5. The content is opened: in its store, or on the server that a link leads to. Failures up to here are still a response
   with a status of its own.
6. The headers describe the content. After its last byte, the download is counted.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from itertools import chain, islice
from typing import Any

import cherrypy
from girder.api.rest import setResponseHeader
from girder.exceptions import RestException

from slicer_package_manager.registry.downloads import counter, rules
from slicer_package_manager.registry.links import fetch
from slicer_package_manager.registry.links import rules as link_rules
from slicer_package_manager.registry.schema.errors import BadGateway
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.storage import reading, stores
from slicer_package_manager.registry.tree.types import PackageItem
from slicer_package_manager.rest.http import semantics

_FOUND, _NOT_MODIFIED, _PRECONDITION_FAILED, _UNSATISFIABLE = 302, 304, 412, 416

#: The body of a response: Girder calls the function and sends what it yields.
Body = Callable[[], Iterator[bytes]]


class _Download:
    """One request for ``file`` of ``item``.

    :ivar part: the part of the file that is sent, ``None`` for all of it.
    :ivar size: bytes of the file, ``None`` if unknown.
    :ivar store: the store that has the file; ``None`` for a link, and for an empty file, which needs none to decide on
        a redirect.
    """

    def __init__(self, item: PackageItem, file: Mapping[str, Any], disposition: str, is_public: bool) -> None:
        self.item, self.is_public = item, is_public
        self.file: Document = dict(file)
        self.disposition = semantics.content_disposition(file['name'], disposition)
        self.part: semantics.Part | None = None
        self.size: int | None = file.get('size')
        self.is_link = not file.get('assetstoreId')
        self.store = stores.of_file(self.file) if self.size else None
        self.tag = f'"{file["sha512"]}"' if file.get('sha512') else None
        created: datetime = file['created']
        self.modified = created if created.tzinfo else created.replace(tzinfo=timezone.utc)
        self.headers = cherrypy.request.headers
        self.method: str = cherrypy.request.method

    def counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield ``chunks``, and count the download after the last one was taken."""
        yield from chunks
        if rules.counts(self.method, self.part, self.size):
            counter.count(self.item, is_public=self.is_public)


def deliver(item: PackageItem, file: Mapping[str, Any], disposition: str = 'attachment',
            bounds: tuple[int, int | None] = (0, None), *, is_public: bool = False) -> Body:
    """Answer the current request with ``file`` of ``item``: set status and headers, and return the body.

    :param disposition: ``attachment`` or ``inline``.
    :param bounds: first byte and the one after the last, as query parameters ask for; ``None`` for the end of the file.
        A ``Range`` header has priority.
    :param is_public: whether everyone may download it.
    :raises RestException: 412 or 416 (RFC 9110), 403 for a link that is no longer allowed, or 502 when another server
        fails.
    """
    download = _Download(item, file, disposition, is_public)
    if _redirects(download):
        return _redirect(download)
    _set_validators(download)
    if semantics.precondition_failed(download.headers, download.tag, download.modified):
        raise RestException('The file has changed.', code=_PRECONDITION_FAILED)
    if semantics.not_modified(download.headers, download.tag, download.modified):
        cherrypy.response.status = _NOT_MODIFIED
        cherrypy.response.headers.pop('Content-Type', None)
        return _no_content
    _choose_part(download, *bounds)
    body = _body(download)
    _describe(download)
    return body


def _no_content() -> Iterator[bytes]:
    return iter(())


def _redirects(download: _Download) -> bool:
    """Whether the client is redirected to the file.

    :raises Forbidden: the file is a link that is no longer allowed.
    """
    if download.is_link:
        way, hosts = settings.get_each(settings.LINK_DELIVERY, settings.LINK_HOSTS)
        link_rules.require_allowed(download.file['linkUrl'], hosts)
    elif download.store and download.store.has_urls:
        way = settings.get(settings.LINK_DELIVERY)
    else:
        return False
    return rules.redirects(way, download.headers.get('User-Agent'))


def _redirect(download: _Download) -> Body:
    url = (reading.url(download.file, download.store, download.disposition, head=download.method != 'GET')
           if download.store else download.file['linkUrl'])
    setResponseHeader('Location', url)
    cherrypy.response.status = _FOUND
    setResponseHeader('Cache-Control', 'no-store')
    setResponseHeader('Content-Length', 0)
    cherrypy.response.headers.pop('Content-Type', None)
    try:
        download.part = semantics.requested_part(download.headers.get('Range'), download.size or 0)
    except semantics.Unsatisfiable:
        download.part = None
    if not rules.redirect_counts(download.method, download.part, download.size):
        return _no_content
    return lambda: download.counted([b''])


def _set_validators(download: _Download) -> None:
    """Set the headers by which a client finds out whether the file has changed."""
    setResponseHeader('Cache-Control', 'no-cache')
    setResponseHeader('Last-Modified', semantics.http_date(download.modified))
    for name in ('Expires', 'Pragma'):
        cherrypy.response.headers.pop(name, None)
    if download.tag:
        setResponseHeader('ETag', download.tag)


def _choose_part(download: _Download, start: int, stop: int | None) -> None:
    """Set the part that is sent: that of a ``Range`` header that applies, or else from ``start`` to ``stop``."""
    size = download.size
    if size is None:
        return
    applies = semantics.range_applies(download.headers, download.tag, download.modified)
    try:
        download.part = (applies and semantics.requested_part(download.headers.get('Range'), size)
                         ) or semantics.part_between(start, stop, size)
    except semantics.Unsatisfiable:
        setResponseHeader('Content-Range', f'bytes */{size}')
        raise RestException(f'The file has {size} bytes, none of which are in the requested part.',
                            code=_UNSATISFIABLE) from None


def _describe(download: _Download) -> None:
    """Set the headers that describe the content."""
    setResponseHeader('Content-Type', download.file.get('mimeType') or 'application/octet-stream')
    setResponseHeader('Content-Disposition', download.disposition)
    if download.size is None:
        return
    setResponseHeader('Accept-Ranges', 'bytes')
    part = download.part
    setResponseHeader('Content-Length', download.size if part is None else part.stop - part.start)
    if part is not None:
        setResponseHeader('Content-Range', f'bytes {part.start}-{part.stop - 1}/{download.size}')


def _body(download: _Download) -> Body:
    if download.method != 'GET':
        return _no_content
    if download.is_link:
        return _fetched(download)
    store = download.store or stores.of_file(download.file)
    start, stop = download.part or (0, download.size or 0)
    chunks = reading.read(download.file, store, start, stop)
    return lambda: download.counted(chunks())


def _fetched(download: _Download) -> Body:
    """Open the file of a link on its server, and return its bytes as a body."""
    remote = fetch.fetch(download.file['linkUrl'], download.part)
    if not remote.partial:  # a server that does not support ranges sends all of the file
        download.part = None
    part = download.part
    wanted = download.size if part is None else part.stop - part.start
    try:
        remote.require(wanted, 0 if part is None else part.start)
    except BadGateway:
        remote.close()
        raise
    download.size = download.size if download.size is not None else remote.size
    chunks = fetch.verified(remote, wanted, download.file.get('sha512') if part is None else None)
    first = list(islice(chunks, 1))  # a failure before the first chunk is still a 502
    return lambda: download.counted(chain(first, chunks))
