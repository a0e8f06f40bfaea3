"""What counts as a download, and who is redirected to the file instead of receiving it from this server.

A request counts as one download of its package or extension if:

1. It is a ``GET`` of the file, by whichever address: ``/item/:id/download``, ``/file/:id/download`` or
   ``/file/hashsum/sha512/:hash/download``, each with or without a name at its end. ``HEAD`` does not count.
   Neither do ``/find``, ``/download`` and ``/bitstream/:id``, which redirect to one of these addresses.
2. Its response has content. Responses 304, 403, 404, 412, 416 and 502 have none.
3. The client took the last byte of the response. A response that is broken off does not count.
4. The response reaches the end of the file. So a download in parts counts once, for its last part. A short part from
   the middle to the end is a probe of the tail, as video players and zip tools send it, and does not count.

A redirect to a link or to object storage counts when it is sent, since this server sees nothing of what follows.
A redirected request for a later part does not count: the download that it resumes did.

In an archive of several packages, each package counts whose file this server stores.

Nothing else matters: not the user, not the program, not whether the package is in a release or in a draft. The server
counts none of its own requests, since it reads files without these addresses.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: A part from the middle to the end of a file counts from this number of bytes on.
PROBE_BYTES = 64 * 1024
#: The name of Slicer's builds with Qt 5, as they send it. They do not follow redirects, but save their bodies.
FOLLOWS_NO_REDIRECT = 'Mozilla/5.0'


def counts(method: str, part: tuple[int, int] | None, size: int | None) -> bool:
    """Whether a response counts as a download once the client has taken its last byte.

    :param method: the request's method.
    :param part: the first byte of the response's part of the file, and the byte after its last one. ``None`` is all.
    :param size: of the file in bytes; ``None`` if it is unknown.
    """
    if method != 'GET':
        return False
    if part is None:
        return True
    start, stop = part
    return stop == size and (start == 0 or stop - start >= PROBE_BYTES)


def redirect_counts(method: str, part: tuple[int, int] | None, size: int | None) -> bool:
    """Whether a redirect to the file counts as a download; ``part`` is the requested part, as in :func:`counts`."""
    return counts(method, part, size) and (part is None or part[0] == 0)


def counts_in_archive(file: Mapping[str, Any]) -> bool:
    """Whether ``file``, whose content went into an archive, counts as a download: links do not."""
    return bool(file.get('assetstoreId'))


def redirects(delivery: str, user_agent: str | None) -> bool:
    """Whether a client is redirected to a file that is not on this server's disk.

    :param delivery: the setting ``slicer_package_manager.link_delivery``: ``redirect``, ``stream`` or ``auto``.
    :param user_agent: of the request, if it has one; decides if ``delivery`` is ``auto``.
    """
    if delivery == 'auto':
        return (user_agent or '').strip() != FOLLOWS_NO_REDIRECT
    return delivery == 'redirect'
