"""What counts as a download in logs, as expressions of SQL.

A request counts as one download of its package or extension if it is a ``GET``, and

1. its response is the whole file (200), of which the log states as many bytes as the file has, or
2. its response is a part (206) that reaches the end of the file. A short part from the middle to the end is a probe of
   the tail. If the log does not state the range, all parts of a client on a day are added up: they count as often as
   they make up the file, or
3. it is redirected, and no log has the request that follows: what is redirected is logged twice if both servers are
   read, or if ``/bitstream/:id`` leads to another address of the same server.

These are the rules of the server itself (:mod:`registry.downloads.rules`), as far as logs show what happened.
"""
from __future__ import annotations

from slicer_package_manager.logs.rules import formats

#: The version of these rules and of the other definitions; the manifest states it.
DEFINITIONS = 1
#: A part from the middle to the end of a file counts from this number of bytes on.
PROBE_BYTES = 64 * 1024

#: Why a line is no request for a package, or cannot be counted. The first reason that applies is reported.
REASONS = {
    'no request': 'a header, or another message',
    'damaged': 'torn, or in no known format',
    'other address': 'not the address of a package',
    'method': 'not GET',
    'status': 'an error, or not modified',
    'date': 'the date is impossible',
    'sealed day': 'the day is sealed, so a line cannot be compared with those that were read',
}
KEPT = ''

_REDIRECTS = '(301, 302, 303, 307, 308)'
#: 499 and 0 are of clients that left before the response began.
_BODIES = '(200, 206, 499, 0)'

#: Condition for the time of a request.
POSSIBLE = "moment BETWEEN TIMESTAMP '2000-01-01' AND now()::TIMESTAMP + INTERVAL 2 DAY"
#: Why a line is no request; ``NULL`` if it is one.
MALFORMED = f"""CASE WHEN moment IS NULL OR status IS NULL OR bytes < 0 OR length(line) > {formats.LONGEST_LINE}
    THEN CASE WHEN {formats.NO_REQUEST} THEN 'no request' ELSE 'damaged' END END"""
#: The reason of a line, with its :data:`MALFORMED`, ``key`` of its address and ``salt`` of its day.
REASON = f"""CASE
    WHEN malformed IS NOT NULL THEN malformed
    WHEN key IS NULL THEN 'other address'
    WHEN method <> 'GET' THEN 'method'
    WHEN status NOT IN {_BODIES} AND status NOT IN {_REDIRECTS} THEN 'status'
    WHEN NOT {POSSIBLE} THEN 'date'
    WHEN salt IS NULL THEN 'sealed day'
    ELSE '{KEPT}' END"""

_WHOLE = 'status = 200 AND (size IS NULL OR bytes IS NULL OR bytes >= size)'
_RANGE = 'status = 206 AND stop IS NOT NULL'
_LAST = f'stop >= size AND bytes >= stop - first AND (first = 0 OR stop - first >= {PROBE_BYTES})'
_PIECES = 'status = 206 AND stop IS NULL'

#: From the records of one client and one file on one day, each with its number ``n``: how many are whole responses.
BODIES = f"""coalesce(sum(n) FILTER (WHERE {_WHOLE}), 0) + coalesce(sum(n) FILTER (WHERE {_RANGE} AND {_LAST}), 0)
    + least(coalesce(sum(n) FILTER (WHERE {_PIECES}), 0), CASE WHEN bool_or(size IS NULL) THEN 1
        ELSE coalesce(sum(n * bytes) FILTER (WHERE {_PIECES} OR (status = 200 AND NOT ({_WHOLE}))), 0)
            // greatest(max(size), 1) END)"""
#: From the same records: responses with a body, or without one because the client left.
RESPONSES = f'coalesce(sum(n) FILTER (WHERE status IN {_BODIES}), 0)'
#: From the same records: redirects that no other request follows; levels are those of :class:`addresses.Level`.
UNFOLLOWED = f"""
    greatest(0, coalesce(sum(n) FILTER (WHERE level = 1 AND status IN {_REDIRECTS}), 0)
        - coalesce(sum(n) FILTER (WHERE level = 2), 0))
    + greatest(0, coalesce(sum(n) FILTER (WHERE level = 0 AND status IN {_REDIRECTS}), 0)
        - coalesce(sum(n) FILTER (WHERE level > 0), 0))"""
