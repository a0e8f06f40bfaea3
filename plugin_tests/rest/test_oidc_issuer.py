"""Keys of the issuer of ID tokens: where they come from, how long they are cached, and how often they are fetched."""
import time

import pytest
import trustme
from werkzeug import Response

from plugin_tests import issuer as issuers

pytestmark = [pytest.mark.database, pytest.mark.usefixtures('registered')]

JWKS = '/.well-known/jwks'


@pytest.fixture
def clock(monkeypatch):
    """A monotonic clock of the cache of keys that the test moves."""
    from slicer_package_manager.registry.accounts import issuer_keys

    class Clock:
        ahead = 0.0

        def monotonic(self):
            return time.monotonic() + self.ahead
    found = Clock()
    monkeypatch.setattr(issuer_keys, 'time', found)
    return found


@pytest.fixture
def again(clock):
    """Let the server fetch keys again, as after a pause."""
    def move():
        clock.ahead += 31
    return move


def test_keys_are_cached_and_fetched_again_after_an_hour(exchange, issuer, clock):
    for ahead, requests in ((0, 2), (3500, 2), (3700, 4)):
        clock.ahead = ahead
        assert exchange(issuer.token()).status_code == 200
        assert len(issuer.requests) == requests


def test_a_new_key_is_fetched_but_not_for_every_token(exchange, issuer, again):
    assert exchange(issuer.token()).status_code == 200
    new = issuers.es256()
    issuer.published = [issuers.public(new, 'new')]
    rotated = issuer.token(key=new, key_id='new')
    assert [exchange(rotated).status_code for _ in range(5)] == [403] * 5
    assert len(issuer.requests) == 2
    again()
    assert exchange(rotated).status_code == 200
    assert len(issuer.requests) == 4
    assert exchange(issuer.token()).status_code == 403, 'the issuer has withdrawn the old key'
    again()
    assert {exchange(issuer.token(key_id='unknown', key=new)).status_code for _ in range(5)} == {403}
    assert len(issuer.requests) == 6


def test_known_keys_stay_in_use_while_the_issuer_fails(exchange, issuer, again, clock):
    assert exchange(issuer.token()).status_code == 200
    issuer.jwks = Response(status=500)
    again()
    assert exchange(issuer.token(key_id='unknown', key=issuer.keys['rs'])).status_code == 502
    assert exchange(issuer.token()).status_code == 200
    clock.ahead = 3700
    assert exchange(issuer.token()).status_code == 502
    requests = len(issuer.requests)
    assert exchange(issuer.token()).status_code == 502
    assert len(issuer.requests) == requests, 'a failure is not tried again at once'
    issuer.jwks = None
    again()
    assert exchange(issuer.token()).status_code == 200


def test_an_issuer_that_answers_badly_is_502(refused, issuer, again):
    answers = (
        (lambda: Response('{"keys": [' + ' ' * 300_000 + ']}'), 'more than 256 KiB'),
        (lambda: Response(status=302, headers={'Location': 'https://127.0.0.1:9/jwks'}), 'status 302'),
        (lambda: Response(status=307, headers={'Location': JWKS}), 'status 307'),
        (lambda: Response(status=500), 'status 500'), (lambda: Response('no JSON'), 'JSON object'),
        (lambda: Response('[' * 100_000), 'JSON object'), (lambda: Response('[]'), 'JSON object'),
        (lambda: Response(b'x', headers={'Content-Encoding': 'gzip'}), 'status 200'))
    for response, message in answers:
        for place in ('configuration', 'jwks'):
            setattr(issuer, place, response())
            assert message in refused(issuer.token(), status=502), (place, message)
            setattr(issuer, place, None)
            again()


def test_keys_on_another_host_are_not_fetched(refused, issuer, again):
    for configuration in (
            {'issuer': 'https://evil.example.org'}, {'issuer': None}, {'jwks_uri': 'https://127.0.0.1:9/jwks'},
            {'jwks_uri': issuer.url.replace('https', 'http')}, {'jwks_uri': issuer.url.replace('//', '//user@')},
            {'jwks_uri': 'file:///etc/x'}, {'jwks_uri': None}, {'jwks_uri': 'https://['}, {'jwks_uri': ['x']}):
        issuer.configuration = {'issuer': issuer.url, 'jwks_uri': f'{issuer.url}{JWKS}', **configuration}
        assert 'another' in refused(issuer.token(), status=502), configuration
        again()
    assert JWKS not in issuer.requests


def test_a_key_set_without_a_list_is_502_and_what_is_no_key_is_skipped(refused, issuer, again):
    for keys in (None, {}, 'x', 7):
        issuer.jwks = {'keys': keys}
        assert 'no list of keys' in refused(issuer.token(), status=502)
        again()
    for keys in ([None, 7, 'x', {}, {'kid': 7}, {'kid': 'rs'}], []):
        issuer.jwks = {'keys': keys}
        assert 'does not have for RS256' in refused(issuer.token())
        again()


def test_an_issuer_that_sends_slowly_is_502(refused, issuer, clock):
    def drip():
        for _ in range(200):
            clock.ahead += 0.1
            yield b' ' * 1024
    issuer.jwks = Response(drip())
    assert 'takes longer than 10 s' in refused(issuer.token(), status=502)


def test_an_issuer_with_a_certificate_of_an_unknown_authority_is_502(refused, issuer, monkeypatch, tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / 'other.pem'))
    monkeypatch.setenv('SSL_CERT_FILE', str(tmp_path / 'other.pem'))
    assert 'does not answer: ConnectError' in refused(issuer.token(), status=502)
    assert issuer.requests == []
