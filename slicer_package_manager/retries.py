"""Requests to servers that are busy now and then: they are repeated after pauses."""
from __future__ import annotations

import time
from collections.abc import Callable

import httpx
from tenacity import RetryCallState, Retrying, nap, retry_if_exception_type, stop_after_attempt

_TOO_MANY = (httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS)
#: How GitHub names its limits in responses whose headers do not: https://docs.github.com/rest/using-the-rest-api.
_LIMIT = 'rate limit'
#: The least pause, in seconds, after a response that names a limit and no pause.
_LEAST = 60


class BusyError(Exception):
    """The other server limits requests; try again after ``pause`` seconds; ``None`` if it does not report how long."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


def repeated(attempts: int, pause: float, longest: float, sleep: Callable[[float], None] = nap.sleep) -> Retrying:
    """Return what calls a function again after a :class:`BusyError` or when the other server cannot be reached.

    :param attempts: after so many, the last error is raised.
    :param pause: before the second attempt, in seconds; each further one is twice as long.
    :param longest: the longest pause, in seconds, whatever a server asks for.
    """
    return Retrying(stop=stop_after_attempt(attempts), reraise=True,
                    wait=lambda state: pause_before(state, pause, longest),
                    retry=retry_if_exception_type((BusyError, httpx.TransportError)), sleep=sleep)


def pause_before(state: RetryCallState, pause: float, longest: float) -> float:
    """Return the seconds until the next attempt; see :func:`repeated`."""
    error = state.outcome.exception() if state.outcome else None
    asked: float | None = getattr(error, 'pause', None)
    growing: float = pause * 2 ** (state.attempt_number - 1)
    return min(growing if asked is None else asked, longest)


def final(response: httpx.Response) -> httpx.Response:
    """Return ``response``, unless it is a request to try again later.

    :raises BusyError: it is.
    """
    limited = response.status_code in _TOO_MANY and (
        'Retry-After' in response.headers or response.headers.get('X-RateLimit-Remaining') == '0'
        or _LIMIT in response.text.lower())
    if limited or response.is_server_error or response.status_code == httpx.codes.REQUEST_TIMEOUT:
        raise BusyError(f'status {response.status_code}', _asked_pause(response))
    return response


def _asked_pause(response: httpx.Response) -> float | None:
    """Return the seconds after which the other server accepts the next request, ``None`` if it does not report them."""
    headers = response.headers
    after, reset = headers.get('Retry-After', ''), headers.get('X-RateLimit-Reset', '')
    if after.isdigit():
        return int(after)
    if reset.isdigit() and headers.get('X-RateLimit-Remaining') == '0':
        return max(int(reset) - time.time(), 0)
    return _LEAST if response.status_code in _TOO_MANY and _LIMIT in response.text.lower() else None
