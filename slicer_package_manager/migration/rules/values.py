"""Values of documents that JSON and Girder cannot represent, and texts about values for the report."""
from __future__ import annotations

import math
import re
from typing import Any

from slicer_package_manager.registry.schema import urls, validators

#: No number of downloads, bytes or seconds is larger; a double is exact up to here.
LARGEST = 2**53
#: Bytes of a value beside its text, at most.
_OVERHEAD = 16
_SURROGATES = re.compile('[\ud800-\udfff]')
_DIGITS = re.compile('[0-9]{1,15}', re.ASCII)


def is_odd(value: object) -> bool:
    """Whether ``value`` is an infinite number, none at all, or a date outside of the years 1 to 9999."""
    return (isinstance(value, float) and not math.isfinite(value)) or hasattr(value, 'as_datetime')


def plain(value: Any) -> Any:
    """``value`` with a text in place of each odd value, and without invalid characters; the same object if it has none.

    The source is read with ``surrogateescape``, so that bytes which are no UTF-8 are surrogates.
    """
    if isinstance(value, str):
        return value if value.isascii() or not _SURROGATES.search(value) else _SURROGATES.sub('\ufffd', value)
    if isinstance(value, dict):
        items = {key: plain(one) for key, one in value.items()}
        return items if any(items[key] is not value[key] for key in items) else value
    if isinstance(value, list):
        found = [plain(one) for one in value]
        return found if any(one is not other for one, other in zip(found, value, strict=True)) else value
    if not is_odd(value):
        return value
    return str(value) if isinstance(value, float) else f'{int(value)} milliseconds since 1970'


def whole(value: object) -> int | None:
    """The number that ``value``, a number or a text, states if it is whole and not negative; ``None`` otherwise."""
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LARGEST:
        return None
    return int(value) if value == int(value) else None


def printable(value: object) -> str:
    """``value`` on one short line, without the credentials of URLs."""
    return validators.shortened(urls.without_credentials(_SURROGATES.sub('\ufffd', str(value))))


def weight(value: object) -> int:
    """About how many bytes ``value`` has in the database."""
    if isinstance(value, dict):
        return sum(len(key) + weight(one) for key, one in value.items()) + _OVERHEAD
    if isinstance(value, list):
        return sum(map(weight, value), _OVERHEAD)
    return (len(value.encode(errors='replace')) if isinstance(value, str) else
            len(value) if isinstance(value, bytes) else 0) + _OVERHEAD
