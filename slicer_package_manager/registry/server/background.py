"""Work that each server process repeats in the background. Several processes may do it at the same time."""
from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


def repeat(step: Callable[[], object], pause: float, name: str, failure: str) -> None:
    """Call ``step`` in a daemon thread, at once and then after each ``pause``, as long as this process runs.

    :param pause: seconds between the end of a call and the next one.
    :param name: of the thread.
    :param failure: is logged, with the traceback, if a call raises. The next one follows all the same.
    """
    def run() -> None:
        while True:
            try:
                step()
            except Exception:
                logger.exception(failure)
            threading.Event().wait(pause)
    threading.Thread(target=run, name=name, daemon=True).start()
