"""Steps of time, and classes of numbers, that suit what a plot shows."""
from __future__ import annotations

#: For periods of up to so many days, the step by which ranks are compared: a word that DuckDB's ``date_trunc`` knows.
_STEPS = ((14, 'day'), (182, 'week'), (1096, 'month'))
_CLASSES = 5


def step(days: int) -> str:
    """Return the step of time for a period of ``days`` days, which has a few dozen of them at most."""
    return next((name for most, name in _STEPS if days <= most), 'year')


def classes(largest: int) -> list[tuple[int, int]]:
    """Return up to five classes for numbers from 1 to ``largest``, each as its first and last number.

    Each begins with a power of ten. The first one has all smaller numbers.
    """
    powers = len(str(largest))
    lower = [1, *(10 ** power for power in range(max(1, powers - _CLASSES + 1), powers))]
    return [(first, following - 1) for first, following in zip(lower, [*lower[1:], 10 ** powers], strict=True)]
