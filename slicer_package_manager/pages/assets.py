"""Style sheets, scripts and pictures of the pages."""
from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cherrypy

from slicer_package_manager.rest.http.headers import accepts_gzip
from slicer_package_manager.rest.http.semantics import has_tag

#: Where the files are served: below ``/PLACE/DIGEST/``.
PLACE = 'slicer_package_manager'
FOLDER = Path(__file__).parent / 'static'
#: The digest in the address changes with the files, so that what an address names never does.
_FOREVER = 'public, max-age=31536000, immutable'
_SMALL = 500
# What the operating system says of these differs.
_TYPES = {'.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml'}


class Asset(NamedTuple):
    """A file as it is sent; ``compressed`` is ``None`` where that gains nothing."""

    body: bytes
    compressed: bytes | None
    type: str
    tag: str


@cache
def every_asset() -> dict[str, Asset]:
    """The files by their paths below :data:`FOLDER`; they are read once."""
    return {path.relative_to(FOLDER).as_posix(): _asset(path) for path in sorted(FOLDER.rglob('*')) if path.is_file()}


def _asset(path):
    body = path.read_bytes()
    compressed = gzip.compress(body, mtime=0)
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or 'text/plain'
    is_text = kind.startswith('text/')
    return Asset(body, compressed if _SMALL < len(compressed) < len(body) else None,
                 f'{kind};charset=utf-8' if is_text else kind, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')


@cache
def digest() -> str:
    """A word for the state of all files together."""
    return hashlib.blake2b(''.join(f'{name} {asset.tag} ' for name, asset in every_asset().items()).encode(),
                           digest_size=6).hexdigest()


class Assets:
    """``/PLACE/DIGEST/NAME``: the files; to be kept forever if the digest is that of today."""

    exposed = True

    def GET(self, version='', *name):
        """Answer one file, 304 to those who have it, compressed for those who accept that."""
        asset = every_asset().get('/'.join(name))
        if asset is None:
            raise cherrypy.HTTPError(404, 'There is no such file.')
        headers = cherrypy.response.headers
        headers.update({
            'Cache-Control': _FOREVER if version == digest() else 'no-cache', 'Content-Type': asset.type,
            'ETag': asset.tag, 'Vary': 'Accept-Encoding', 'X-Content-Type-Options': 'nosniff'})
        if has_tag(cherrypy.request.headers, asset.tag):
            cherrypy.response.status = 304
            return b''
        if asset.compressed is None or not accepts_gzip(cherrypy.request.headers.get('Accept-Encoding', '')):
            return asset.body
        headers['Content-Encoding'] = 'gzip'
        return asset.compressed
