"""Moments as MIDAS stored them, and the shift between the clocks that wrote them."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

#: When something was created of which MIDAS stored no moment.
EPOCH = datetime.fromtimestamp(0, timezone.utc)
_FORM = '%Y-%m-%d %H:%M:%S'
#: Time zones differ by quarters of an hour. Two clocks may be some seconds apart.
_QUARTER = 15 * 60
#: Shifts of more than a day are those of items that were given rights later.
_MOST = timedelta(days=1)


def moment(value: object) -> datetime | None:
    """Return the moment ``value`` of a column in UTC; ``None`` for none, which is also stored as a date of zeros."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value
    try:
        return datetime.fromisoformat(str(value)[:19]).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def wall_clock(value: object) -> str:
    """Return the moment ``value`` of a build machine, without its time zone, as a text; ``''`` if there is none."""
    found = moment(value)
    return f'{found:{_FORM}}' if found else ''


class Shift(NamedTuple):
    """How much later the application's clock stored moments than they were.

    :param pairs: how many items it was measured by, and how many of them agree.
    """

    difference: timedelta
    pairs: int
    agreeing: int

    def corrected(self, value: object) -> datetime | None:
        """Return the moment ``value`` that the application has stored; ``None`` if there is none."""
        found = moment(value)
        return found - self.difference if found else None


def shift(pairs: Iterable[tuple[object, object]]) -> Shift:
    """Measure the shift: the difference that most pairs have.

    :param pairs: for each item, when it was made by the application, and by the database.
    """
    found: Counter[int] = Counter()
    for application, database in pairs:
        first, second = moment(application), moment(database)
        if first and second and abs(first - second) <= _MOST:
            found[round((first - second).total_seconds() / _QUARTER)] += 1
    quarters, agreeing = max(found.items(), key=lambda one: (one[1], -abs(one[0])), default=(0, 0))
    return Shift(timedelta(seconds=quarters * _QUARTER), found.total(), agreeing)
