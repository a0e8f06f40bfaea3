"""Print each request, for ``--verbose``."""
from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator

_logger = logging.getLogger('slicer_package_manager_client')


@contextlib.contextmanager
def printed(say: Callable[[str], None]) -> Iterator[None]:
    """Print the log of the client with ``say`` in the ``with`` block."""
    handler = _Handler(say)
    _logger.addHandler(handler)
    _logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _logger.setLevel(logging.NOTSET)
        _logger.removeHandler(handler)


class _Handler(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())
