"""Count downloads. A download neither fails nor waits for long if it cannot be counted at once.

1. :func:`count` sends the count to the database at the end of a download, and waits at most :data:`PATIENCE`.
2. If the database does not accept it, the key of the count goes to the :class:`Backlog` of this process.
3. The thread of the backlog tries again, with growing pauses, until all counts are stored.
4. A regular end of the process tries once more. The counts that are left, or of a process that is killed, are lost.
"""
from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from typing import Protocol

import pymongo

from slicer_package_manager.registry.downloads import counts, rollup, sealing
from slicer_package_manager.registry.downloads.counts import CountKey
from slicer_package_manager.registry.server import background, environment, transactions
from slicer_package_manager.registry.tree.types import PackageItem

logger = logging.getLogger(__name__)

#: Seconds that a download waits for the database before its count goes to the backlog. While a replica set elects a
#: primary, the driver sends the same write again within this time, and the replica set carries it out once.
PATIENCE = environment.DATABASE_SECONDS
#: Seconds between attempts to store the backlog.
FIRST_PAUSE, LONGEST_PAUSE = 1, 30
#: Seconds between two rounds of :func:`start_upkeep` in a process.
_PAUSE = 90


class Observer(Protocol):
    """What metrics implement."""

    def counted(self, package_type: str) -> None:
        """Note a completed download of a package or extension."""

    def waiting(self, number: int) -> None:
        """Note how many counts wait for the database now."""


#: Metrics add themselves.
OBSERVERS: list[Observer] = []


def store(key: CountKey, *, is_public: bool = False) -> None:
    """Count one download for ``key``.

    :param is_public: whether everyone could download the package: then its count needs no seal, see :mod:`sealing`.
    :raises pymongo.errors.PyMongoError: the database does not accept it.
    """
    if not counts.record(key, insert=is_public) and not is_public:
        transactions.run(lambda: counts.record({**key, 'app': sealing.owner(key)}, insert=True), turn=key['app'])


class Backlog:
    """Keys of counts that the database did not accept, and the thread that stores them; each is one download."""

    def __init__(self) -> None:
        self._waiting: deque[CountKey] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, key: CountKey) -> None:
        """Add ``key``, and start the thread if it does not run."""
        self._waiting.append(key)
        self._report()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name='download-counts', daemon=True)
                self._thread.start()

    def drain(self) -> None:
        """Store all counts.

        :raises pymongo.errors.PyMongoError: the database is still unreachable. The rest stays in the backlog.
        """
        while self._waiting:
            key = self._waiting.popleft()
            try:
                with pymongo.timeout(PATIENCE):
                    store(key)
            except pymongo.errors.PyMongoError:
                self._waiting.appendleft(key)
                raise
            self._report()

    def _report(self) -> None:
        for observer in OBSERVERS:
            observer.waiting(len(self))

    def _work(self) -> None:
        pause = FIRST_PAUSE
        while self._waiting:
            self._wake.wait(pause)
            try:
                self.drain()
            except pymongo.errors.PyMongoError:
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                logger.warning('All downloads are counted that could not be counted at once.')


backlog = Backlog()


@atexit.register
def _last_attempt() -> None:
    try:
        backlog.drain()
    except pymongo.errors.PyMongoError:
        logger.error('%d downloads were not counted: the database is unreachable.', len(backlog))  # noqa: TRY400


def count(item: PackageItem, *, is_public: bool = False) -> None:
    """Count one completed download of ``item``, see :func:`store`. Never raises."""
    try:
        key = counts.key_of(item)
        for observer in OBSERVERS:
            observer.counted(key['kind'])
        try:
            with pymongo.timeout(PATIENCE):
                store(key, is_public=is_public)
        except pymongo.errors.PyMongoError:
            logger.warning('The database did not accept a download count. The server tries again.', exc_info=True)
            backlog.put(key)
    except Exception:
        logger.exception('A download of the item %s was not counted.', item.get('_id'))


def start_upkeep() -> None:
    """Finish seals and keep the sums up to date in the background, as long as this process lives."""
    background.repeat(_keep_up, _PAUSE, 'download-upkeep',
                      'Seals or sums of download counts are not up to date. The server tries again later.')


def _keep_up() -> None:
    sealing.finish()
    rollup.keep_up()
