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

    A value may be newer than its version, so two values of one version may be of different data. Values that must fit
    together are cached as one, or one of them by a key that the other one has.

    :param lifetime: of a value, in seconds.
    """

    def __init__(self, lifetime: float = _LIFETIME) -> None:
        self._lifetime = lifetime
        self._lock = threading.Lock()
        #: Each with its size, and since when it is cached.
        self._values: OrderedDict[Hashable, tuple[_Value, int, float]] = OrderedDict()
        self._version: object = None
        self._size = 0

    def __contains__(self, key: Hashable) -> bool:
        """Whether the cache has a value for ``key``, of whatever data version."""
        return key in self._values

    def get(self, key: Hashable, version: object) -> _Value | None:
        """Return the value for ``key`` if it was made from data version ``version``."""
        with self._lock:
            if version is None or not self._is_of(version) or key not in self._values:
                return None
            value, _, since = self._values[key]
            if time.monotonic() - since > self._lifetime:
                return None
            self._values.move_to_end(key)
            return value

    def put(self, key: Hashable, version: object, value: _Value, size: int, limit: int) -> None:
        """Cache ``value``, which was made from data version ``version`` or a later one.

        :param size: of the value.
        :param limit: the size of all values together, in the same unit.
        """
        if version is None or size > limit:
            return
        with self._lock:
            if not self._is_of(version):
                self.clear()
                self._version = version
            if key in self._values:
                self._size -= self._values[key][1]
            self._size += size
            self._values[key] = value, size, time.monotonic()
            while self._size > limit:
                self._size -= self._values.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Remove all values."""
        self._values.clear()
        self._size = 0

    def _is_of(self, version: object) -> bool:
        if version is not self._version:  # requests that arrive together share one
            if version != self._version:
                return False
            self._version = version
        return True
