"""Verification of ID tokens (JSON Web Tokens, RFC 7519) of CI services.

1. The issuer that the token names must be allowed. It selects the keys; nothing else is used before the signature is
   verified.
2. Only RS256 and ES256 are accepted, each with a key of its type. So a public key is never taken for a shared secret.
3. The token must be for this server and valid now, with :data:`LEEWAY` seconds for clocks that differ.
4. Each token is accepted once (:func:`spend`): a unique key in the database ensures it for all processes.
"""
from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.accounts import issuer_keys
from slicer_package_manager.registry.accounts.ci_services import Claims
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Forbidden, Invalid
from slicer_package_manager.registry.server import transactions

#: Seconds by which the clocks of the issuer and of this server may differ.
LEEWAY = 30
#: How much longer than the token its record stays, since the clock of the database may differ more.
_RECORDED = timedelta(hours=1)
#: The largest token, in bytes, and the longest lifetime; that of GitLab's is the timeout of the job.
LARGEST, LONGEST = 16 * 1024, timedelta(days=31)
_ALGORITHMS = ('RS256', 'ES256')
_REQUIRED = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti']
#: What is raised for tokens that no issuer makes.
_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
_WRONG_TYPE = 'has claims of a wrong type, or an empty one'
_REASONS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, 'has expired. Request a new one'),
    (jwt.ImmatureSignatureError, 'is not valid yet. Check the clock of the server'),
    (jwt.InvalidSignatureError, 'has a signature that is not that of its issuer'),
    (jwt.MissingRequiredClaimError, f'does not have all of the claims {", ".join(_REQUIRED)}'),
)


class SpentToken(transactions.TransactionalModel):
    """ID tokens that were accepted, in the collection ``slicer_package_id_token``, until they expire.

    A document has ``_id``, which stands for the issuer and ``jti``, and ``expires``.
    """

    stored_in = 'slicer_package_id_token'


INDEXES = [IndexModel([('expires', ASCENDING)], name='spm_id_token_expires', expireAfterSeconds=0)]


def verified(token: str, audience: str, issuers: dict[str, str]) -> Claims:
    """Return the claims of ``token``.

    :param audience: the address of this server.
    :param issuers: the allowed issuers.
    :raises Invalid: it is no ID token.
    :raises Forbidden: it is not accepted; the message states why.
    :raises BadGateway: the keys of its issuer cannot be fetched.
    """
    issuer, key_id, algorithm = _stated(token)
    if issuer not in issuers:
        raise _refusal(f'is of the issuer "{validators.shortened(issuer)}", which is not in the setting '
                       'slicer_package_manager.oidc_issuers')
    key = issuer_keys.of(issuer).key(key_id, algorithm)
    if key is None:
        raise _refusal(f'is signed with the key "{validators.shortened(key_id)}", which its issuer does not have for '
                       f'{algorithm}')
    claims = _decoded(token, key, algorithm, audience, issuer)
    jti, times = claims['jti'], (claims[name] for name in ('exp', 'nbf', 'iat'))
    if not isinstance(jti, str) or not jti or not all(map(_is_number, times)):
        raise _refusal(_WRONG_TYPE)
    if claims['exp'] - claims['iat'] > LONGEST.total_seconds():
        raise _refusal(f'is valid for longer than {LONGEST.days} days')
    return claims


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _stated(token: str) -> tuple[str, str, str]:
    """Return what ``token`` states without proof: issuer, id of the key, and algorithm."""
    try:
        if len(token) > LARGEST:
            raise ValueError
        header = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={'verify_signature': False})['iss']
    except _UNREADABLE:
        raise Invalid([('id_token', 'is no ID token, a JSON Web Token of a CI service')]) from None
    key_id, algorithm = header.get('kid'), header.get('alg')
    if algorithm not in _ALGORITHMS or not isinstance(key_id, str) or not isinstance(issuer, str) or 'crit' in header:
        raise _refusal(f'must be signed with {" or ".join(_ALGORITHMS)}, and name its issuer and the key')
    return issuer, key_id, str(algorithm)


def _decoded(token: str, key: jwt.PyJWK, algorithm: str, audience: str, issuer: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = jwt.decode(
            token, key, algorithms=[algorithm], audience=audience, issuer=issuer, leeway=LEEWAY,
            options={'require': _REQUIRED, 'strict_aud': True, 'enforce_minimum_key_length': True})
    except jwt.InvalidAudienceError:
        raise _refusal(f'is for another audience. Request it for {audience}, the address of this server, with '
                       '--oidc-audience of the client, or as "aud" in "id_tokens" of GitLab CI') from None
    except _UNREADABLE as error:
        reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), _WRONG_TYPE)
        raise _refusal(reason) from None
    return found


def _refusal(reason: str) -> Forbidden:
    return Forbidden(f'The ID token is not accepted: it {reason}.')


def spend(claims: Claims) -> None:
    """Accept the token with ``claims``, which are verified, once.

    :raises Forbidden: it was accepted before.
    """
    digest = hashlib.sha256(f'{claims["iss"]}\0{claims["jti"]}'.encode(errors='surrogatepass')).hexdigest()
    expires = datetime.fromtimestamp(claims['exp'], timezone.utc) + _RECORDED
    try:
        SpentToken().collection.insert_one({'_id': digest, 'expires': expires})
    except DuplicateKeyError:
        raise _refusal('was used already. Request a new one for each command; GitLab CI gives one for each name in '
                       '"id_tokens"') from None
