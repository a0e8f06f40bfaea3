"""Requests to GitHub: credentials, errors, rate limits, and bodies of a known size."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import requests

from slicer_package_manager_client import certificates
from slicer_package_manager_client.retry import pause_in

if TYPE_CHECKING:
    from slicer_package_manager_client.localfile import LocalFile

_logger = logging.getLogger(__name__)


class Answered(requests.HTTPError):
    """GitHub answered with an error."""

    response: requests.Response


class RateLimited(Answered):
    """Too many requests; GitHub states how long to wait, or else asks for at least one minute."""

    pause = 60.0


class Body:
    """The body of an upload: a file of a known size, which is read once."""

    def __init__(self, source: LocalFile, reporter: Any) -> None:
        self._source = source
        self._reporter = reporter
        self._offset = 0
        self.len = source.size  # requests sends it as Content-Length

    def __iter__(self) -> Any:  # by which requests recognizes a stream
        raise NotImplementedError

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        data = self._source.read(self._offset, min(size, self.len - self._offset))
        self._offset += len(data)
        self._reporter.update(len(data))
        return data


class _Bearer(requests.auth.AuthBase):
    """The token, which requests drops when it follows a redirect to another host. ``.netrc`` does not override it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers['Authorization'] = f'Bearer {self._token}'
        return request


class Session(requests.Session):
    """A session with the headers of GitHub's API.

    :param token: sent to the origins of the requests, and not where they are redirected to.
    """

    def __init__(self, token: str, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout
        self.auth = _Bearer(token)
        self.headers.update({'Accept': 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28',
                             'User-Agent': 'slicer-package-manager-client'})

    def ask(self, method: str, url: str, **more: Any) -> requests.Response:
        """Send a request.

        :raises Answered: GitHub answers with an error.
        """
        _logger.debug('%s %s', method, url)
        answer = self.request(method, url, allow_redirects=method == 'GET', timeout=self._timeout,
                              verify=certificates.trusted(), **more)
        if not answer.ok or answer.is_redirect:
            kind = RateLimited if _is_rate_limit(answer) else Answered
            raise kind(f'status {answer.status_code}', request=answer.request, response=answer)
        return answer


def _is_rate_limit(answer: requests.Response) -> bool:
    """Whether the answer reports a rate limit, for which GitHub also uses 403."""
    return answer.status_code == 429 or (answer.status_code == 403 and (  # noqa: PLR2004
        pause_in(answer.headers) is not None or 'rate limit' in answer.text.lower()))


def message_of(answer: requests.Response) -> str:
    """Return the message of an error, or the beginning of any other page."""
    try:
        body = answer.json()
        details = [str(one.get('message') or one.get('code') or '') for one in body.get('errors') or []]
        reason = ' '.join([str(body['message']), *details])
    except (ValueError, TypeError, KeyError, AttributeError):
        reason = answer.text[:120]
    return ' '.join(reason.split()).rstrip('.') + '.'
