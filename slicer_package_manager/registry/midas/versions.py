"""The order of the names of releases."""
from __future__ import annotations

import re

_DIGITS = re.compile(r'(\d+)')


def by_version(name: str) -> list[tuple[int, int, str]]:
    """Key that sorts names of releases by the numbers in them: 4.10 comes after 4.9."""
    return [(1, int(part), '') if part.isdecimal() else (0, 0, part) for part in _DIGITS.split(name) if part]
