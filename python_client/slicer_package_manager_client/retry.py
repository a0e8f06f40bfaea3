"""Trying again, with growing pauses, what may succeed the next time, until a budget of time is used up."""
from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Callable

import tenacity

from slicer_package_manager_client.config import RETRY_FOR

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds that GitHub may ask to wait: its limits of requests are by the hour.
PATIENCE = 3700.0
#: What is tried again without a pause between attempts would keep a server from coming back.
_SHORTEST = 0.02

TRANSIENT_STATUS = frozenset({408, 429})
#: Failures of a server that another attempt does not change (RFC 9110, 4918, 5842, 2774, 6585): 507 is "no space".
LASTING_STATUS = frozenset({501, 505, 506, 507, 508, 510, 511})
_SERVER_FAILURE = 500


@dataclass
class Budget:
    """Seconds that may be spent on trying again, for one file."""

    seconds: float = RETRY_FOR
    spent: float = 0.0

    def left(self, seconds: float | None = None) -> float:
        """What is left of it, or of a smaller one of ``seconds``."""
        return min(self.seconds, self.seconds if seconds is None else seconds) - self.spent


@dataclass(frozen=True)
class Retries:
    """For how long something is tried again, how often, and with which pauses.

    :param times: attempts after the first one; ``None`` leaves it to the budget.
    :param budget: seconds; what is spent of it counts for all attempts until :meth:`refill`.
    :param pause: seconds before the second attempt; doubles each time, up to ``longest``.
    :param patience: the longest pause that a server may ask for, beyond the budget too.
    :param notice: is told the error and the seconds until the next attempt.
    :param doubt: seconds of the budget that an error is worth, if not all.
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
        """Begin with another file."""
        self.budget.spent = 0.0

    def attempts(self, transient: Callable[[BaseException], bool]) -> tenacity.Retrying:
        """The attempts at something; the last error is raised when none is left.

        :param transient: whether an error may be gone the next time.
        """
        return tenacity.Retrying(
            stop=_Stop(self),
            wait=self._pause_before_next,
            retry=tenacity.retry_if_exception(transient),
            before_sleep=self._tell,
            sleep=self._sleep,
            reraise=True)

    def may_wait(self, error: BaseException) -> bool:
        """Whether the budget has room for what ``error`` asks for."""
        left = self.budget.left(self.doubt(error))
        return left > 0 and (asked_pause(error) or 0) <= max(left, self.patience)

    def _pause_before_next(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        grown: float = min(self.longest, self.pause * 2 ** min(state.attempt_number - 1, 30))
        # Machines that failed together do not come back together.
        grown *= random.uniform(0.75, 1.25)  # noqa: S311
        left = self.budget.left(self.doubt(error) if error else None)
        return max(min(grown, max(left, 0.0)), asked_pause(error) or 0.0)

    def _sleep(self, seconds: float) -> None:
        self.budget.spent += max(seconds, _SHORTEST)
        self.sleep(seconds if seconds or self.times is not None else _SHORTEST)

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None and state.next_action is not None:
            self.notice(error, state.next_action.sleep)


class _Stop(tenacity.stop.stop_base):
    """Stops when the number of attempts or the budget is used up. One for each series of attempts."""

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
        """The first failure costs nothing: what it interrupted may have taken long. Later ones cost their time."""
        if self._last is not None:
            self._retries.budget.spent += max(0.0, now - self._last - state.idle_for + self._idle)
        self._last, self._idle = now, state.idle_for


def is_transient_status(status: int | None) -> bool:
    """Whether an answer with this status may be another one the next time."""
    return status is not None and status not in LASTING_STATUS and (
        status in TRANSIENT_STATUS or status >= _SERVER_FAILURE)


def asked_pause(error: BaseException | None) -> float | None:
    """How many seconds the server asks to wait, if ``error`` carries an answer that does."""
    response: Any = getattr(error, 'response', None)
    headers = getattr(response, 'headers', None)
    asked = pause_in(headers) if headers else None
    return getattr(error, 'pause', None) if asked is None else asked


def pause_in(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """The seconds to wait that ``headers`` ask for: ``Retry-After``, or GitHub's rate limit."""
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
