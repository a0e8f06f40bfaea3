"""The plots of tables."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from matplotlib import dates, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slicer_package_manager.logs.report import movement
from slicer_package_manager.logs.report.images import FIRST, MUTED, SECOND, Plot, Size
from slicer_package_manager.logs.report.tables import Table
from slicer_package_manager.logs.rules.labels import printable

#: Bars of one plot; the table has all.
MOST = 15
#: Ranks that are shown, and characters of names, on wide and on narrow plots.
_RANKS, _NAME, _NARROW_NAME = 15, 40, 16
_COLORS = (FIRST, SECOND)
_THOUSANDS = ticker.FuncFormatter(lambda value, _: f'{value:,.0f}')
#: The columns to draw, with the labels of their colors.
Series = Mapping[str, str]


def over_days(table: Table, series: Series, *, stacked: bool = True) -> Plot:
    """Draw ``series`` over the days of ``table``; days that it lacks are gaps."""
    days = table.column('day')
    span = [days[0] + timedelta(days=number) for number in range((days[-1] - days[0]).days + 2)]

    def draw(figure: Figure, size: Size) -> None:
        axes = figure.subplots()
        base = np.zeros(len(span) - 1)
        for (name, label), color in zip(series.items(), _COLORS, strict=False):
            values = _by_day(days, table.column(name), span)
            if stacked:
                axes.stairs(base + values, _numbers(span), baseline=base, fill=True, color=color, label=label)
                base = base + values
            else:
                axes.stairs(values, _numbers(span), baseline=None, color=color, label=label, linewidth=2,
                            linestyle='-' if color == FIRST else '--')
        _dates(axes, size)
        axes.set_xlim(_numbers(span)[0], _numbers(span)[-1])
        _amounts(axes.yaxis)
        axes.set_ylim(bottom=0)
        axes.grid(visible=False, axis='x')
        _legend(figure)
    return Plot(draw)


def _by_day(days: Sequence[date], values: Sequence[float], span: Sequence[date]) -> Any:  # an array
    there = dict(zip(days, values, strict=True))
    return np.array([there.get(day, np.nan) for day in span[:-1]], dtype=float)


def _numbers(days: Sequence[date]) -> list[float]:
    return [float(dates.date2num(day)) for day in days]


def _dates(axes: Axes, size: Size) -> None:
    locator = dates.AutoDateLocator(minticks=2, maxticks=4 if size.is_narrow else 10)
    locator.intervald[dates.HOURLY] = [24]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def _amounts(axis: Any) -> None:
    axis.set_major_formatter(_THOUSANDS)
    axis.set_major_locator(ticker.MaxNLocator(nbins=5, integer=True))


def _legend(figure: Figure) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if len(labels) > 1:
        figure.legend(handles, labels, loc='outside upper left', ncols=len(labels), borderaxespad=0)


def bars(table: Table, names: Sequence[str], series: Series) -> Plot:
    """Draw the first rows of ``table`` as bars with these ``names``, each with a part for each of ``series``."""
    shown = table.rows[:MOST]

    def draw(figure: Figure, size: Size) -> None:
        axes = figure.subplots()
        places = range(len(shown))
        left = np.zeros(len(shown))
        for (name, label), color in zip(series.items(), _COLORS, strict=False):
            values = np.array(table.column(name)[:MOST], dtype=float)
            axes.barh(places, values, left=left, color=color, label=label, height=0.7)
            left = left + values
        for place, value in enumerate(left):
            axes.annotate(f'{value:,.0f}', (value, place), xytext=(4, 0), textcoords='offset points', va='center',
                          color=MUTED)
        axes.set_yticks(places, [_short(name, size) for name in names[:MOST]])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_xlim(0, max(left) * (1.25 if size.is_narrow else 1.1))
        _amounts(axes.xaxis)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(nbins=2 if size.is_narrow else 5, integer=True))
        axes.grid(visible=False, axis='y')
        _legend(figure)
    return Plot(draw).scaled(0.3 + len(shown) / MOST)


def _short(name: str, size: Size) -> str:
    return printable(name, _NARROW_NAME if size.is_narrow else _NAME)


def ranks(table: Table, names: Sequence[str]) -> Plot:
    """Draw the rank of each extension in each step of the period: blue lines rise, orange and dashed ones fall."""
    columns = movement.steps(table)
    lines = [[row[list(table.columns).index(column)] for column in columns] for row in table.rows]

    def draw(figure: Figure, size: Size) -> None:
        axes = figure.subplots()
        for line, name in zip(lines, names, strict=True):
            color, style = _trend([rank for rank in line if rank])
            axes.plot(range(len(columns)), [rank or np.nan for rank in line], color=color, linestyle=style, marker='o',
                      markersize=5, linewidth=2)
            end = max(step for step, rank in enumerate(line) if rank)
            if line[end] <= _RANKS:
                axes.annotate(_short(name, size), (end, line[end]), xytext=(8, 0), va='center',
                              textcoords='offset points')
        axes.set_ylim(min(_RANKS, max((rank for line in lines for rank in line if rank), default=1)) + 0.5, 0.5)
        axes.set_ylabel('Rank')
        axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True, nbins=_RANKS, steps=[1, 2, 5, 10], min_n_ticks=1))
        axes.set_xticks(*_some(columns, 2 if size.is_narrow else 8))
        axes.grid(visible=False, axis='x')
    return Plot(draw).scaled(1.2)


def _trend(known: Sequence[int]) -> tuple[str, str]:
    """The color and style of a line, by its first and last rank."""
    if not known or known[0] == known[-1]:
        return MUTED, '-'
    return (FIRST, '-') if known[-1] < known[0] else (SECOND, '--')


def _some(labels: Sequence[str], most: int) -> tuple[list[int], list[str]]:
    """At most ``most`` of ``labels`` at equal distances, with their places."""
    distance = -(-len(labels) // most)
    places = list(range(0, len(labels), distance))
    return places, [labels[place] for place in places]

