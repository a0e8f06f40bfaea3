"""Why GitHub refuses a request, and which permission the token lacks.

Fine-grained tokens have permissions, classic ones have scopes. GitHub states in headers which ones a call requires:
https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""
from __future__ import annotations

import httpx

_REQUIRED = ('Give a fine-grained token the permission "Contents: Read and write" for this repository, or a classic '
             'token the scope "repo".')


def explained(response: httpx.Response, repository: str) -> str:
    """Return the message for a ``response`` with an error."""
    reason = f'status {response.status_code}: {_message(response)}'
    return f'GitHub refuses access to {repository} ({reason}). {_advice(response)}'.rstrip()


def _message(response: httpx.Response) -> str:
    try:
        body = response.json()
        details = [one if isinstance(one, str) else str(one.get('message') or one.get('code') or '')
                   for one in body.get('errors') or []]
        text = ' '.join([str(body['message']), *details])
    except (ValueError, TypeError, KeyError, AttributeError):
        text = response.text[:120]
    return ' '.join(text.split()).rstrip('.')


def _advice(response: httpx.Response) -> str:
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return 'The token is wrong, expired or revoked: make a new one.'
    if 'X-GitHub-SSO' in response.headers:
        return 'Authorize the token for the single sign-on of the organization.'
    if response.status_code == httpx.codes.FORBIDDEN:
        return _of_token(response)
    if response.status_code == httpx.codes.NOT_FOUND:
        return f'There is no such repository, or the token does not reach it. {_of_token(response)}'
    return ''


def _of_token(response: httpx.Response) -> str:
    """What the token requires, as far as headers state it."""
    scopes = response.headers.get('X-OAuth-Scopes')
    if scopes is not None and 'repo' not in scopes.replace(' ', '').split(','):
        return f'The classic token has the scopes "{scopes}", but requires "repo".'
    permissions = response.headers.get('X-Accepted-GitHub-Permissions')
    if permissions and scopes is None:
        return f'The fine-grained token lacks a permission: this request requires "{permissions}". {_REQUIRED}'
    return _REQUIRED
