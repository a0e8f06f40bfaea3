"""Retries with exponential backoff, within a time budget for each file."""
from __future__ import annotations

import dataclasses
import random
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Callable

import tenacity

from slicer_package_manager_client.config import RETRY_FOR

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Longest pause in seconds that GitHub may request: its rate limits are per hour.
PATIENCE = 3700.0
#: Shortest pause in seconds: retries without any pause would keep a server from recovering.
_SHORTEST = 0.02

TRANSIENT_STATUS = frozenset({408, 429})
#: Server errors that a retry does not cure (RFC 9110, 4918, 5842, 2774, 6585): 507 is "no space".
LASTING_STATUS = frozenset({501, 505, 506, 507, 508, 510, 511})
_SERVER_FAILURE = 500


@dataclass
class Budget:
    """Seconds that the retries for one file may take."""

    seconds: float = RETRY_FOR
    spent: float = 0.0

    def left(self, seconds: float | None = None) -> float:
        """Return the seconds that are left; with ``seconds``, of a budget of at most that size."""
        return min(self.seconds, self.seconds if seconds is None else seconds) - self.spent


@dataclass(frozen=True)
class Retries:
    """Retry policy: number of attempts, pauses and time budget.

    :param times: retries after the first attempt; ``None`` means as many as the budget allows.
    :param budget: shared by all attempts until :meth:`refill`.
    :param pause: seconds before the second attempt; doubles each time, up to ``longest``.
    :param patience: longest pause in seconds that a server may request, even beyond the budget.
    :param notice: called with the error and the seconds until the next attempt.
    :param doubt: returns how many seconds of the budget an error is worth; ``None`` means all of them.
    """

    times: int | None = None
    pause: float = 1.0
    longest: float = 30.0
    budget: Budget = field(default_factory=Budget)
    patience: float = 0.0
    notice: Callable[[BaseException, float], None] = lambda _error, _seconds: None
    sleep: Callable[[float], None] = time.sleep
    doubt: Callable[[BaseException], float | None] = lambda _error: None

    def refill(self) -> None:
        """Reset the time budget for the next file."""
        self.budget.spent = 0.0

    def separate(self) -> Retries:
        """Return the same policy with a time budget of its own."""
        return dataclasses.replace(self, budget=Budget(self.budget.seconds))

    def attempts(self, transient: Callable[[BaseException], bool]) -> tenacity.Retrying:
        """Return the object that repeats a call, and raises its last error when no attempt is left.

        :param transient: returns whether an error is worth a retry.
        """
        return tenacity.Retrying(
            stop=_Stop(self),
            wait=self._pause_before_next,
            retry=tenacity.retry_if_exception(transient),
            before_sleep=self._notify,
            sleep=self._sleep,
            reraise=True)

    def may_wait(self, error: BaseException) -> bool:
        """Whether the budget allows the pause that ``error`` requests."""
        left = self.budget.left(self.doubt(error))
        return left > 0 and (asked_pause(error) or 0) <= max(left, self.patience)

    def _pause_before_next(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        grown: float = min(self.longest, self.pause * 2 ** min(state.attempt_number - 1, 30))
        # Jitter: machines that failed at the same time must not retry at the same time.
        grown *= random.uniform(0.75, 1.25)  # noqa: S311
        left = self.budget.left(self.doubt(error) if error else None)
        return max(min(grown, max(left, 0.0)), asked_pause(error) or 0.0)

    def _sleep(self, seconds: float) -> None:
        self.budget.spent += max(seconds, _SHORTEST)
        self.sleep(seconds if seconds or self.times is not None else _SHORTEST)

    def _notify(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None and state.next_action is not None:
            self.notice(error, state.next_action.sleep)


class _Stop(tenacity.stop.stop_base):
    """Stop when the attempts or the budget are used up. One instance serves one series of attempts."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._last: float | None = None  # when the previous attempt failed
        self._idle = 0.0  # pauses until then

    def __call__(self, state: tenacity.RetryCallState) -> bool:
        now, error = time.monotonic(), state.outcome.exception() if state.outcome else None
        self._charge(now, state)
        times = self._retries.times
        return (error is None or (times is not None and state.attempt_number > times)
                or not self._retries.may_wait(error))

    def _charge(self, now: float, state: tenacity.RetryCallState) -> None:
        """Charge an attempt to the budget, except for the first one, which may have transferred data for long."""
        if self._last is not None:
            self._retries.budget.spent += max(0.0, now - self._last - state.idle_for + self._idle)
        self._last, self._idle = now, state.idle_for


def is_transient_status(status: int | None) -> bool:
    """Whether a request that was answered with ``status`` is worth a retry."""
    return status is not None and status not in LASTING_STATUS and (
        status in TRANSIENT_STATUS or status >= _SERVER_FAILURE)


def asked_pause(error: BaseException | None) -> float | None:
    """Return the pause in seconds that the response of ``error`` requests, or ``None``."""
    response: Any = getattr(error, 'response', None)
    headers = getattr(response, 'headers', None)
    asked = pause_in(headers) if headers else None
    return getattr(error, 'pause', None) if asked is None else asked


def pause_in(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Return the pause in seconds that ``Retry-After`` or GitHub's rate limit requests, or ``None``."""
    value = headers.get('Retry-After')
    if value is not None:
        return _retry_after(value, now)
    if headers.get('x-ratelimit-remaining') == '0':
        reset = headers.get('x-ratelimit-reset', '')
        return max(0.0, float(reset) - now() + 1) if reset.isdecimal() else None
    return None


def _retry_after(value: str, now: Callable[[], float]) -> float | None:
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now())
    except (TypeError, ValueError, OverflowError):
        return None
