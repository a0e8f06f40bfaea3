"""What is measured: one table for each suite.

A new case is two small functions and a line in a table: ``setup(server, options)`` loads what the case needs and
gives what ``load(server, made, options)`` takes, which runs one turn and gives a number.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import calls, growth, transfers
from benchmarks.servers import FORMER, LARGE, OURS, PEER, SMALL, Run


@dataclass(frozen=True)
class Case:
    """An operation of two servers: ours, and then the one that it is compared with.

    :param name: by which it is asked for on the command line.
    :param title: what it is, in the table of results.
    :param better: ``'more'`` or ``'less'``.
    :param target: how many times as good as the other ours is to be; ``None`` if the numbers are only shown.
    :param turns: how often it runs; ``None`` for as often as asked for on the command line.
    :param limit: what ours is compared with when ``sides`` has no other server.
    :param run: how our servers are to run for this case; ``None`` for as they do already.
    """

    name: str
    title: str
    unit: str
    better: str
    setup: Callable
    load: Callable
    target: float | None = 1.0
    turns: int | None = None
    sides: tuple[str, ...] = (OURS, PEER)
    limit: float | None = None
    run: Run | None = None


#: The response cache is off, as if a write had happened before each request.
_FRESH = Run(variables=(('GIRDER_SETTING_SLICER_PACKAGE_MANAGER_LIST_CACHE_MBYTES', '0'),))
_GROWTH = (LARGE, SMALL)
_BEFORE = (OURS, FORMER)
#: At most 1.1 times the time, at most twice the time.
_FLAT, _HALF = 1 / 1.1, 1 / 2

_SMALL_FILES = Case('small-files', 'download of a small file (10 KiB)', 'downloads/s', 'more', calls.small_files,
                    calls.rate, target=10)
_LINKS = Case('redirects', 'download that is a redirect', 'redirects/s', 'more', calls.links, calls.rate, target=10)

SUITES = {
    'calls': (
        Case('list-before', 'the cached list, client accepts gzip', 'answers/s', 'more', calls.listed,
             calls.rate_of_compressed, target=5, sides=_BEFORE),
        Case('list-crowd-before', 'the same, 128 clients', 'answers/s', 'more', calls.listed, calls.rate_of_crowd,
             target=8, sides=_BEFORE),
        Case('list-crowd-cost-before', 'the same, processor time', 'ms', 'less', calls.listed, calls.cost_of_crowd,
             target=6, sides=_BEFORE),
        Case('small-files-before', 'download of a small file (10 KiB)', 'downloads/s', 'more', calls.small_files,
             calls.rate, target=8, sides=_BEFORE),
        Case('small-files-crowd-before', 'the same, 128 clients', 'downloads/s', 'more', calls.small_files,
             calls.rate_of_download_crowd, target=8, sides=_BEFORE),
        Case('redirects-before', 'download that is a redirect', 'redirects/s', 'more', calls.links, calls.rate,
             target=8, sides=_BEFORE),
        Case('redirects-crowd-before', 'the same, 128 clients', 'redirects/s', 'more', calls.links,
             calls.rate_of_download_crowd, target=8, sides=_BEFORE),
        Case('downloadstats-small', '`downloadstats` of a small archive', 'answers/s', 'more',
             calls.few_download_stats, calls.rate, target=5),
        Case('downloadstats-small-counted', 'the same, after one more download each time', 'answers/s', 'more',
             calls.counted_download_stats, calls.rate_after_download, target=3),
        Case('floor', '`/system/version`, for comparison', 'answers/s', 'more', calls.version, calls.rate, target=None),
        Case('list-fresh', 'list of one revision and system, always computed anew', 'answers/s', 'more', calls.listed,
             calls.rate, target=4, run=_FRESH),
        Case('list-fresh-gzip', 'the same, client accepts gzip', 'answers/s', 'more', calls.listed,
             calls.rate_of_compressed, target=None, run=_FRESH),
        Case('list', 'the list, nothing written in between, client accepts gzip', 'answers/s', 'more', calls.listed,
             calls.rate_of_compressed, target=12),
        Case('list-2-workers', 'the same with `--workers 2`', 'answers/s', 'more', calls.listed,
             calls.rate_of_compressed, target=25, run=Run(workers=2)),
        Case('list-bytes', 'the same, size of the answer', 'kB', 'less', calls.listed, calls.kilobytes, target=12,
             turns=1),
        Case('list-known', 'the list with `If-None-Match`', 'answers/s', 'more', calls.listed, calls.rate_of_known,
             target=15),
        Case('search-revision', 'search in one revision', 'answers/s', 'more', calls.search_in_revision, calls.rate,
             target=4, run=_FRESH),
        Case('search', 'search in all revisions', 'answers/s', 'more', calls.search, calls.rate, target=10,
             run=_FRESH),
        Case('search-name', 'search in all revisions for a name', 'answers/s', 'more', calls.search_name, calls.rate,
             target=10, run=_FRESH),
        Case('packages', 'all packages', 'answers/s', 'more', calls.packages, calls.rate, target=3),
        Case('drafts', 'all drafts', 'answers/s', 'more', calls.drafts, calls.rate, target=8),
        Case('releases', 'releases', 'answers/s', 'more', calls.releases, calls.rate, target=3),
        Case('downloadstats', '`downloadstats`', 'answers/s', 'more', calls.download_stats, calls.rate, target=5),
        Case('item-files', 'files of an item', 'answers/s', 'more', calls.item_files, calls.rate, target=3),
        _SMALL_FILES,
        _LINKS,
        Case('create', 'create an extension', 'ms', 'less', calls.writing, calls.create, target=5),
        Case('update', 'update an extension', 'ms', 'less', calls.writing, calls.update, target=5),
        Case('replace', 'replace the file of an extension by two files', 'ms', 'less', calls.writing,
             calls.replace_file, target=None),
        Case('night', 'upload of the 768 extensions of a draft by six clients', 's', 'less', calls.nights, calls.night,
             target=3, turns=2),
        Case('memory', 'memory of one server process after all that', 'MiB', 'less', calls.version, calls.memory,
             turns=1),
        Case('counted-small-files-before', 'download of a small file (10 KiB), after 500 000 counts of others',
             'downloads/s', 'more', growth.counted_files, calls.rate, target=8, sides=_BEFORE),
        Case('counted-redirects-before', 'download that is a redirect, after 500 000 counts of others', 'redirects/s',
             'more', growth.counted_links, calls.rate, target=8, sides=_BEFORE),
        Case('list-growth', 'processor time of the list of one draft, with many drafts and with few', 'ms', 'less',
             growth.listed, growth.cost, target=_FLAT, sides=_GROWTH, run=_FRESH),
        Case('search-growth', 'database time of a search in all revisions', 'ms', 'less', growth.common,
             growth.database_cost, target=_HALF, sides=_GROWTH, run=_FRESH),
        Case('search-name-growth', 'database time of a search in all revisions for a name', 'ms', 'less', growth.name,
             growth.database_cost, target=_HALF, sides=_GROWTH, run=_FRESH),
        Case('small-files-growth', 'processor time of the download of a small file, with many counted packages and few',
             'ms', 'less', growth.files, growth.cost, target=_FLAT, sides=_GROWTH),
        Case('redirects-growth', 'processor time of a redirect, with many counted packages and few', 'ms', 'less',
             growth.links, growth.cost, target=_FLAT, sides=_GROWTH),
        Case('pages', 'the slowest of the pages and popularity after a change, with the most packages', 'ms', 'less',
             growth.pages, growth.slowest_after_change, sides=(LARGE,), limit=300.0, turns=3),
        Case('start', 'start with the most packages', 's', 'less', growth.common, growth.start, sides=(LARGE,),
             limit=5.0, turns=3),
    ),
    'downloads': (
        _SMALL_FILES,
        _LINKS,
        Case('upload', '200 MiB upload', 'MiB/s', 'more', transfers.new_item, transfers.upload),
        Case('download', '200 MiB download', 'MiB/s', 'more', transfers.stored(transfers.LARGE), transfers.download),
        Case('stream-growth', 'growth while streaming 1 GiB', 'MiB', 'less', transfers.stored(transfers.HUGE),
             transfers.growth, turns=3),
        Case('stream-memory', 'memory while streaming 1 GiB', 'MiB', 'less', transfers.stored(transfers.HUGE),
             transfers.resident, turns=3),
        Case('link-growth', 'growth while streaming a 1 GiB link (peer: stored)', 'MiB', 'less', transfers.elsewhere,
             transfers.growth, turns=3),
        Case('link-memory', 'memory while streaming a 1 GiB link (peer: stored)', 'MiB', 'less', transfers.elsewhere,
             transfers.resident, turns=3),
    ),
}
