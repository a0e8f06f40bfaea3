"""A checksum that is computed while further bytes arrive."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

#: Bytes that are collected before the thread gets them; as many are in its work at most.
BATCH = 1 << 20


class ThreadedDigest:
    """``digest``, an object of ``hashlib``, that ``thread`` updates.

    Only one thread may use it. Where the thread is slower, :meth:`update` waits for it, so that memory is limited.
    """

    def __init__(self, thread: Executor, digest: Any) -> None:
        self._thread = thread
        self._digest = digest
        self._blocks: list[bytes] = []
        self._size = 0
        self._work: Future[None] | None = None

    def update(self, block: bytes) -> None:
        """Add ``block``."""
        self._blocks.append(block)
        self._size += len(block)
        if self._size >= BATCH:
            self._pass_on()

    def hexdigest(self) -> str:
        """Return the checksum of all bytes so far, in hexadecimal digits."""
        self._pass_on()
        self._wait()
        checksum: str = self._digest.hexdigest()
        return checksum

    def _pass_on(self) -> None:
        self._wait()
        self._work = self._thread.submit(_update, self._digest, self._blocks)
        self._blocks, self._size = [], 0

    def _wait(self) -> None:
        if self._work is not None:
            self._work.result()


def _update(digest: Any, blocks: list[bytes]) -> None:
    for block in blocks:
        digest.update(block)
