"""Delivery of the file of a package or extension over HTTP.

1. The URL of a link must still be allowed.
2. The client is redirected if the file is not on this server, and the settings and the client allow it.
3. Otherwise, conditional headers are evaluated: 304 and 412 end here.
4. The requested part is determined, from ``Range`` or from Girder's query parameters: 416 ends here.
5. The content is opened: in its store, or on the server that a link leads to. Failures up to here are still a response
   with a status of its own.
6. The headers describe the content. After its last byte, the download is counted.

:func:`respond` decides all this for any request, and :func:`respond_at_once` those that end at 2 or 3 without opening
anything; :func:`deliver` answers CherryPy's current one.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

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
from slicer_package_manager.registry.storage.store import Store, opened
from slicer_package_manager.registry.tree.types import PackageItem
from slicer_package_manager.rest.http import semantics

_OK, _PARTIAL, _FOUND, _NOT_MODIFIED, _PRECONDITION_FAILED, _UNSATISFIABLE = 200, 206, 302, 304, 412, 416

#: The body of a response: Girder calls the function and sends what it yields.
Body = Callable[[], Iterator[bytes]]


class Request(NamedTuple):
    """A request for a file.

    :param headers: by name; case matters only where the mapping says so.
    :param disposition: ``attachment`` or ``inline``.
    :param bounds: first byte and the one after the last, as query parameters ask for; ``None`` for the end of the file.
        A ``Range`` header has priority.
    """

    method: str
    headers: Mapping[str, str]
    disposition: str = 'attachment'
    bounds: tuple[int, int | None] = (0, None)


@dataclass
class Response:
    """A response to such a request.

    :ivar counts: whether the request is a download, once the client has taken the whole body.
    """

    status: int = _OK
    headers: dict[str, str] = field(default_factory=dict)
    body: Body = lambda: iter(())
    counts: bool = False


#: Returns the values of the settings ``link_delivery`` and ``link_hosts``.
Settings = Callable[[], tuple[str, list[str]]]


def read_settings() -> tuple[str, list[str]]:
    """Return the settings as they are in the database."""
    way, hosts = settings.get_each(settings.LINK_DELIVERY, settings.LINK_HOSTS)
    return way, hosts


def _streaming() -> tuple[str, list[str]]:
    """The settings that apply to clients which cannot follow redirects."""
    return 'stream', settings.get(settings.LINK_HOSTS)


class _Download:
    """One request for ``file``.

    :ivar part: the part of the file that is sent, ``None`` for all of it.
    :ivar size: bytes of the file, ``None`` if unknown.
    :ivar store: the store that has the file; ``None`` for a link.
    :ivar content: all bytes of the file, if they are in memory.
    """

    def __init__(self, request: Request, file: Mapping[str, Any], store: Store | None,
                 content: bytes | None = None) -> None:
        self.method, self.headers, self.bounds = request.method, request.headers, request.bounds
        self.file: Document = dict(file)
        self.disposition = semantics.content_disposition(file['name'], request.disposition)
        self.part: semantics.Part | None = None
        self.size: int | None = file.get('size')
        self.is_link = not file.get('assetstoreId')
        self.store, self.content = store, content
        self.tag = f'"{file["sha512"]}"' if file.get('sha512') else None
        created: datetime = file['created']
        self.modified = created if created.tzinfo else created.replace(tzinfo=timezone.utc)


def deliver(item: PackageItem | None, file: Mapping[str, Any], disposition: str = 'attachment',
            bounds: tuple[int, int | None] = (0, None), *, is_public: bool = False, may_redirect: bool = True) -> Body:
    """Answer CherryPy's current request with ``file`` of ``item``: set status and headers, and return the body.

    :param item: ``None`` for the file of an item that is no package, which is not counted.
    :param disposition: see :class:`Request`, as ``bounds``.
    :param is_public: whether everyone may download it.
    :param may_redirect: ``False`` to stream the file to all clients, whatever the settings are.
    :raises RestException: 412 or 416 (RFC 9110), 403 for a link that is no longer allowed, or 502 when another server
        fails.
    """
    request = Request(cherrypy.request.method, cherrypy.request.headers, disposition, bounds)
    try:
        response = respond(request, file, stores.of_file(dict(file)), read_settings if may_redirect else _streaming)
    except PartError as error:
        setResponseHeader('Content-Range', f'bytes */{error.size}')
        raise
    cherrypy.response.status = response.status
    for name in ('Expires', 'Pragma', 'Content-Type'):
        cherrypy.response.headers.pop(name, None)
    for name, value in response.headers.items():
        setResponseHeader(name, value)
    return lambda: _counted(response, item, is_public=is_public)


def _counted(response: Response, item: PackageItem | None, *, is_public: bool) -> Iterator[bytes]:
    """Yield the body of ``response``, and count the download after the last chunk was taken."""
    yield from response.body()
    if response.counts and item:
        yield b''  # servers send what they have, also the headers of a redirect, before they ask for more
        counter.wait(counter.count(item, is_public=is_public))


class PartError(RestException):  # type: ignore[misc] # Girder has no types
    """None of the requested bytes are in the file of ``size`` bytes (416)."""

    def __init__(self, size: int) -> None:
        super().__init__(f'The file has {size} bytes, none of which are in the requested part.', code=_UNSATISFIABLE)
        self.size = size


def respond(request: Request, file: Mapping[str, Any], store: Store | None, read: Settings) -> Response:
    """Return the response to ``request``, which is for ``file`` in ``store``.

    :raises RestException: see :func:`deliver`.
    """
    download = _Download(request, file, store)
    return _without_content(download, read) or _with_content(download)


def respond_at_once(request: Request, file: Mapping[str, Any], store: Store | None, read: Settings,
                    content: bytes | None = None) -> Response | None:
    """Return what :func:`respond` does if the response requires no other server and no disk, otherwise ``None``.

    :param content: all bytes of the file, if they are in memory. Not used while other plugins observe downloads: no
        event is triggered for it.
    :raises RestException: see :func:`deliver`.
    """
    if store and store.has_urls:  # to sign a URL, a store may request credentials
        return None
    download = _Download(request, file, store, None if reading.is_observed() else content)
    return _without_content(download, read) or (None if download.content is None else _with_content(download))


def _without_content(download: _Download, read: Settings) -> Response | None:
    if _redirects(download, read):
        return _redirect(download)
    if semantics.precondition_failed(download.headers, download.tag, download.modified):
        raise RestException('The file has changed.', code=_PRECONDITION_FAILED)
    if semantics.not_modified(download.headers, download.tag, download.modified):
        return Response(_NOT_MODIFIED, _validators(download))
    return None


def _with_content(download: _Download) -> Response:
    _choose_part(download)
    body = _body(download)
    headers = {**_validators(download), **_description(download)}
    return Response(_OK if download.part is None else _PARTIAL, headers, body,
                    rules.counts(download.method, download.part, download.size))


def _redirects(download: _Download, read: Settings) -> bool:
    """Whether the client is redirected to the file.

    :raises Forbidden: the file is a link that is no longer allowed.
    """
    if not download.is_link and not (download.size and download.store and download.store.has_urls):
        return False
    way, hosts = read()
    if download.is_link:
        link_rules.require_allowed(download.file['linkUrl'], hosts)
    return rules.redirects(way, download.headers.get('User-Agent'))


def _redirect(download: _Download) -> Response:
    url = (reading.url(download.file, download.store, download.disposition, head=download.method != 'GET')
           if download.store else download.file['linkUrl'])
    try:
        part = semantics.requested_part(download.headers.get('Range'), download.size or 0)
    except semantics.Unsatisfiable:
        part = None
    return Response(_FOUND, {'Location': url, 'Cache-Control': 'no-store', 'Content-Length': '0'},
                    counts=rules.redirect_counts(download.method, part, download.size))


def _validators(download: _Download) -> dict[str, str]:
    """Return the headers by which a client finds out whether the file has changed."""
    headers = {'Cache-Control': 'no-cache', 'Last-Modified': semantics.http_date(download.modified)}
    return {**headers, 'ETag': download.tag} if download.tag else headers


def _choose_part(download: _Download) -> None:
    """Set the part that is sent: that of a ``Range`` header that applies, or else that of the query parameters.

    :raises PartError: the file has none of it.
    """
    size = download.size
    if size is None:
        return
    applies = semantics.range_applies(download.headers, download.tag, download.modified)
    try:
        download.part = (applies and semantics.requested_part(download.headers.get('Range'), size)
                         ) or semantics.part_between(*download.bounds, size)
    except semantics.Unsatisfiable:
        raise PartError(size) from None


def _description(download: _Download) -> dict[str, str]:
    """Return the headers that describe the content."""
    headers = {'Content-Type': download.file.get('mimeType') or 'application/octet-stream',
               'Content-Disposition': download.disposition}
    if download.size is None:
        return headers
    part = download.part
    headers['Accept-Ranges'] = 'bytes'
    headers['Content-Length'] = str(download.size if part is None else part.stop - part.start)
    if part is not None:
        headers['Content-Range'] = f'bytes {part.start}-{part.stop - 1}/{download.size}'
    return headers


def _body(download: _Download) -> Body:
    if download.method != 'GET':
        return lambda: iter(())
    if download.is_link:
        return _fetched(download)
    start, stop = download.part or (0, download.size or 0)
    if (content := download.content) is not None:
        return lambda: iter((content[start:stop],))
    return reading.read(download.file, download.store, start, stop)


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
    body = opened(chunks)  # a failure before the first chunk is still a 502
    return lambda: body
