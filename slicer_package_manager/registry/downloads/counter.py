"""Count downloads. A download neither fails nor waits for long if it cannot be counted at once.

1. :func:`count` puts the count into the queue of this process, at the end of a download.
2. The thread of the queue takes all counts that wait. It stores those of public packages by one command, and each of
   the others by one of its own. What arrives meanwhile is stored in the next turn.
3. Counts that the database does not accept stay in the queue. The thread tries again, with growing pauses.
4. Whoever wants the count in the database before the response ends uses :func:`wait`. It ends after
   :data:`LONGEST_WAIT`, and does not wait while the database accepts no counts.
5. A regular end of the process tries once more. Lost are the counts that are left then, and those in the queue of a
   process that is killed: of downloads that ended while the last command ran, or since the database accepts none.
"""
from __future__ import annotations

import atexit
import logging
import threading
from collections import Counter, deque
from collections.abc import Iterable
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple, Protocol, cast

import pymongo
from pymongo.errors import BulkWriteError, PyMongoError

from slicer_package_manager.registry.downloads import counts, rollup, sealing
from slicer_package_manager.registry.downloads.counts import CountKey
from slicer_package_manager.registry.server import background, environment, transactions
from slicer_package_manager.registry.tree.types import PackageItem

logger = logging.getLogger(__name__)

#: Seconds that the database may take for one command. While a replica set elects a primary, the driver sends the same
#: write again within this time, and the replica set carries it out once.
PATIENCE = environment.DATABASE_SECONDS
#: Seconds that a download waits for its count.
LONGEST_WAIT = 1.0
#: Seconds between attempts to store what the database did not accept.
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


def store(key: CountKey) -> None:
    """Count one download of a private package for ``key``; see :mod:`sealing`.

    :raises pymongo.errors.PyMongoError: the database does not accept it.
    """
    if not counts.record(key):
        transactions.run(lambda: counts.record({**key, 'app': sealing.owner(key)}, insert=True), turn=key['app'])


class _Count(NamedTuple):
    """One download, ``is_stored`` when the database has it.

    :param is_public: whether everyone could download the package: then its count needs no seal.
    """

    key: CountKey
    is_public: bool
    is_stored: Future[None]


class Queue:
    """Counts that are not in the database yet, and the thread that stores them."""

    def __init__(self) -> None:
        self._waiting: deque[_Count] = deque()
        self._arrived = threading.Condition()
        self._storing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, key: CountKey, *, is_public: bool) -> Future[None]:
        """Add a count, and start the thread if it does not run.

        :returns: has a result when the count is stored, or the database accepts none.
        """
        count = _Count(key, is_public, Future())
        with self._arrived:
            self._waiting.append(count)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name='download-counts', daemon=True)
                self._thread.start()
            self._arrived.notify()
        self._report()
        return _DONE if self._is_failing else count.is_stored

    def drain(self) -> None:
        """Store all counts.

        :raises pymongo.errors.PyMongoError: the database does not accept them. The rest stays in the queue.
        """
        with self._storing:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
                try:
                    _store_all(batch)
                finally:
                    self._waiting.extendleft(one for one in reversed(batch) if not one.is_stored.done())
                    self._report()

    def _report(self) -> None:
        for observer in OBSERVERS:
            observer.waiting(len(self))

    def _work(self) -> None:
        pause: float = FIRST_PAUSE
        while True:
            with self._arrived:
                self._arrived.wait_for(lambda: self._waiting)
            try:
                self.drain()
            except PyMongoError:
                logger.warning('The database did not accept download counts. The server tries again.', exc_info=True)
                self._is_failing = True
                _sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                if self._is_failing:
                    logger.warning('All downloads are counted that could not be counted at once.')
                self._is_failing, pause = False, FIRST_PAUSE


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


def _store_all(batch: list[_Count]) -> None:
    """Store the counts of ``batch``, and mark those that are stored.

    :raises pymongo.errors.PyMongoError: the database did not accept them all.
    """
    with pymongo.timeout(PATIENCE):
        _store_public([count for count in batch if count.is_public])
    for count in batch:
        if not count.is_public:
            with pymongo.timeout(PATIENCE):
                store(count.key)
            count.is_stored.set_result(None)


def _store_public(batch: list[_Count]) -> None:
    numbers = list(Counter(tuple(count.key.items()) for count in batch).items())
    if not numbers:
        return
    try:
        counts.record_all((cast(CountKey, dict(key)), number) for key, number in numbers)
    except BulkWriteError as error:
        refused = {numbers[one['index']][0] for one in error.details['writeErrors']}
        if refused:  # without one, it is unknown which members of the replica set have the others
            _mark(count for count in batch if tuple(count.key.items()) not in refused)
        raise
    _mark(batch)


def _mark(stored: Iterable[_Count]) -> None:
    for count in stored:
        count.is_stored.set_result(None)


#: The queue of this process.
queue = Queue()
_DONE: Future[None] = Future()
_DONE.set_result(None)


@atexit.register
def _last_attempt() -> None:
    try:
        queue.drain()
    except PyMongoError:
        logger.error('%d downloads were not counted: the database is unreachable.', len(queue))  # noqa: TRY400


def count(item: PackageItem, *, is_public: bool = False) -> Future[None]:
    """Count one completed download of ``item``. Never raises, and does not wait.

    :param is_public: whether everyone could download it.
    :returns: what :func:`wait` waits for.
    """
    try:
        key = counts.key_of(item)
        for observer in OBSERVERS:
            observer.counted(key['kind'])
        return queue.put(key, is_public=is_public)
    except Exception:
        logger.exception('A download of the item %s was not counted.', item.get('_id'))
        return _DONE


def wait(counted: Future[None]) -> None:
    """Wait until a count is in the database, but not for long."""
    with suppress(futures.TimeoutError):
        counted.result(LONGEST_WAIT)


def start_upkeep() -> None:
    """Finish seals and keep the sums up to date in the background, as long as this process lives."""
    background.repeat(_keep_up, _PAUSE, 'download-upkeep',
                      'Seals or sums of download counts are not up to date. The server tries again later.')


def _keep_up() -> None:
    sealing.finish()
    rollup.keep_up()
