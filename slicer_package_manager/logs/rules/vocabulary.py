"""The values that the columns about clients have in the daily files, and countries with their names and places."""
from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from itertools import islice
from typing import NamedTuple

SLICER, BROWSER, COMMAND_LINE = 'slicer', 'browser', 'command line'
PACKAGE_MANAGER, ROBOT = 'package manager', 'robot'
#: Of countries, classes and systems.
UNKNOWN = 'unknown'
#: Stands for the values of rare combinations, see :mod:`privacy`.
OTHER = 'other'
CLASSES = (SLICER, BROWSER, COMMAND_LINE, PACKAGE_MANAGER, ROBOT, UNKNOWN)


class Country(NamedTuple):
    """A country: its name, the regions of the United Nations that it is in, and its middle in degrees."""

    name: str
    subregion: str
    region: str
    latitude: float
    longitude: float


@cache
def countries() -> dict[str, Country]:
    """Return all countries by their codes (ISO 3166-1 alpha-2). The caller does not change them."""
    text = (resources.files('slicer_package_manager.logs') / 'countries.csv').read_text(encoding='utf-8')
    rows = csv.reader(islice(text.splitlines(), 1, None))
    return {code: Country(name, subregion, region, float(north), float(east))
            for code, name, subregion, region, north, east in rows}
