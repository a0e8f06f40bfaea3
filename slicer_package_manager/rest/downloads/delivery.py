"""Hands out the file of a package or extension, as HTTP has it, and counts the download once it is complete."""
from __future__ import annotations

from datetime import timezone
from functools import cached_property
from itertools import chain, islice

import cherrypy
from girder.api.rest import setResponseHeader
from girder.exceptions import RestException

from slicer_package_manager.registry.downloads import counter, rules
from slicer_package_manager.registry.links import fetch as links_fetch
from slicer_package_manager.registry.links import rules as link_rules
from slicer_package_manager.registry.schema.errors import BadGateway
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.storage import reading, stores
from slicer_package_manager.rest.http import semantics

_FOUND, _NOT_MODIFIED, _PRECONDITION_FAILED, _UNSATISFIABLE = 302, 304, 412, 416


class _Download:
    """One request for ``file`` of ``item``; ``part`` is what is sent of it, ``None`` for all.

    :param bounds: the part that query parameters ask for.
    """

    def __init__(self, item, file, disposition, bounds):
        self.item = item
        self.file = file
        self.disposition = disposition
        self.bounds = bounds
        self.part: semantics.Part | None = None
        self.size = file.get('size')
        self.stored = bool(file.get('assetstoreId'))
        self.tag = f'"{file["sha512"]}"' if file.get('sha512') else None
        modified = file['created']
        self.modified = modified if modified.tzinfo else modified.replace(tzinfo=timezone.utc)
        self.headers = cherrypy.request.headers
        self.method = cherrypy.request.method

    @cached_property
    def store(self):
        """The store that has the file."""
        return stores.of_file(self.file)

    @cached_property
    def way(self):
        """The setting that tells how a file which is hosted elsewhere is delivered."""
        return settings.get(settings.LINK_DELIVERY)

    def counted(self, chunks):
        """``chunks``, and the download counted after the last one was taken."""
        yield from chunks
        if rules.counts(self.method, self.part, self.size):
            counter.count(self.item)


def deliver(item, file, disposition=None, bounds=(0, None)):
    """Answer the current request with ``file`` of ``item``: a stream, or a redirect.

    :param bounds: where the bytes that query parameters ask for begin, and where they end or ``None``; a ``Range``
        header goes before them.
    :raises RestException: 412 or 416, as the standard has it; 403 for a link that is not allowed any more; 502
        where another server fails.
    """
    download = _Download(item, file, disposition or 'attachment', bounds)
    if not download.stored:
        download.way, hosts = settings.get_each(settings.LINK_DELIVERY, settings.LINK_HOSTS)
        link_rules.require_allowed(file['linkUrl'], hosts)
    if _redirects(download):
        return _redirect(download)
    _validators(download)
    if semantics.precondition_failed(download.headers, download.tag, download.modified):
        raise RestException('The file is another one by now.', code=_PRECONDITION_FAILED)
    if semantics.not_modified(download.headers, download.tag, download.modified):
        cherrypy.response.status = _NOT_MODIFIED
        cherrypy.response.headers.pop('Content-Type', None)
        return _nothing
    _choose_part(download)
    body = _body(download)
    _describe(download)
    return body


def _nothing():
    return iter(())


def _redirects(download):
    """Whether the client is sent elsewhere for the bytes."""
    is_here = download.stored and not (download.size and download.store.has_urls)
    return not is_here and rules.redirects(download.way, download.headers.get('User-Agent'))


def _redirect(download):
    setResponseHeader('Location', _location(download))
    cherrypy.response.status = _FOUND
    setResponseHeader('Cache-Control', 'no-store')
    setResponseHeader('Content-Length', 0)
    cherrypy.response.headers.pop('Content-Type', None)
    download.part = _asked_part(download)
    if not rules.redirect_counts(download.method, download.part, download.size):
        return _nothing
    return lambda: download.counted([b''])


def _location(download):
    file = download.file
    if not download.stored:
        return file['linkUrl']
    return reading.url(file, download.store, semantics.content_disposition(file['name'], download.disposition),
                       head=download.method != 'GET')


def _asked_part(download):
    try:
        return semantics.requested_part(download.headers.get('Range'), download.size or 0)
    except semantics.Unsatisfiable:
        return None


def _validators(download):
    setResponseHeader('Cache-Control', 'no-cache')
    setResponseHeader('Last-Modified', semantics.http_date(download.modified))
    for name in ('Expires', 'Pragma'):
        cherrypy.response.headers.pop(name, None)
    if download.tag:
        setResponseHeader('ETag', download.tag)


def _choose_part(download):
    """Let a ``Range`` header that applies, or else the query, say which part is sent."""
    size, (start, stop) = download.size, download.bounds
    if size is None:
        return
    given = download.headers.get('Range')
    applies = semantics.range_applies(download.headers, download.tag, download.modified)
    try:
        download.part = (applies and semantics.requested_part(given, size)) or semantics.part_between(start, stop, size)
    except semantics.Unsatisfiable:
        setResponseHeader('Content-Range', f'bytes */{size}')
        raise RestException(f'The file has {size} bytes, none of which are in the part that is asked for.',
                            code=_UNSATISFIABLE) from None


def _describe(download):
    """Set the headers that tell what is sent."""
    setResponseHeader('Content-Type', download.file.get('mimeType') or 'application/octet-stream')
    setResponseHeader('Content-Disposition', semantics.content_disposition(download.file['name'], download.disposition))
    if download.size is None:
        return
    setResponseHeader('Accept-Ranges', 'bytes')
    part = download.part
    setResponseHeader('Content-Length', download.size if part is None else part.stop - part.start)
    if part is not None:
        setResponseHeader('Content-Range', f'bytes {part.start}-{part.stop - 1}/{download.size}')


def _body(download):
    if download.method != 'GET':
        return _nothing
    if not download.stored:
        return _fetched(download)
    part = download.part or semantics.Part(0, download.size)
    chunks = reading.read(download.file, download.store, part.start, part.stop)
    return lambda: download.counted(chunks())


def _fetched(download):
    """The bytes of a file that is hosted elsewhere, by way of this server."""
    file = download.file
    found = links_fetch.fetch(file['linkUrl'], download.part)
    if download.part and not found.partial:  # the other side does not honour ranges: all of it is sent
        download.part = None
    part = download.part
    wanted = download.size if part is None else part.stop - part.start
    try:
        found.require(wanted, 0 if part is None else part.start)
    except BadGateway:
        found.close()
        raise
    download.size = download.size if download.size is not None else found.size
    chunks = links_fetch.verified(found, wanted, file.get('sha512') if part is None else None)
    # A failure that shows before anything was sent can still be told to the client.
    first = list(islice(chunks, 1))
    return lambda: download.counted(chain(first, chunks))
