"""A map of the world with downloads by country.

``outlines.csv`` has the outlines of countries, in tenths of a degree: those of Natural Earth 4.1 (public domain,
https://www.naturalearthdata.com) at a scale of 1:110 million, taken from the npm package ``world-atlas`` 2.0.2. Areas
have the codes by which databases of addresses know them: Kosovo is ``XK``, and areas that ISO 3166 does not list are
part of the country in which it has them, such as Crimea. Countries without an outline, which are small, are dots.
"""
from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from slicer_package_manager.logs.report.images import LAND, NARROW, PRINT, SHADES, WIDE, Plot, Size
from slicer_package_manager.logs.rules import scales
from slicer_package_manager.logs.rules.vocabulary import countries

# The projection "Equal Earth": B. Savric et al., International Journal of Geographical Information Science 33, 2019.
_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
#: South of it is Antarctica only.
_SOUTH = -57
_Points = Any  # an array with a row for each point


def world(downloads: Mapping[str, int]) -> Plot:
    """Draw ``downloads`` by the codes of countries; other keys are ignored."""
    centers = {code: (one.longitude, one.latitude) for code, one in countries().items()}
    known = {code: number for code, number in downloads.items() if code in centers}
    classes = scales.classes(max(known.values(), default=1))
    shades = SHADES[-len(classes):]

    def shade(code: str) -> str:
        number = known.get(code, 0)
        return next((one for one, (_, last) in zip(shades, classes, strict=True) if 0 < number <= last), LAND)

    def draw(figure: Figure, size: Size) -> None:
        axes = figure.subplots()
        for code, outline in _outlines().items():
            axes.add_artist(PathPatch(outline, facecolor=shade(code), edgecolor='#ffffff', linewidth=0.4))
        for code in known.keys() - _outlines().keys():
            (east,), (north,) = _projected(np.array([centers[code]])).T
            axes.plot(east, north, 'o', color=shade(code), markersize=5, markeredgecolor='#ffffff', markeredgewidth=0.6)
        axes.set_xlim(*_projected(np.array([(-180, 0), (180, 0)]))[:, 0])
        axes.set_ylim(*_projected(np.array([(0, _SOUTH), (0, 84)]))[:, 1])
        axes.set_aspect('equal')
        axes.axis('off')
        figure.legend(handles=_legend(classes, shades), loc='outside lower center', borderaxespad=0,
                      ncols=2 if size.is_narrow else len(classes) + 1)
    return Plot(draw, WIDE._replace(height=470), NARROW._replace(height=215), PRINT._replace(height=240))


def _legend(classes: list[tuple[int, int]], shades: tuple[str, ...]) -> list[Patch]:
    return [Patch(color=LAND, label='none'), *(Patch(color=shade, label=f'{first:,} to {last:,}')
                                               for shade, (first, last) in zip(shades, classes, strict=True))]


@cache
def _outlines() -> dict[str, Path]:
    """The outlines of countries by their codes; a country inside another one comes after it."""
    text = (resources.files('slicer_package_manager.logs.report') / 'outlines.csv').read_text(encoding='utf-8')
    rings: dict[str, list[Path]] = {}
    for code, numbers in islice(csv.reader(text.splitlines()), 1, None):
        points = np.array(numbers.split(), dtype=float).reshape(-1, 2) / 10
        rings.setdefault(code, []).append(Path(_projected(points), closed=True))
    return {code: Path.make_compound_path(*paths) for code, paths in rings.items()}


def _projected(degrees: _Points) -> _Points:
    """The places on the map of ``degrees``, rows of longitude and latitude."""
    east, north = np.radians(degrees).T
    angle = np.arcsin(np.sqrt(3) / 2 * np.sin(north))
    square = angle ** 2
    power = square ** 3
    width = 2 * np.sqrt(3) * east * np.cos(angle) / (
        3 * (_A1 + 3 * _A2 * square + power * (7 * _A3 + 9 * _A4 * square)))
    return np.column_stack([width, angle * (_A1 + _A2 * square + power * (_A3 + _A4 * square))])
