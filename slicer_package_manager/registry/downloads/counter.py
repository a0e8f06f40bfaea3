"""Counts downloads without ever failing or holding up one: what the database does not take now, it takes later."""
from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from typing import Protocol

import pymongo

from slicer_package_manager.registry.downloads import model, sealing
from slicer_package_manager.registry.server import environment

logger = logging.getLogger(__name__)

#: How long a download waits for the database, in seconds, before its count is put off: as long as the driver tries the
#: same write again, which a replica set carries out once, while it chooses another primary.
PATIENCE = environment.DATABASE_SECONDS
#: Pauses between attempts to store what was put off, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 1, 30


class Observer(Protocol):
    """What metrics implement."""

    def counted(self, package_type: str) -> None:
        """Note a completed download of a package or extension."""

    def waiting(self, number: int) -> None:
        """Note how many counts wait for the database now."""


#: Metrics add themselves.
OBSERVERS: list[Observer] = []


def store(key) -> None:
    """Count one download for ``key``.

    :raises pymongo.errors.PyMongoError: the database did not take it.
    """
    if model.record(key):
        try:
            sealing.follow(key)
        except pymongo.errors.PyMongoError:  # it is counted, and must not be counted again
            logger.exception('A count of what was deleted is not sealed: %s', key)


class Backlog:
    """Counts that could not be stored yet, with a thread that stores them as soon as the database is back.

    What is in it is lost when the process is killed; each entry is one download that ended while the database
    was out of reach. A regular end of the process tries once more.
    """

    def __init__(self):
        self._waiting: deque = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self):
        return len(self._waiting)

    def put(self, key) -> None:
        """Keep ``key`` until it can be stored."""
        self._waiting.append(key)
        self._report()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name='download-counts', daemon=True)
                self._thread.start()

    def drain(self) -> None:
        """Store all that is waiting.

        :raises pymongo.errors.PyMongoError: the database is still out of reach; what is left waits on.
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

    def _work(self):
        pause = FIRST_PAUSE
        while self._waiting:
            self._wake.wait(pause)
            try:
                self.drain()
            except pymongo.errors.PyMongoError:
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                logger.warning('The downloads that could not be counted at once are counted now.')


backlog = Backlog()


@atexit.register
def _last_attempt():
    try:
        backlog.drain()
    except pymongo.errors.PyMongoError:
        logger.error('%d downloads were not counted: the database is out of reach.', len(backlog))  # noqa: TRY400


def count(item) -> None:
    """Count one completed download of ``item``; never raises."""
    try:
        key = model.key_of(item)
        for observer in OBSERVERS:
            observer.counted(key['kind'])
        try:
            with pymongo.timeout(PATIENCE):
                store(key)
        except pymongo.errors.PyMongoError:
            logger.warning('The database does not take a download count; it is tried again.', exc_info=True)
            backlog.put(key)
    except Exception:
        # A download that went well must not fail because it could not be counted.
        logger.exception('A download of the item %s was not counted.', item.get('_id'))
