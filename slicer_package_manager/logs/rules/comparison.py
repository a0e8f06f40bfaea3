"""Why the server's own counts and those from logs differ."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Numbers(NamedTuple):
    """Downloads of one package, or of all, on one day.

    :param server: as the server has counted them.
    :param logs: as the logs have them, with those by robots, whom the server counts too.
    :param incomplete: responses in the logs that do not count.
    """

    server: int = 0
    logs: int = 0
    robots: int = 0
    incomplete: int = 0

    @property
    def difference(self) -> int:
        """How many more downloads the logs have."""
        return self.logs - self.server

    def plus(self, other: Numbers) -> Numbers:
        """Return the sums."""
        return Numbers(*(one + more for one, more in zip(self, other, strict=True)))

    def agrees(self, tolerance: float) -> bool:
        """Whether the numbers differ by no more than ``tolerance``, a part of the larger one."""
        return abs(self.difference) <= tolerance * max(self.server, self.logs)


class Circumstances(NamedTuple):
    """What is known of the logs of a day.

    :param has_logs: whether there are any.
    :param missing: hours without a request in the logs of a source, such as ``('default', '03')``.
    :param unknown: requests for files that the facts do not have.
    """

    has_logs: bool = True
    missing: Sequence[tuple[str, str]] = ()
    unknown: int = 0


def reasons(numbers: Numbers, day: Circumstances) -> list[str]:
    """Return what may explain the difference of ``numbers``, the most likely reason first; none if there is none."""
    if numbers.difference < 0:
        return _of_less(numbers, day)
    return _of_more(numbers) if numbers.difference else []


def _of_less(numbers: Numbers, day: Circumstances) -> list[str]:
    """Why the logs have less."""
    if not day.has_logs:
        return ['there are no logs of this day']
    found = []
    if day.missing:
        found.append(f'no request in the logs {_hours(day.missing)}')
    if numbers.incomplete:
        found.append(f'{numbers.incomplete} responses were broken off, or are parts: a front server may have taken the '
                     'whole file from the server, or the log does not state ranges')
    if day.unknown:
        found.append(f'{day.unknown} requests of this day are for files that the facts do not have')
    return found or ['requests that came by another server, whose logs were not read']


def _of_more(numbers: Numbers) -> list[str]:
    """Why the logs have more."""
    found = []
    if not numbers.server:
        found.append('the server has no counts of it on this day: it was not this server, or it did not count yet')
    found.append('responses that a front server sent from its cache, redirects that were not followed, or counts that '
                 'were lost with a killed server')
    if numbers.robots:
        found.append(f'{numbers.robots} downloads were by robots')
    return found


def _hours(missing: Sequence[tuple[str, str]]) -> str:
    by_source: dict[str, list[str]] = {}
    for source, hour in missing:
        by_source.setdefault(source, []).append(hour)
    return '; '.join(f'of "{source}" in the hours {", ".join(hours)} (UTC)' for source, hours in by_source.items())
