"""Days and months, as texts such as ``2026-11-30`` and ``2026-11``: pure rules."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

_MONTH = len('2026-11')


def between(first: date, last: date) -> Iterator[str]:
    """Yield all days from ``first`` to ``last``."""
    for number in range((last - first).days + 1):
        yield (first + timedelta(days=number)).isoformat()


def month(day: str) -> str:
    """The month of a day."""
    return day[:_MONTH]


def months(first: str, last: str) -> Iterator[str]:
    """Yield all months from that of the day ``first`` to that of ``last``."""
    year, number = map(int, month(first).split('-'))
    while (name := f'{year:04}-{number:02}') <= month(last):
        yield name
        year, number = (year, number + 1) if number < 12 else (year + 1, 1)  # noqa: PLR2004 - months of a year


def shown(period: str) -> str:
    """A day or month for people, as ``Nov 30, 2026`` or ``Nov 2026``."""
    if len(period) == _MONTH:
        return f'{date.fromisoformat(f"{period}-01"):%b %Y}'
    day = date.fromisoformat(period)
    return f'{day:%b} {day.day}, {day.year}'
