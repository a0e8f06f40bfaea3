"""Trusted publishing: log in with an ID token of the CI service instead of a stored secret.

1. The CI service states, in an ID token that it signs (OpenID Connect), which repository and workflow a job belongs to.
   GitHub Actions gives it on request to a job with the permission ``id-token: write``. GitLab CI sets it as a variable
   that ``id_tokens`` in the job names.
2. The server exchanges it for a token of 15 minutes that can only upload, if an administrator has registered the
   repository and the workflow as a publisher. It accepts each ID token once.
3. When the token has expired, the client obtains another ID token, which only GitHub Actions gives.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import requests
from girder_client import HttpError

from slicer_package_manager_client import certificates, config, errors
from slicer_package_manager_client.explain import ID_TOKEN, LET_JOB_LOG_IN, explain

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection

_REQUEST_URL, _REQUEST_TOKEN = 'ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN'


def is_available() -> bool:
    """Whether this is a job for which the CI service gives ID tokens."""
    return bool(config.environment(ID_TOKEN) or (config.environment(_REQUEST_URL)
                                                 and config.environment(_REQUEST_TOKEN)))


def log_in(connection: Connection, app: str | None = None, audience: str | None = None) -> None:
    """Log in to the server of ``connection`` with an ID token, again whenever the token of the server expires.

    :param app: name or id of the application to upload to, if the repository is a publisher of several.
    :param audience: the server for which the ID token is requested, as the server knows its address; by default that
        of ``connection``.
    :raises SlicerPackageManagerError: the CI service gives no ID token, or the server does not accept it.
    """
    def exchange(client: Connection) -> None:
        id_token = _id_token(client, audience or audience_of(client.urlBase))
        client.on_token(id_token)
        answer = client.post('slicer_package_manager/oidc/token', data={
            'id_token': id_token, **({'app': app} if app else {})})
        client.setToken(answer['authToken']['token'])
        client.is_publisher = True

    try:
        connection.logInBy(exchange)
    except HttpError as error:
        if 'No matching route' in str(error.responseText):
            raise errors.NotFound('The server has no trusted publishing.', server=connection.urlBase,
                                  advice='Log in with an API key.') from error
        raise


def audience_of(api_url: str) -> str:
    """Return the address of the server whose API is at ``api_url``, without a trailing slash."""
    return api_url.rstrip('/').removesuffix('/api/v1').rstrip('/')


def _id_token(connection: Connection, audience: str) -> str:
    given = config.environment(ID_TOKEN)
    if given:
        return given
    url, secret = config.environment(_REQUEST_URL), config.environment(_REQUEST_TOKEN)
    if not url or not secret:
        raise errors.Refused('There is no ID token of a CI service for trusted publishing.', advice=LET_JOB_LOG_IN)
    try:
        return _text(connection.attempts()(lambda: _request(url, secret, audience, connection.timeout)), url)
    except requests.RequestException as error:
        if isinstance(error, HttpError) and not connection.is_transient(error):
            raise errors.Refused(f'The CI service gives no ID token (status {error.status}).', server=_origin(url),
                                 advice=LET_JOB_LOG_IN) from error
        raise explain(error, _origin(url)) from error


def _request(url: str, secret: str, audience: str, timeout: float) -> Any:
    """Request an ID token for ``audience``, once.

    A redirect is not followed: it would send the secret of the job to another host.
    """
    address = f'{url}{"&" if urlsplit(url).query else "?"}audience={quote(audience, safe="")}'
    response = requests.get(address, headers={'Authorization': f'Bearer {secret}', 'Accept': 'application/json'},
                            timeout=timeout, verify=certificates.trusted() or True, allow_redirects=False)
    if not response.ok or response.is_redirect:
        raise HttpError(response.status_code, response.text, _origin(url), 'GET', response=response)
    try:
        return response.json()
    except ValueError:
        return None


def _text(answer: Any, url: str) -> str:
    value = answer.get('value') if isinstance(answer, dict) else None
    if not isinstance(value, str) or not value:
        raise errors.NetworkProblem('The CI service does not answer with an ID token.', server=_origin(url))
    return value


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f'{parts.scheme}://{parts.netloc}'
