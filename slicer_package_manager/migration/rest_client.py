"""Requests to the REST API of a server that goes on serving others meanwhile.

A request is repeated while the server is busy or cannot be reached. After an answer that took long, the client pauses
as long, so that it takes at most half of the time of a slow server. An interruption of the migration ends all pauses.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx

from slicer_package_manager.migration.errors import AnswerError, MigrationError
from slicer_package_manager.migration.pace import Pace
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document

#: Returns the JSON that a server answers to a path of its API with these parameters.
Get = Callable[..., Any]
#: The status codes of a server that is busy, and the seconds between attempts.
_BUSY, _PAUSES = (429, 502, 503, 504), (1, 5, 20)
#: Seconds that an answer may take, and after which the client pauses as long as it took.
_SECONDS, _SLOW = 120, 2
_PIECE = 1024 * 1024
#: The scope of a token for everything that its user may do.
_ALL_SCOPES = 'core.user_auth'


class RestClient:
    """A client of the API at the URL ``api``.

    :param api_key: for an API key of the server; without one, the client is anonymous.
    :param pace: of the migration for which it reads.
    :raises MigrationError: the server does not answer, or refuses the key, or the key cannot read everything.
    """

    def __init__(self, api: str, api_key: str | None = None, pace: Pace | None = None) -> None:
        self.url, self.pace = api.rstrip('/'), pace or Pace(None)
        self._client = httpx.Client(base_url=f'{self.url}/', timeout=_SECONDS, follow_redirects=True)
        self.is_anonymous = not api_key
        if api_key:
            answer = self._repeated(lambda: self._client.post('api_key/token', params={'key': api_key}))
            if answer.is_error:
                raise MigrationError(f'{self._client.base_url} refuses the API key: {_message(answer)}')
            token = answer.json()['authToken']
            self._client.headers['Girder-Token'] = token['token']
            self._require_administrator(token)

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of the answer.

        :raises MigrationError: the server does not answer.
        :raises AnswerError: it answers with an error.
        """
        answer = self._repeated(lambda: self._client.get(path, params=params))
        if answer.is_error:
            raise AnswerError(f'{answer.url.copy_with(query=None)} answers {answer.status_code}: {_message(answer)}')
        return answer.json()

    def _require_administrator(self, token: Document) -> None:
        is_limited = _ALL_SCOPES not in token.get('scope', [_ALL_SCOPES])
        if is_limited or not (self.get('user/me') or {}).get('admin'):
            raise MigrationError(
                f'The API key of {self._client.base_url} is not one of an administrator with all scopes. Use such a '
                'key, or none: then only what everyone may read comes along.')

    def _repeated(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        for pause in (*_PAUSES, None):
            begun = self.pace.clock()
            try:
                answer = request()
            except httpx.TransportError as error:
                if pause is None:
                    raise MigrationError(f'{self._client.base_url} does not answer: {error}') from error
            else:
                if answer.status_code not in _BUSY or pause is None:
                    taken = self.pace.clock() - begun
                    self._pause(taken if taken > _SLOW else 0)
                    return answer
                answer.close()
            self._pause(pause)
        raise AssertionError

    def _pause(self, seconds: float) -> None:
        if self.pace.pause(seconds):
            raise MigrationError('The migration was interrupted.')

    @contextmanager
    def download(self, path: str) -> Iterator[Iterator[bytes]]:
        """The bytes of a file.

        :raises MigrationError: the server does not answer, or is busy.
        :raises httpx.HTTPStatusError: it answers with another error.
        :raises httpx.TransportError: it does not send all bytes.
        """
        request = self._client.build_request('GET', path, headers={'Accept-Encoding': 'identity'})
        with closing(self._repeated(lambda: self._client.send(request, stream=True))) as answer:
            if answer.status_code in _BUSY:
                raise MigrationError(f'{answer.url.copy_with(query=None)} answers {answer.status_code}.')
            answer.raise_for_status()
            yield answer.iter_raw(_PIECE)


def _message(answer: httpx.Response) -> str:
    try:
        return validators.shortened(str(answer.json()['message']))
    except (ValueError, TypeError, KeyError):
        return validators.shortened(answer.text)
