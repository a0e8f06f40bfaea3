"""The class of work that a request belongs to, by its method and path."""
from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from slicer_package_manager.front.admission import Limits


class Work(Enum):
    """Classes of work."""

    HEALTH = 'health'
    PAGES = 'pages'
    DOWNLOADS = 'downloads'
    READS = 'reads'
    WRITES = 'writes'
    HEAVY = 'heavy'


#: The share of the threads that each class has, in sixteenths.
_SIXTEENTHS = 16
_SHARES = {Work.HEALTH: 1, Work.PAGES: 2, Work.DOWNLOADS: 4, Work.READS: 4, Work.WRITES: 4, Work.HEAVY: 1}
#: How many requests wait for each one that runs.
_WAITING = 8
#: Seconds that a request waits. Clients and proxies give up after 30 to 60.
_PATIENCE = 10.0
#: Paths of reads, by class; the first one that matches counts.
_RULES = [(work, re.compile(pattern, re.DOTALL)) for work, pattern in (
    (Work.HEALTH, r'/metrics|.*/api/v1/(?:slicer_package_manager/health|system/version)'),
    (Work.HEAVY, r'.*/api/v1/(?:app/[^/]*/(?:downloadstats|summary)|describe|slicer_package_manager/audit)'),
    (Work.HEAVY, r'.*/api/v1/(?:resource/.*|(?:folder|collection)/[^/]*/download)'),
    (Work.DOWNLOADS, r'.*/api/v1/(?:item|file)/.*download(?:/[^/]*)?|.*/bitstream/.*|.*/package/download'),
    (Work.READS, r'.*/api/.*|.*/find(?:all)?|.*/api'),
    (Work.PAGES, r'.*'),
)]


def work_of(method: str, path: str) -> Work:
    """Return the class of a request."""
    if method not in ('GET', 'HEAD', 'OPTIONS'):
        return Work.WRITES
    return next(work for work, pattern in _RULES if pattern.fullmatch(path))


def limits(threads: int, chosen: Mapping[str, tuple[int, int | None]]) -> dict[Work, Limits]:
    """Return the limits of each class in a process with ``threads``.

    :param chosen: by the operator, see :class:`environment.Operation`.
    """
    return {work: _limits(*chosen.get(work.value, (max(1, threads * share // _SIXTEENTHS), None)))
            for work, share in _SHARES.items()}


def _limits(running: int, waiting: int | None) -> Limits:
    return Limits(running, running * _WAITING if waiting is None else waiting, _PATIENCE)
