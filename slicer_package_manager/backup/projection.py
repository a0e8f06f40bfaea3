"""Read a few fields of a BSON document (https://bsonspec.org/spec.html) without decoding the others.

A forged document may have millions of values. Decoded, they would take many times its size in memory.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import bson
from bson.errors import InvalidBSON

#: The names of fields to read; for a subdocument, with the names of its fields.
Wanted = Mapping[str, 'Wanted | None']

_DOCUMENT = 3
#: Sizes in bytes by type of value: fixed, or to be added to the number in the first four bytes of the value.
_FIXED = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}
_COUNTED = {0x02: 4, _DOCUMENT: 0, 0x04: 0, 0x05: 5, 0x0C: 16, 0x0D: 4, 0x0E: 4, 0x0F: 0}
_REGEX = 0x0B
#: Types of values that contain other values, or binary data.
_LARGE = (_DOCUMENT, 0x04, 0x05, 0x0F)
#: Placeholder for such a value.
LARGE = '(a list, a document or bytes)'
#: Texts are cut after so many characters; no path is longer.
_MAX_TEXT = 4096


def projected(raw: bytes, wanted: Wanted) -> dict[str, Any]:
    """Read the ``wanted`` fields of the document ``raw``.

    Long texts are cut; :data:`LARGE` replaces lists, binary data, and subdocuments that are not in ``wanted``.

    :raises InvalidBSON: ``raw`` is not a document.
    """
    found: dict[str, Any] = {}
    try:
        for kind, name, start, end in _elements(raw, 4, len(raw) - 1):
            key = name.decode()
            if key not in wanted:
                continue
            within = wanted[key]
            found.pop(key, None)  # of several fields with one name the last one counts
            if within is not None and kind == _DOCUMENT:
                found[key] = projected(raw[start:end], within)
            elif within is None:
                found[key] = LARGE if kind in _LARGE else _value(kind, raw[start:end])
    except (IndexError, ValueError) as error:
        raise InvalidBSON(f'cannot be read: {error}') from error
    return found


def _elements(raw: bytes, at: int, last: int) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield type, name, first and last offset of each value from ``at`` to ``last``."""
    while at < last:
        name_end = raw.index(0, at + 1)
        start = name_end + 1
        end = _end(raw, raw[at], start)
        if end > last:
            raise InvalidBSON('a value is longer than its document')
        yield raw[at], raw[at + 1:name_end], start, end
        at = end


def _end(raw: bytes, kind: int, start: int) -> int:
    if kind in _FIXED:
        return start + _FIXED[kind]
    if kind == _REGEX:
        return raw.index(0, raw.index(0, start) + 1) + 1
    if kind not in _COUNTED:
        raise InvalidBSON(f'there is no type {kind}')
    size = int.from_bytes(raw[start:start + 4], 'little', signed=True)
    if size < 0:
        raise InvalidBSON(f'a value cannot have {size} bytes')
    return start + size + _COUNTED[kind]


def _value(kind: int, raw: bytes) -> Any:  # any value of BSON
    element = bytes([kind]) + b'v\0' + raw + b'\0'
    value = bson.decode((len(element) + 4).to_bytes(4, 'little') + element)['v']
    return value[:_MAX_TEXT] if isinstance(value, str) else value
