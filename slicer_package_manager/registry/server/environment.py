"""How a server is run: environment variables that are read once, when it starts.

They are no settings in the database, since what is switched off here must cost a request nothing, not even a query.
"""
from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slicer_package_manager.registry.server import client_address
from slicer_package_manager.registry.server.client_address import Network

TRUSTED_PROXIES = 'SLICER_PACKAGE_MANAGER_TRUSTED_PROXIES'
METRICS = 'SLICER_PACKAGE_MANAGER_METRICS'
LOG_FORMAT = 'SLICER_PACKAGE_MANAGER_LOG_FORMAT'
RATE_LIMIT = 'SLICER_PACKAGE_MANAGER_RATE_LIMIT'
AUDIT_DAYS = 'SLICER_PACKAGE_MANAGER_AUDIT_DAYS'
WORK_LIMITS = 'SLICER_PACKAGE_MANAGER_WORK_LIMITS'
MIN_RATE = 'SLICER_PACKAGE_MANAGER_MIN_RATE'
MAX_TRANSFER = 'SLICER_PACKAGE_MANAGER_MAX_TRANSFER'

LOG_FORMATS = ('text', 'json')
#: How long one operation on the database may take, in seconds, including all retries of the driver: longer
#: than a replica set takes to choose another primary (some twelve seconds), and less than what clients and proxies
#: wait for an answer.
DATABASE_SECONDS = 20
_MOST_DAYS = 36500
_LARGEST = 10**12
#: Classes of work that requests belong to; :mod:`front.classes` states which.
WORK = ('health', 'pages', 'downloads', 'reads', 'writes', 'heavy')
_WORK_LIMIT = re.compile(rf'({"|".join(WORK)})=(\d{{1,5}})(?:/(\d{{1,5}}))?')


class Unusable(ValueError):  # noqa: N818 - a statement about a variable
    """A variable has an invalid value; the message names both."""


@dataclass(frozen=True)
class Operation:
    """The values of the variables; everything is off by default.

    :param trusted_proxies: whose ``X-Forwarded-For`` and ``X-Request-ID`` are believed.
    :param metrics: who may read ``/metrics``; if this is empty, nothing is measured or published.
    :param rate_limit: limits such as ``60/minute;500/hour`` for each address; ``''`` for none.
    :param audit_days: for how many days changes are kept in the audit log; 0 keeps none.
    :param work_limits: for classes of :data:`WORK`, how many requests run and how many wait at the same time in each
        process; ``None`` for the default.
    :param min_rate: of transfers, in bytes per second on average over a minute.
    :param max_transfer: seconds that one transfer may take.
    """

    trusted_proxies: tuple[Network, ...] = ()
    metrics: tuple[Network, ...] = ()
    log_format: str = 'text'
    rate_limit: str = ''
    audit_days: int = 0
    work_limits: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    min_rate: int = 1024
    max_transfer: int = 24 * 3600


def _log_format(text: str) -> str:
    if text not in LOG_FORMATS:
        raise ValueError(f'must be one of {", ".join(LOG_FORMATS)}')
    return text


def _rate_limit(text: str) -> str:
    from limits import parse_many  # noqa: PLC0415 - most servers need not load it
    try:
        parse_many(text)
    except ValueError:
        raise ValueError('must be limits such as 60/minute, or several as 60/minute;500/hour') from None
    return text


def _days(text: str) -> int:
    if not text.isdecimal() or not int(text) <= _MOST_DAYS:
        raise ValueError(f'must be a whole number of days up to {_MOST_DAYS}, 0 for no audit log')
    return int(text)


def _work_limits(text: str) -> dict[str, tuple[int, int | None]]:
    limits = {}
    for word in text.replace(',', ' ').split():
        found = _WORK_LIMIT.fullmatch(word)
        if not found or int(found[2]) == 0:
            raise ValueError(f'"{word}" is not a limit such as downloads=16 or reads=16/64 (running/waiting), of one '
                             f'of the classes {", ".join(WORK)}')
        limits[found[1]] = int(found[2]), int(found[3]) if found[3] else None
    return limits


def _number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < _LARGEST:
        raise ValueError('must be a whole number above 0')
    return int(text)


_RULES: dict[str, tuple[str, Callable[[str], Any]]] = {
    TRUSTED_PROXIES: ('trusted_proxies', client_address.networks),
    METRICS: ('metrics', client_address.networks),
    LOG_FORMAT: ('log_format', _log_format),
    RATE_LIMIT: ('rate_limit', _rate_limit),
    AUDIT_DAYS: ('audit_days', _days),
    WORK_LIMITS: ('work_limits', _work_limits),
    MIN_RATE: ('min_rate', _number),
    MAX_TRANSFER: ('max_transfer', _number),
}


def of(environ: Mapping[str, str] = os.environ) -> Operation:
    """Return the values of the variables in ``environ``; an empty one counts as not set.

    :raises Unusable: one of them has an invalid value.
    """
    values = {}
    for variable, (name, rule) in _RULES.items():
        text = environ.get(variable, '').strip()
        try:
            values.update({name: rule(text)} if text else {})
        except ValueError as error:
            raise Unusable(f'The variable {variable} is unusable: {error}.') from None
    return Operation(**values)
