"""Tables that show a whole by its parts, such as downloads by country: pure rules."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from slicer_package_manager.logs.rules.vocabulary import OTHER
from slicer_package_manager.pages import builds
from slicer_package_manager.registry.schema.types import Document

#: How many countries, and releases, are named.
_MOST = 12
_PERCENT = 100
#: Rare combinations and all countries that are not named.
_REST = 'Other'
#: All downloads that were in no release.
_DRAFTS = 'Previews'


class Share(NamedTuple):
    """A part of a whole.

    :param percent: of the whole.
    :param width: of its bar, in percent of the largest part.
    """

    name: str
    number: int
    percent: float
    width: float


def of_systems(rows: Iterable[Document]) -> list[Share]:
    """The shares of systems, from rows with ``os``, ``arch`` and ``count``."""
    return _shares([(builds.system_name(row['os'], row['arch']), row['count']) for row in rows])


def of_releases(rows: Sequence[Document]) -> list[Share]:
    """The shares of releases, from rows with ``release`` and ``count``, the most first; small ones are one share."""
    named = [(row['release'] or _DRAFTS, row['count']) for row in rows]
    rest = sum(count for _, count in named[_MOST:])
    return _shares([*named[:_MOST], *([(_REST, rest)] if rest else [])])


def of_countries(rows: Sequence[Document]) -> list[Share]:
    """The shares of countries, from rows with ``name`` and ``count``, the most first; small ones are one share."""
    named = [row for row in rows if row['country'] != OTHER]
    rest = sum(row['count'] for row in rows) - sum(row['count'] for row in named[:_MOST])
    return _shares([(row['name'], row['count']) for row in named[:_MOST]]
                   + ([(_REST, rest)] if rest else []))


def _shares(parts: Sequence[tuple[str, int]]) -> list[Share]:
    whole, most = sum(number for _, number in parts), max((number for _, number in parts), default=0)
    return [Share(name, number, _PERCENT * number / whole, _PERCENT * number / most)
            for name, number in parts if number]
