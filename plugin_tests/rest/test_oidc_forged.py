"""Forged ID tokens: every way to pass off a token as one that the issuer has signed."""
import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from plugin_tests import issuer as issuers

pytestmark = [pytest.mark.database, pytest.mark.usefixtures('registered')]

UNSIGNED = 'must be signed with RS256 or ES256'
WRONG_SIGNATURE = 'signature that is not that'
NO_SUCH_KEY = 'does not have for'


def encoded(signature):
    return base64.urlsafe_b64encode(signature).rstrip(b'=').decode()


def decoded(part):
    return base64.urlsafe_b64decode(part + '=' * (-len(part) % 4))


def test_a_token_without_a_signature_is_refused(refused, issuer):
    for algorithm in ('none', 'None', 'NONE', '', None, ['RS256'], 'HS256'):
        assert refused(issuer.forged({'alg': algorithm, 'typ': 'JWT', 'kid': 'rs'}), malformed=True)
    assert UNSIGNED in refused(issuer.forged({'alg': 'none', 'typ': 'JWT', 'kid': 'rs'}))


def test_the_public_key_is_no_shared_secret(refused, issuer):
    key = issuer.keys['rs'].public_key()
    secrets = [json.dumps(issuer.published[0]).encode(), *(key.public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo) for encoding in (
            serialization.Encoding.PEM, serialization.Encoding.DER))]
    for secret in secrets:
        unsigned = issuer.forged({'alg': 'HS256', 'typ': 'JWT', 'kid': 'rs'}).rpartition('.')[0]
        signature = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
        assert UNSIGNED in refused(f'{unsigned}.{encoded(signature)}')


def test_other_algorithms_of_the_same_key_are_refused(refused, issuer):
    for algorithm in ('RS384', 'RS512', 'PS256'):
        assert UNSIGNED in refused(issuer.token(algorithm=algorithm))


def test_a_key_of_the_other_type_is_refused(refused, issuer):
    assert f'{NO_SUCH_KEY} ES256' in refused(issuer.token(key=issuer.keys['ec'], key_id='rs'))
    assert f'{NO_SUCH_KEY} RS256' in refused(issuer.token(key=issuer.keys['rs'], key_id='ec'))


def test_a_signature_by_another_key_is_refused(refused, issuer):
    for key_id, make in (('rs', issuers.rs256), ('ec', issuers.es256)):
        assert WRONG_SIGNATURE in refused(issuer.token(key=make(), key_id=key_id))


def test_changed_claims_are_refused(refused, issuer):
    header, _, signature = issuer.token().split('.')
    _, other, _ = issuer.token(issuer.claims(run_number='43')).split('.')
    assert WRONG_SIGNATURE in refused(f'{header}.{other}.{signature}')


def test_a_key_that_the_issuer_does_not_have_and_critical_headers_are_refused(refused, issuer):
    signature = decoded(issuer.token().rpartition('.')[2])
    for values in ({'kid': None}, {'kid': 7}, {'kid': ''}, {'kid': 'unknown'}, {'kid': '../rs'},
                   {'crit': ['b64'], 'b64': False}, {'crit': ['exp']}):
        header = {'alg': 'RS256', 'typ': 'JWT', 'kid': 'rs', **values}
        assert refused(issuer.forged(header, signature=signature), malformed=True)
    for header in ({'crit': []}, {'crit': ['exp']}, {'kid': 'unknown'}):
        assert refused(issuer.token(headers=header), malformed=True)


def test_a_key_in_the_token_itself_is_not_used(refused, issuer):
    mine = issuers.rs256()
    for header in ({'jwk': issuers.public(mine, 'rs')}, {'jku': 'https://evil.example.org/jwks'},
                   {'x5u': 'https://evil.example.org/x'}, {'x5c': ['MII']}):
        assert WRONG_SIGNATURE in refused(issuer.token(key=mine, key_id='rs', headers=header))


@pytest.mark.parametrize('values', [{'use': 'enc'}, {'alg': 'RS512'}, {'n': '!'}, {'kty': 'oct'}])
def test_a_key_for_another_purpose_is_not_used(refused, issuer, values):
    issuer.published = [{**one, **values} for one in issuer.published if one['kid'] == 'rs']
    assert f'{NO_SUCH_KEY} RS256' in refused(issuer.token())


def test_a_curve_that_is_none_of_es256_is_not_used(refused, issuer):
    issuer.published = [{**one, 'crv': 'P-384'} for one in issuer.published]
    assert f'{NO_SUCH_KEY} ES256' in refused(issuer.token(key_id='ec'))


def test_a_short_key_is_refused(refused, issuer):
    short = rsa.generate_private_key(65537, 1024)
    issuer.published = [issuers.public(short, 'short')]
    # The library that makes the others does not sign with it.
    unsigned = issuer.forged({'alg': 'RS256', 'typ': 'JWT', 'kid': 'short'}).rpartition('.')[0]
    signature = short.sign(unsigned.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert refused(f'{unsigned}.{encoded(signature)}')


def test_what_is_no_id_token_is_400(refused):
    deep = base64.urlsafe_b64encode(b'[' * 9000).decode()
    for token in ('', 'x', 'a.b.c', '..', 'a.b', '\xe9.\xe9.\xe9', 'x' * 100_000, f'e30.{deep}.', f'{deep}.e30.'):
        assert refused(token, status=400), token
    assert 'is no ID token' in refused('a.b.c', status=400)
    assert refused(b'\xff\xfe.\xff.\xff', status=400)
