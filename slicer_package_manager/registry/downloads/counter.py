"""Count downloads. A download neither fails nor waits for long if it cannot be counted at once.

1. :func:`count` puts the count into the queue of this process, at the end of a download.
2. The thread of the queue takes all counts that wait. It stores those of public packages by one command, and each of
   the others by one of its own. What arrives meanwhile is stored in the next turn.
3. Counts that the database does not accept stay in the queue. The thread tries again, with growing pauses. Those that
   the database has stored, although its answer was lost, are not counted again: see :class:`counts.Turn`.
4. A caller that requires the count in the database before the response ends uses :func:`wait`. It ends after
   :data:`LONGEST_WAIT`, and does not wait while the database accepts no counts.
5. A regular end of the process tries once more. Lost are the counts that are left then, and those in the queue of a
   process that is killed: of downloads that ended while the last command ran, or since the database accepts none.
"""
from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple, cast

import pymongo
from bson.objectid import ObjectId
from pymongo.errors import PyMongoError

from slicer_package_manager.registry.downloads import counts, rollup, sealing
from slicer_package_manager.registry.downloads.counts import CountKey, Turn
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
_PAUSE = 15


#: Functions that metrics add: of the type of a package whose download is complete, and of how many counts wait for the
#: database now.
COUNTED: list[Callable[[str], None]] = []
WAITING: list[Callable[[int], None]] = []


def store(key: CountKey, number: int = 1, turn: Turn | None = None) -> None:
    """Count downloads of a private package for ``key``; see :mod:`sealing`.

    :param turn: one of its own by default.
    :raises pymongo.errors.PyMongoError: the database does not accept it.
    """
    turn = turn or Turn(str(ObjectId()), 1)
    if not counts.record(key, number, turn):
        transactions.run(lambda: counts.record({**key, 'app': sealing.owner(key)}, number, turn, insert=True),
                         turn=key['app'])


class _Count(NamedTuple):
    """One download.

    :param is_public: whether everyone could download the package: then its count requires no seal.
    """

    key: CountKey
    is_public: bool

    @property
    def id(self) -> tuple[tuple[str, object], ...]:
        """The key, to compare it with others."""
        return tuple(self.key.items())


class Queue:
    """Counts that are not in the database yet, and the thread that stores them."""

    def __init__(self) -> None:
        self._waiting: deque[_Count] = deque()
        self._batch: list[_Count] = []  # those of the current turn
        self._name, self._turn = ObjectId(), 0
        self._stored: Future[None] = Future()  # of the counts that the thread takes next
        self._arrived = threading.Condition()
        self._storing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def __len__(self) -> int:
        return len(self._batch) + len(self._waiting)

    def put(self, key: CountKey, *, is_public: bool) -> Future[None]:
        """Add a count, and start the thread if it does not run.

        :returns: has a result when the count is stored, or the database accepts none. Counts that are stored together
            share it.
        """
        with self._arrived:
            self._waiting.append(_Count(key, is_public))
            stored = self._stored
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name='download-counts', daemon=True)
                self._thread.start()
            self._arrived.notify()
        self._report()
        return _DONE if self._is_failing else stored

    def drain(self) -> None:
        """Store all counts.

        :raises pymongo.errors.PyMongoError: the database does not accept them. The rest stays in the queue.
        """
        with self._storing:
            while len(self):
                tried = self._take()
                try:
                    # A process that was forked is another one.
                    _store_all(self._batch, Turn(f'{self._name}-{os.getpid()}', self._turn))
                finally:
                    tried.set_result(None)
                    self._report()

    def _take(self) -> Future[None]:
        """Begin a turn, unless the last one is not complete. Return what ends the wait for its counts."""
        if self._batch:
            return Future()
        with self._arrived:
            self._turn += 1
            self._batch, self._waiting = list(self._waiting), deque()
            tried, self._stored = self._stored, Future()
        return tried

    def _report(self) -> None:
        for observe in WAITING:
            observe(len(self))

    def _work(self) -> None:
        pause: float = FIRST_PAUSE
        while True:
            with self._arrived:
                self._arrived.wait_for(lambda: len(self))
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


def _store_all(batch: list[_Count], turn: Turn) -> None:
    """Store the counts of ``batch``, and remove those that are stored. May be repeated in the same ``turn``.

    :raises pymongo.errors.PyMongoError: the database did not accept them all.
    """
    private = {one.id for one in batch if not one.is_public}
    with pymongo.timeout(PATIENCE):
        _store_public([one for one in batch if one.id not in private], turn)
    batch[:] = [one for one in batch if one.id in private]
    for key, number in _numbers(batch):
        with pymongo.timeout(PATIENCE):
            store(key, number, turn)
        batch[:] = [one for one in batch if one.key != key]


def _store_public(batch: list[_Count], turn: Turn) -> None:
    if batch:
        counts.record_all(_numbers(batch), turn)


def _numbers(batch: list[_Count]) -> list[tuple[CountKey, int]]:
    return [(cast(CountKey, dict(key)), number) for key, number in Counter(count.id for count in batch).items()]


#: The queue of this process.
queue = Queue()
_quiet = rollup.Quiet()
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
        for observe in COUNTED:
            observe(key['kind'])
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
    _quiet.settle()
