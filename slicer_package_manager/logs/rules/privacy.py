"""What is published of clients: no combination of country, class and system that few clients of a day share.

Such a combination could stand for a person whom a reader knows. Rows of a package that few clients downloaded stay:
what many clients share identifies none of them.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from slicer_package_manager.logs.rules.vocabulary import OTHER, ROBOT

#: The default of the number of clients that share each published combination.
THRESHOLD = 5


class Combination(NamedTuple):
    """What is known of a client: its country (a code of ISO 3166, or ``unknown``), class and operating system."""

    country: str
    client: str
    client_os: str


def _without_country(one: Combination) -> Combination:
    return one._replace(country=OTHER)


def _without_system(one: Combination) -> Combination:
    return one._replace(country=OTHER, client_os=OTHER)


def _without_all(one: Combination) -> Combination:
    """Robots stay apart: they are no persons."""
    return Combination(OTHER, one.client if one.client == ROBOT else OTHER, OTHER)


def published(clients: Mapping[Combination, int], threshold: int = THRESHOLD) -> dict[Combination, Combination]:
    """Return for each combination the one that is published in its place.

    :param clients: how many distinct clients of a day have each combination.
    """
    found = {one: one for one in clients}
    for coarser in (_without_country, _without_system, _without_all):
        shared: Counter[Combination] = Counter()
        for one, number in clients.items():
            shared[found[one]] += number
        for one, shown in found.items():
            if shared[shown] < threshold:
                found[one] = coarser(shown)
    return found
