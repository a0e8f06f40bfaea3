"""What was read from the database, kept in memory as long as the data version shows that it is current."""
from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_Value = TypeVar('_Value')

#: The lifetime of a cached value, in seconds. A process that is killed between a write and the new data version leaves
#: the other processes with outdated values for no longer than this.
_LIFETIME = 60


class VersionedCache(Generic[_Value]):
    """Values by key, all of one data version; the least recently used ones make room for others. Thread-safe.

    :param lifetime: of a value, in seconds.
    """

    def __init__(self, lifetime: float = _LIFETIME) -> None:
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[_Value, int]] = OrderedDict()
        self._version: object = None
        self._since = 0.0
        self._size = 0

    def __contains__(self, key: Hashable) -> bool:
        """Whether the cache has a value for ``key``, of whatever data version."""
        return key in self._values

    def get(self, key: Hashable, version: object) -> _Value | None:
        """Return the value for ``key`` if it was made from data version ``version``."""
        with self._lock:
            if version is None or self._is_outdated(version) or key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, version: object, value: _Value, size: int, limit: int) -> None:
        """Cache ``value``, which was made from data version ``version`` or a later one.

        :param size: of the value.
        :param limit: the size of all values together, in the same unit.
        """
        if version is None or size > limit:
            return
        with self._lock:
            if self._is_outdated(version):
                self.clear()
                self._version, self._since = version, time.monotonic()
            self._size += size - self._values.get(key, (value, 0))[1]
            self._values[key] = value, size
            while self._size > limit:
                self._size -= self._values.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Remove all values."""
        self._values.clear()
        self._size = 0

    def _is_outdated(self, version: object) -> bool:
        if version is not self._version:  # requests that arrive together share one
            if version != self._version:
                return True
            self._version = version
        return time.monotonic() - self._since > self._lifetime
