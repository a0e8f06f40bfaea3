"""Bar charts, which the server draws as SVG, so that they need no script: pure rules.

The bars fill a box of any width. The texts beside it are elements of the page, and keep their size.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: The height of the box; its width is the number of bars.
HEIGHT = 100
#: How many parts the scale has, and how many labels there are below the bars at most.
_PARTS, _LABELS = 4, 5
#: What a part of the scale may be, in units of powers of ten.
_STEPS = (1, 2, 3, 4, 5, 6, 8, 10)
#: With more bars than this there are no gaps between them: they would be thinner than a pixel.
_MOST_WITH_GAPS, _GAP = 120, .2


class Bar(NamedTuple):
    """A bar, in units of the box; ``label`` and ``number`` are what it stands for."""

    label: str
    number: int
    x: float
    width: float
    height: float


class Chart(NamedTuple):
    """A chart.

    :param scale: the numbers at its left, the largest first, at equal distances.
    :param labels: some of those of the bars, at equal distances, from the first to the last one.
    """

    bars: list[Bar]
    scale: list[int]
    labels: list[str]

    @property
    def total(self) -> int:
        """The sum of all numbers."""
        return sum(bar.number for bar in self.bars)

    @property
    def lines(self) -> list[float]:
        """Where the lines of the scale are, from the top; the lowest one is the floor."""
        return [HEIGHT * place / _PARTS for place in range(_PARTS + 1)]


def chart(rows: Sequence[tuple[str, int]]) -> Chart:
    """Draw the numbers of ``rows``, labels with numbers, of which there is at least one."""
    step = _step(max(number for _, number in rows))
    gap = _GAP if len(rows) <= _MOST_WITH_GAPS else 0
    bars = [Bar(label, number, place + gap / 2, 1 - gap, HEIGHT * number / (_PARTS * step))
            for place, (label, number) in enumerate(rows)]
    return Chart(bars, [step * part for part in range(_PARTS, -1, -1)], _spread([label for label, _ in rows]))


def _step(highest: int) -> int:
    """The least suitable part of the scale with which ``highest`` fits."""
    wanted, power = max(1, -(-highest // _PARTS)), 1
    while wanted > _STEPS[-1] * power:
        power *= 10
    return next(one * power for one in _STEPS if one * power >= wanted)


def _spread(labels: Sequence[str]) -> list[str]:
    last = len(labels) - 1
    number = min(_LABELS, len(labels))
    return [labels[round(last * place / (number - 1))] if last else labels[0] for place in range(number)]
