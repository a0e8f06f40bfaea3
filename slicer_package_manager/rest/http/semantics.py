"""The parts of RFC 9110 and RFC 6266 that a download needs, as pure functions."""
from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import quote

_BYTES = re.compile(r'\s*bytes\s*=\s*(.*)', re.IGNORECASE | re.DOTALL)
_SPEC = re.compile(r'(\d*)-(\d*)', re.ASCII)
_TAG = re.compile(r'(?:W/)?"[^"]*"')
#: More digits than any file has bytes; longer numbers are not worth converting.
_DIGITS = 18


class Part(NamedTuple):
    """The bytes from ``start`` to ``stop``, exclusive."""

    start: int
    stop: int


class Unsatisfiable(Exception):  # noqa: N818 - the standard's word
    """The file has none of the requested bytes (416)."""


def requested_part(header: str | None, size: int) -> Part | None:
    """Return the part of a file of ``size`` bytes that a ``Range`` header requests; ``None`` for the whole file.

    A malformed header is ignored (RFC 9110, section 14.2). So is a header with several ranges, which the RFC allows.

    :raises Unsatisfiable: the file has none of the bytes.
    """
    unit = _BYTES.fullmatch(header or '')
    spec = unit and _SPEC.fullmatch(unit[1].strip())
    if not spec or not (spec[1] or spec[2]):
        return None
    first, last = _number(spec[1]), _number(spec[2])
    if first is None:
        return _suffix(last, size)
    if last is not None and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return Part(first, size if last is None else min(last + 1, size))


def part_between(start: int, stop: int | None, size: int) -> Part | None:
    """Return the part of a file of ``size`` bytes from ``start`` to ``stop``, exclusive; ``None`` for the whole file.

    :param stop: ``None`` for the end of the file.
    :raises Unsatisfiable: the file has none of the bytes.
    """
    part = Part(start, size if stop is None else min(stop, size))
    if part == (0, size):
        return None
    if part.start >= part.stop:
        raise Unsatisfiable
    return part


def _number(digits: str) -> int | None:
    if not digits:
        return None
    return int(digits) if len(digits) <= _DIGITS else 10**_DIGITS


def _suffix(length: int | None, size: int) -> Part:
    if not length or not size:
        raise Unsatisfiable
    return Part(max(size - length, 0), size)


def not_modified(headers: Mapping[str, str], tag: str | None, modified: datetime) -> bool:
    """Whether the client has this file, by ``If-None-Match`` or, without it, ``If-Modified-Since``."""
    if 'If-None-Match' in headers:
        return has_tag(headers, tag)
    since = _date(headers.get('If-Modified-Since'))
    return since is not None and modified.replace(microsecond=0) <= since


def has_tag(headers: Mapping[str, str], tag: str | None) -> bool:
    """Whether ``If-None-Match`` contains ``tag``."""
    header = headers.get('If-None-Match', '')
    return header.strip() == '*' or tag in {one.removeprefix('W/') for one in _TAG.findall(header)}


def precondition_failed(headers: Mapping[str, str], tag: str | None, modified: datetime) -> bool:
    """Whether ``If-Match`` or, without it, ``If-Unmodified-Since`` requires another version of the file (412)."""
    header = headers.get('If-Match')
    if header is not None:
        return header.strip() != '*' and tag not in _TAG.findall(header)
    since = _date(headers.get('If-Unmodified-Since'))
    return since is not None and modified.replace(microsecond=0) > since


def range_applies(headers: Mapping[str, str], tag: str | None, modified: datetime) -> bool:
    """Whether a ``Range`` applies, because ``If-Range`` is missing or names this version of the file."""
    header = headers.get('If-Range')
    if header is None:
        return True
    header = header.strip()
    if header.startswith(('"', 'W/')):
        return tag is not None and header == tag
    return _date(header) == modified.replace(microsecond=0)


def _date(text: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed if parsed is None or parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def http_date(moment: datetime) -> str:
    """Format ``moment`` as an HTTP date."""
    return format_datetime(moment.astimezone(timezone.utc).replace(microsecond=0), usegmt=True)


def content_disposition(name: str, disposition: str = 'attachment') -> str:
    """Return ``Content-Disposition`` with the file name, in ASCII for old clients and in full for others (RFC 6266)."""
    plain = ''.join(letter if ' ' <= letter <= '~' and letter not in '"\\%' else '_' for letter in name)
    value = f'{disposition}; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"
