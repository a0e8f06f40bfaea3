"""Style sheets, scripts and icons of the pages."""
from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cherrypy

from slicer_package_manager.rest.http.headers import accepts_gzip
from slicer_package_manager.rest.http.semantics import has_tag

#: Where the files are served: below ``/PLACE/DIGEST/``.
PLACE = 'slicer_package_manager'
FOLDER = Path(__file__).parent / 'static'
#: The digest in the URL changes with the files, so the response for a URL never changes.
_FOREVER = 'public, max-age=31536000, immutable'
_SMALL = 500
#: As Biome formats imports.
_IMPORT = re.compile(r"^(?:import|\}) .*?from '(\.[^']+)';$", re.MULTILINE)
# Operating systems differ in the types of these.
_TYPES = {'.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml'}


class Asset(NamedTuple):
    """A file as it is sent; ``compressed`` is ``None`` if compression does not make it smaller."""

    body: bytes
    compressed: bytes | None
    type: str
    tag: str


@cache
def every_asset() -> dict[str, Asset]:
    """Read all files, once, and return them by their paths below :data:`FOLDER`."""
    return {path.relative_to(FOLDER).as_posix(): _asset(path) for path in sorted(FOLDER.rglob('*')) if path.is_file()}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    compressed = gzip.compress(body, mtime=0)
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or 'text/plain'
    is_text = media_type.startswith('text/')
    return Asset(body, compressed if _SMALL < len(compressed) < len(body) else None,
                 f'{media_type};charset=utf-8' if is_text else media_type,
                 f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')


@cache
def digest() -> str:
    """Return a digest of all files, which identifies their version."""
    return hashlib.blake2b(''.join(f'{name} {asset.tag} ' for name, asset in every_asset().items()).encode(),
                           digest_size=6).hexdigest()


@cache
def modules_of(entry: str) -> tuple[str, ...]:
    """The JavaScript modules that the module ``entry`` imports at once, and they, by their paths; for preloading."""
    found: dict[str, None] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop(0)
        for imported in _IMPORT.findall(every_asset()[name].body.decode()):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), imported))
            if path != entry and path not in found:
                found[path] = None
                waiting.append(path)
    return tuple(found)


class Assets:
    """``/PLACE/DIGEST/NAME``: the files, which browsers may cache forever if the digest is the current one."""

    exposed = True

    def GET(self, version: str = '', *name: str) -> bytes:
        """Send one file, compressed if the client accepts that; 304 if the client has it."""
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
