"""Parsers of headers that ignore malformed ones, as HTTP requires.

CherryPy's parsers raise errors, or take quadratic time for long headers.
"""
from __future__ import annotations

import math
from functools import lru_cache

from cherrypy.lib import httputil
from cherrypy.lib.httputil import AcceptElement, HeaderElement

from slicer_package_manager.rest.http import semantics

_elements = httputil.header_elements
#: More characters than any browser sends. The rest is ignored, because the time of CherryPy's parser is quadratic.
_LONGEST = 1000


def elements(name: str, value: str | None) -> list[AcceptElement | HeaderElement]:
    """Parse the elements of the header ``name`` from any text; preferred ones first."""
    return _elements(name, value[:_LONGEST]) if value else []


def weight(element: AcceptElement) -> float:
    """Return the ``q`` of an element of an ``Accept`` header, from 0 to 1; 0 if it is not a number."""
    quality = element.params.get('q', '1')
    try:
        found = float(getattr(quality, 'value', quality))
    except ValueError:
        return 0.0
    return 0.0 if math.isnan(found) else min(max(found, 0.0), 1.0)


@lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a client that sends this ``Accept-Encoding`` takes a compressed response."""
    return any(one.value.lower() in ('gzip', 'x-gzip') and weight(one)
               for one in elements('Accept-Encoding', accept_encoding))


def ranges(header: str | None, size: int | None) -> list[tuple[int, int]] | None:
    """Parse a ``Range`` header for a file of ``size`` bytes, in CherryPy's form: at most one pair of start and stop.

    :returns: ``None`` for the whole file, an empty list if the file has none of the bytes.
    """
    try:
        part = semantics.requested_part(header, size or 0)
    except semantics.Unsatisfiable:
        return []
    return part and [(part.start, part.stop)]


def _as_sent(value: str) -> str:
    """Return the value unchanged: header fields have no encoded words (RFC 9110, section 5.5)."""
    return value


def replace_parsers() -> None:
    """Replace the parsers of CherryPy, which Girder uses too."""
    httputil.header_elements = elements
    httputil.AcceptElement.qvalue = property(weight)
    httputil.get_ranges = ranges
    httputil.decode_TEXT_maybe = _as_sent
