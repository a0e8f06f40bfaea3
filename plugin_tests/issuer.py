"""An issuer of ID tokens on the loopback interface, with TLS and keys of its own, as GitHub Actions has one."""
import base64
import contextlib
import json
import ssl
import time
import uuid
from datetime import datetime, timedelta, timezone

import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pytest_httpserver import HTTPServer
from werkzeug import Response

#: The address of the server under test, which ID tokens name as their audience.
AUDIENCE = 'https://packages.example.org'
REPOSITORY, REPOSITORY_ID = 'SlicerIGT/SlicerIGT', '58719283'
COMMIT = 'ab12cd34ef56ab12cd34ef56ab12cd34ef56ab12'
#: What registers the repository as a publisher, without the issuer.
PUBLISHER = {'repository': REPOSITORY, 'repository_id': REPOSITORY_ID, 'workflow': 'package.yml', 'branch': 'main',
             'extensions': 'SlicerIGT', 'login': 'buildbot'}

_JWKS = '/.well-known/jwks'
_CONFIGURATION = '/.well-known/openid-configuration'


def rs256():
    return rsa.generate_private_key(65537, 2048)


def es256():
    return ec.generate_private_key(ec.SECP256R1())


def public(key, key_id, **values):
    """The JSON Web Key of the public part of ``key``."""
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    found = (RSAAlgorithm if is_rsa else ECAlgorithm).to_jwk(key.public_key(), as_dict=True)
    return {**found, 'kid': key_id, 'alg': 'RS256' if is_rsa else 'ES256', 'use': 'sig', **values}


class Issuer:
    """The issuer, on ``server`` of ``pytest-httpserver``; ``keys`` are its private keys by their ids.

    ``jwks`` and ``configuration`` replace what it answers: an object, or a response.
    """

    def __init__(self, server, keys):
        self.url = server.url_for('').rstrip('/')
        self.keys = dict(keys)
        self.published = [public(key, key_id) for key_id, key in self.keys.items()]
        self.jwks = self.configuration = None
        self.requests = []
        self._server = server
        server.clear()
        server.expect_request(_CONFIGURATION).respond_with_handler(self._configuration)
        server.expect_request(_JWKS).respond_with_handler(self._keys)

    def _configuration(self, request):
        self.requests.append(request.path)
        return _answer(self.configuration or {'issuer': self.url, 'jwks_uri': f'{self.url}{_JWKS}'})

    def _keys(self, request):
        self.requests.append(request.path)
        return _answer(self.jwks or {'keys': self.published})

    def claims(self, **values):
        """The claims of a run of the workflow, with ``values``; without those that are ``None``."""
        now, given = int(time.time()), {'repository': REPOSITORY, 'ref': 'refs/heads/main', **values}
        found = {
            'iss': self.url, 'aud': AUDIENCE, 'sub': f'repo:{given["repository"]}:ref:{given["ref"]}',
            'jti': str(uuid.uuid4()), 'iat': now, 'nbf': now - 300, 'exp': now + 300,
            'repository_id': REPOSITORY_ID, 'sha': COMMIT, 'event_name': 'push', 'run_id': '7654321',
            'run_number': '42',
            'workflow_ref': f'{given["repository"]}/.github/workflows/package.yml@{given["ref"]}', **given}
        return {name: value for name, value in found.items() if value is not None}

    def of_gitlab(self, **values):
        """The claims of a pipeline of GitLab."""
        host = self.url.removeprefix('https://')
        return self.claims(**{
            'repository': None, 'repository_id': None, 'workflow_ref': None, 'run_id': None, 'run_number': None,
            'event_name': None, 'project_path': 'group/sub/SlicerIGT', 'project_id': '20',
            'ref_path': 'refs/heads/main', 'ref': 'main', 'ref_type': 'branch', 'pipeline_id': '99',
            'pipeline_source': 'push',
            'ci_config_ref_uri': f'{host}/group/sub/SlicerIGT//.gitlab-ci.yml@refs/heads/main', **values})

    def token(self, claims=None, *, key_id='rs', algorithm=None, key=None, headers=None):
        """An ID token, by default one that the server accepts."""
        key = key or self.keys[key_id]
        algorithm = algorithm or ('RS256' if isinstance(key, rsa.RSAPrivateKey) else 'ES256')
        payload = json.dumps(self.claims() if claims is None else claims).encode()
        return jwt.PyJWS().encode(payload, key, algorithm, {'typ': 'JWT', 'kid': key_id, **(headers or {})})

    def forged(self, header, claims=None, signature=b''):
        """A token with any header and signature."""
        parts = (json.dumps(header).encode(), json.dumps(claims or self.claims()).encode(), signature)
        return '.'.join(base64.urlsafe_b64encode(part).rstrip(b'=').decode() for part in parts)


@contextlib.contextmanager
def server():
    """A server with TLS, and the authority that its certificate is from."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert('localhost').configure_cert(context)
    with HTTPServer('localhost', ssl_context=context) as found:
        yield found, authority


def _answer(value):
    return value if isinstance(value, Response) else Response(json.dumps(value), content_type='application/json')


def datetime_of(seconds):
    """The moment that is so many seconds from now."""
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)
