"""What HTTP says of headers that cannot be parsed: they are as good as not sent.

CherryPy's own parsers raise, before or in the middle of a call, or take long for headers that nobody sends.
"""
from __future__ import annotations

import math
from functools import lru_cache

from cherrypy.lib import httputil
from cherrypy.lib.httputil import AcceptElement, HeaderElement

from slicer_package_manager.rest.http import semantics

_elements = httputil.header_elements
#: Far more than any browser sends. What comes after it is not looked at, since the time grows with the square.
_LONGEST = 1000


def elements(name: str, value: str | None) -> list[AcceptElement | HeaderElement]:
    """The elements of the header ``name``, the preferred ones first; any text will do."""
    return _elements(name, value[:_LONGEST]) if value else []


def weight(element: AcceptElement) -> float:
    """The ``q`` of an element of an ``Accept`` header, from 0 to 1; 0 if it is no number."""
    given = element.params.get('q', '1')
    try:
        found = float(getattr(given, 'value', given))
    except ValueError:
        return 0.0
    return 0.0 if math.isnan(found) else min(max(found, 0.0), 1.0)


@lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a client that sends this ``Accept-Encoding`` takes a compressed response."""
    return any(one.value.lower() in ('gzip', 'x-gzip') and weight(one)
               for one in elements('Accept-Encoding', accept_encoding))


def ranges(header: str | None, size: int | None) -> list[tuple[int, int]] | None:
    """What a ``Range`` header asks of a file of ``size`` bytes, as CherryPy has it: at most one pair of start and stop.

    :returns: ``None`` for the whole file, an empty list if it has none of the bytes.
    """
    try:
        part = semantics.requested_part(header, size or 0)
    except semantics.Unsatisfiable:
        return []
    return part and [(part.start, part.stop)]


def _as_sent(value: str) -> str:
    """Header fields have no encoded words (RFC 9110, section 5.5), only mails have them (RFC 2047)."""
    return value


def be_lenient() -> None:
    """Have CherryPy, and Girder with it, parse headers by these functions."""
    httputil.header_elements = elements
    httputil.AcceptElement.qvalue = property(weight)
    httputil.get_ranges = ranges
    httputil.decode_TEXT_maybe = _as_sent
