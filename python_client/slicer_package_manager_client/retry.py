"""Trying again, with growing pauses, what may succeed the next time."""
from __future__ import annotations

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Callable

import tenacity

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Longer pauses than this, asked for by a server, are not waited for.
PATIENCE = 3700.0

TRANSIENT_STATUS = frozenset({408, 429})
_SERVER_FAILURE = 500


@dataclass(frozen=True)
class Retries:
    """How often something is tried again, and with which pauses.

    :param times: attempts after the first one.
    :param pause: seconds before the second attempt; doubles each time, up to ``longest``.
    :param notice: is told the error and the seconds until the next attempt.
    """

    times: int = 5
    pause: float = 1.0
    longest: float = 60.0
    notice: Callable[[BaseException, float], None] = lambda _error, _seconds: None
    sleep: Callable[[float], None] = time.sleep

    def attempts(self, transient: Callable[[BaseException], bool]) -> tenacity.Retrying:
        """The attempts at something; the last error is raised when none is left.

        :param transient: whether an error may be gone the next time.
        """
        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.times + 1),
            wait=self._pause_before_next,
            retry=tenacity.retry_if_exception(
                lambda error: transient(error) and (asked_pause(error) or 0) <= PATIENCE),
            before_sleep=self._tell,
            sleep=self.sleep,
            reraise=True)

    def _pause_before_next(self, state: tenacity.RetryCallState) -> float:
        grown: float = min(self.longest, self.pause * 2 ** (state.attempt_number - 1))
        # Machines that failed together do not come back together.
        grown *= random.uniform(0.75, 1.25)  # noqa: S311
        asked = asked_pause(state.outcome.exception()) if state.outcome else None
        return max(grown, asked or 0)

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None and state.next_action is not None:
            self.notice(error, state.next_action.sleep)


def is_transient_status(status: int | None) -> bool:
    """Whether an answer with this status may be another one the next time."""
    return status is not None and (status in TRANSIENT_STATUS or status >= _SERVER_FAILURE)


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
