"""How many bytes the next chunk of an upload has.

A server discards a chunk that does not arrive whole. So where connections break off, only small chunks get an upload
on. Each one that arrives increases the size again, since every chunk costs a round trip.
"""
from __future__ import annotations

#: The fewest bytes of a chunk, and how many it gains with each one that arrives.
STEP = 256 << 10
#: Object storage, and servers other than ours, refuse chunks under 5 MiB, except for the last one.
REQUIRED = 5 << 20


class ChunkSize:
    """The size of the next chunk, ``bytes``, at first and at most ``largest``."""

    def __init__(self, largest: int) -> None:
        self.bytes = self._largest = largest
        self._least = min(STEP, largest)

    def arrived(self) -> None:
        """Increase the size: a chunk has arrived."""
        self.bytes = min(self.bytes + STEP, self._largest)

    def broke_off(self) -> None:
        """Halve the size: the connection broke off while a chunk was sent."""
        self.bytes = max(self.bytes // 2, self._least)

    def refused(self) -> bool:
        """Increase the size: the server takes no chunk as small as this one. Return whether it could be increased."""
        before, self._least = self.bytes, min(REQUIRED, self._largest)
        self.bytes = max(before, self._least)
        return self.bytes > before
