"""Rate limits for each client address, counted in the database: they apply to all processes and machines together."""
from __future__ import annotations

import math
import time
from typing import Any

from girder.models import getDbConnection
from girder.models.setting import Setting
from limits import RateLimitItem, parse_many
from limits.storage.mongodb import MongoDBStorageBase
from limits.strategies import FixedWindowRateLimiter

from slicer_package_manager.registry.server import client_address


class _Storage(MongoDBStorageBase):
    """The counters, in Girder's database over Girder's connection. The database removes those that have expired."""

    def _init_mongo_client(self, uri: str | None, **options: Any) -> Any:  # noqa: ARG002 - the library's signature
        return getDbConnection()

    def __del__(self) -> None:
        """Leave the connection open, since it is Girder's. The library's own storage closes its connection here."""


class RateLimit:
    """Limits such as ``60/minute;500/hour`` for each address; with IPv6, for the network of one subscriber."""

    def __init__(self, text: str) -> None:
        self.rate = text
        self._limits = parse_many(text)
        self._limiter = FixedWindowRateLimiter(_Storage(
            '', database_name=Setting().database.name, counter_collection_name='slicer_package_limit',
            window_collection_name='slicer_package_limit_window'))

    def seconds_to_wait(self, address: str) -> int:
        """Count one request of ``address``, by one write for each limit.

        :returns: 0 if the request is allowed, else the number of seconds after which the client may try again.
        """
        site = client_address.site(address)
        exceeded = [limit for limit in self._limits if not self._limiter.hit(limit, site)]
        return max((self._until_reset(limit, site) for limit in exceeded), default=0)

    def _until_reset(self, limit: RateLimitItem, site: str) -> int:
        reset = self._limiter.get_window_stats(limit, site).reset_time
        return min(max(math.ceil(reset - time.time()), 1), limit.get_expiry())
