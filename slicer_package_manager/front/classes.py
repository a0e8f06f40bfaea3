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


#: The share of the threads that each class has, in parts of 32. There are 32 threads for each core by default, and all
#: processes together have as much heavy work as there are cores: more of it at the same time would take no less time,
#: and slow all others. Each process needs a place for it.
_PARTS = 32
_SHARES = {Work.HEALTH: 2, Work.PAGES: 4, Work.DOWNLOADS: 8, Work.READS: 8, Work.WRITES: 8, Work.HEAVY: 1}
#: How many requests wait for each one that runs, and at least. One address may have three quarters of all of them: in
#: the smallest class, the 24 requests that four browsers send at the same time.
_WAITING, _LEAST_WAITING = 8, 32
#: Seconds that a request waits. Clients and proxies give up after 30 to 60.
_PATIENCE = 10.0
#: Paths of reads, by class; the first one that matches counts.
_RULES = [(work, re.compile(pattern, re.DOTALL)) for work, pattern in (
    (Work.HEALTH, r'/metrics|.*/api/v1/(?:slicer_package_manager/health|system/version)'),
    (Work.HEAVY, r'.*/api/v1/app/[^/]*/(?:downloads|downloadstats(?:/.*)?|summary|popularity|expected(?:/.*)?)'),
    (Work.HEAVY, r'.*/statistics(?:/.*)?'),
    (Work.HEAVY, r'.*/api/v1/describe'),
    (Work.HEAVY, r'.*/api/v1/slicer_package_manager/(?:audit|usage)'),
    (Work.HEAVY, r'.*/api/v1/(?:resource/.*|(?:folder|collection)/[^/]*/download)'),
    (Work.DOWNLOADS, r'.*/api/v1/(?:item|file)/.*download(?:/[^/]*)?|.*/bitstream/.*|.*/package/download'),
    (Work.DOWNLOADS, r'.*/midas3/(?:download.*|.*/downloadextension)'),
    (Work.READS, r'.*/api/.*|.*/find(?:all)?|.*/api'),
    (Work.PAGES, r'.*'),
)]


#: Queries of searches, which read much.
_SEARCH = re.compile(r'(?:.*[&;])?(?:q|text)=.*', re.DOTALL)
#: The API of MIDAS, and queries that ask it for few packages. All others read many.
_MIDAS = re.compile(r'.*/midas3/api/.*', re.DOTALL)
_NARROW = re.compile(r'(?:.*[&;])?(?:slicer_revision|productname|extension_id|id|checksum)=[^&;]+.*', re.DOTALL)


def work_of(method: str, path: str, query: str = '') -> Work:
    """Return the class of a request."""
    if method not in ('GET', 'HEAD', 'OPTIONS'):
        return Work.WRITES
    work = next(work for work, pattern in _RULES if pattern.fullmatch(path))
    if work is not Work.READS:
        return work
    is_whole = _MIDAS.fullmatch(path) and not _NARROW.fullmatch(query)
    return Work.HEAVY if is_whole or _SEARCH.fullmatch(query) else work


def limits(threads: int, workers: int, chosen: Mapping[str, tuple[int, int | None]]) -> dict[Work, Limits]:
    """Return the limits of each class in one of ``workers`` processes with ``threads`` each.

    :param chosen: by the operator, see :class:`environment.Operation`.
    """
    return {work: _limits(*chosen.get(work.value, (_running(work, threads, workers), None))) for work in Work}


def _running(work: Work, threads: int, workers: int) -> int:
    return max(1, threads * _SHARES[work] // (_PARTS * (workers if work is Work.HEAVY else 1)))


def _limits(running: int, waiting: int | None) -> Limits:
    return Limits(running, max(running * _WAITING, _LEAST_WAITING) if waiting is None else waiting, _PATIENCE)
