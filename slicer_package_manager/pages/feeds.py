"""The addresses of feeds, and the responses."""
from __future__ import annotations

import gzip
import hashlib
from datetime import datetime
from typing import NamedTuple

import cherrypy

from slicer_package_manager.pages import feed_formats, news
from slicer_package_manager.pages.application import application, limited_name
from slicer_package_manager.registry.server.versioned_cache import VersionedCache
from slicer_package_manager.rest.handlers import site
from slicer_package_manager.rest.http.headers import accepts_gzip
from slicer_package_manager.rest.http.semantics import http_date, not_modified
from slicer_package_manager.rest.middleware import anonymous_access

#: The memory for written feeds, in bytes.
_CACHED = 4 * 2**20
_USAGE = ('The address of a feed is /feeds/builds.atom, /feeds/new.atom, /feeds/changed.atom, '
          '/feeds/missing.atom, /feeds/extension/NAME.atom, /feeds/author/NAME.atom or /feeds/missing/NAME.atom, '
          'or the same with ".json".')


class _Written(NamedTuple):
    """A feed as it is sent."""

    body: bytes
    compressed: bytes
    tag: str
    updated: datetime


_WRITTEN: VersionedCache[_Written] = VersionedCache()


class Feeds:
    """``/feeds/PLACE.FORMAT`` and ``/feeds/PLACE/NAME.FORMAT``: news for feed readers, of what everyone may see."""

    exposed = True

    def GET(self, *place: str, app: str | None = None) -> bytes:
        """Return a feed, or 304 if the reader has it."""
        path, _, extension = limited_name(place).rpartition('.')
        where, _, name = path.partition('/')
        make = (news.NAMED if name else news.FEEDS).get(where)
        if make is None or extension not in feed_formats.FORMATS:
            raise cherrypy.HTTPError(404, _USAGE)
        subject = news.Subject(application(app), site.root(), name)
        form = feed_formats.FORMATS[extension]
        key, version = (subject.id, subject.root, path, extension), anonymous_access.state().version
        written = _WRITTEN.get(key, version)
        if written is None:
            written = _write(make(subject), form)
            _WRITTEN.put(key, version, written, len(written.body) + len(written.compressed) + len(path), _CACHED)
        return _send(written, form.media_type)


def _write(feed: feed_formats.Feed, form: feed_formats.Format) -> _Written:
    body = form.write(feed)
    return _Written(body, gzip.compress(body, mtime=0), hashlib.blake2b(body, digest_size=12).hexdigest(), feed.updated)


def _send(written: _Written, media_type: str) -> bytes:
    requested, response = cherrypy.request.headers, cherrypy.response
    is_compressed = accepts_gzip(requested.get('Accept-Encoding', ''))
    tag = f'"{written.tag}-gzip"' if is_compressed else f'"{written.tag}"'
    response.headers.update({
        'Cache-Control': 'public, no-cache', 'ETag': tag, 'Last-Modified': http_date(written.updated),
        'Vary': 'Accept-Encoding', 'X-Content-Type-Options': 'nosniff'})
    if not_modified(requested, tag, written.updated):
        response.status = 304
        return b''
    response.headers['Content-Type'] = media_type
    if is_compressed:
        response.headers['Content-Encoding'] = 'gzip'
        return written.compressed
    return written.body
