"""Threads of clients that use servers at the same time, until a block ends."""
import threading

from plugin_tests.waiting import PATIENCE


class Threads:
    """A context manager with one thread for each of ``tasks``, which calls ``_work`` with its number and the task.

    ``_work`` is for subclasses. It returns when ``_done`` is set, and appends what fails to ``_failures``.
    """

    def __init__(self, tasks):
        self._done, self._failures = threading.Event(), []
        self._threads = [threading.Thread(target=self._work, args=(number, task)) for number, task in enumerate(tasks)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join(PATIENCE)
