"""Public keys of issuers of ID tokens, fetched from the issuers that an administrator has allowed.

1. The keys are where the issuer's configuration states it (OpenID Connect Discovery 1.0, section 4). Both come over
   https from the host of the issuer. No redirect is followed, and neither time nor size is unlimited.
2. Each process caches them for :data:`LIFETIME` seconds.
3. A token with an unknown key has them fetched anew, since the issuer may have a new one; but at most once in
   :data:`PAUSE` seconds, whatever clients send, and also after a failure.
"""
from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from slicer_package_manager.registry.schema.errors import BadGateway
from slicer_package_manager.registry.schema.types import Document

#: Seconds for which keys are cached, and between attempts to fetch them.
LIFETIME, PAUSE = 3600.0, 30.0
#: Limits of a response: seconds for all of it and without a byte, and bytes.
SECONDS, STALL_SECONDS, BYTES = 10.0, 5.0, 256 * 1024
_CONFIGURATION = '/.well-known/openid-configuration'
_OK = 200
#: The parts of a public key. Others are left out: an issuer that publishes a private key makes no difference.
_PUBLIC = ('kty', 'n', 'e', 'crv', 'x', 'y')
#: What a key must have for each algorithm.
_TYPES: dict[str, Document] = {'RS256': {'kty': 'RSA'}, 'ES256': {'kty': 'EC', 'crv': 'P-256'}}

#: The keys of an issuer by their ids.
Keys: TypeAlias = Mapping[str, Document]


class IssuerKeys:
    """The keys of ``issuer``. Thread-safe: while one thread fetches, others wait for its result."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._lock = threading.Lock()
        self._keys: Keys = {}
        self._fetched = self._attempted = float('-inf')
        self._failure = ''

    def key(self, key_id: str, algorithm: str) -> PyJWK | None:
        """Return the key with the id ``key_id`` for ``algorithm``; ``None`` if the issuer has none.

        :raises BadGateway: the keys cannot be fetched.
        """
        if not self._has(key_id):
            with self._lock:
                if not self._has(key_id):
                    self._refresh()
        return _usable(self._keys.get(key_id), algorithm)

    def _has(self, key_id: str) -> bool:
        return key_id in self._keys and time.monotonic() - self._fetched < LIFETIME

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._attempted < PAUSE:
            if self._failure:
                raise BadGateway(self._failure)
            return
        self._attempted = now
        try:
            self._keys, self._fetched, self._failure = _fetched(self._issuer), now, ''
        except BadGateway as error:  # known keys stay until their time is over
            self._failure = str(error)
            raise


@cache
def of(issuer: str) -> IssuerKeys:
    """Return the keys of ``issuer``, which an administrator has allowed."""
    return IssuerKeys(issuer)


def _usable(key: Document | None, algorithm: str) -> PyJWK | None:
    required = {**_TYPES[algorithm], 'alg': algorithm, 'use': 'sig'}
    if key is None or any(key.get(name, value) != value for name, value in required.items()):
        return None
    try:
        return PyJWK({name: key[name] for name in _PUBLIC if name in key}, algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None


def _fetched(issuer: str) -> Keys:
    configuration = _json(f'{issuer}{_CONFIGURATION}')
    address = configuration.get('jwks_uri')
    if configuration.get('issuer') != issuer or not isinstance(address, str) or not _same_host(address, issuer):
        raise BadGateway(f'The configuration of the issuer {issuer} is that of another one, or names keys on another '
                         'host.')
    keys = _json(address).get('keys')
    if not isinstance(keys, list):
        raise BadGateway(f'The issuer {issuer} publishes no list of keys.')
    return {key['kid']: key for key in keys if isinstance(key, dict) and isinstance(key.get('kid'), str)}


def _same_host(url: str, issuer: str) -> bool:
    try:
        one, other = urlsplit(url), urlsplit(issuer)
    except ValueError:
        return False
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)


def _json(url: str) -> Document:
    """Return the JSON object at ``url``.

    :raises BadGateway: there is none, or it comes too slowly or is too large.
    """
    try:
        found: Any = json.loads(_body(url))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise BadGateway(f'{_host(url)} does not answer: {type(error).__name__}.') from error
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadGateway(f'{_host(url)} does not answer with a JSON object.')
    return found


def _body(url: str) -> bytes:
    headers = {'Accept': 'application/json', 'Accept-Encoding': 'identity'}
    body, end = bytearray(), time.monotonic() + SECONDS
    with (httpx.Client(timeout=STALL_SECONDS, follow_redirects=False, headers=headers) as client,
          client.stream('GET', url) as response):
        if response.status_code != _OK or 'Content-Encoding' in response.headers:
            raise BadGateway(f'{_host(url)} answers with status {response.status_code} to a request for its keys.')
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > BYTES or time.monotonic() > end:
                raise BadGateway(f'{_host(url)} sends more than {BYTES // 1024} KiB, or takes longer than '
                                 f'{SECONDS:.0f} s.')
    return bytes(body)


def _host(url: str) -> str:
    return urlsplit(url).netloc or 'The issuer'
