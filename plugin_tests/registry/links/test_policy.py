import socket

import pytest

from slicer_package_manager.registry.links import policy
from slicer_package_manager.registry.links.policy import Policy, Target
from slicer_package_manager.registry.schema.errors import BadGateway

HOSTS = ['github.com', '*.example.org']


@pytest.mark.parametrize('url', [
    'https://github.com/a', 'https://github.com:443/a?b=c', 'https://GitHub.com/a', 'https://a.example.org/',
    'https://github.com/' + 'x' * (policy.URL_BYTES - 19)])
def test_urls_that_are_allowed(url):
    assert Policy().problem(url, HOSTS) is None


@pytest.mark.parametrize(('url', 'problem'), [
    ('http://github.com/a', 'must start with https://'), ('ftp://github.com/a', 'must start with https://'),
    ('//github.com/a', 'must start with https://'), ('', 'must be made of the printable'),
    ('https://github.com/a b', 'must be made of the printable'), ('https://github.com/ä', 'must be made of the'),
    ('https://github.com/a\n', 'must be made of the printable'), ('https://github.com/<a>', 'must be made of the'),
    ('https://github.com/' + 'x' * (policy.URL_BYTES - 18), 'is longer than 4 KiB'),
    ('https://github.com/#a', 'must not have a fragment'), ('https://[', 'is no URL'),
    ('https://github.com:x/', 'must not have a user'), ('https://user@github.com/', 'must not have a user'),
    ('https://github.com:8443/', 'must not have a user'), ('https://github.com:/', 'must not have a user'),
    ('https://github.org/', 'is on the host "github.org", which an administrator has not allowed'),
    ('https:///a', 'is on the host ""'), ('https://127.0.0.1/', 'is on the host "127.0.0.1"')])
def test_urls_that_are_not_allowed(url, problem):
    assert Policy().problem(url, HOSTS).startswith(problem)


@pytest.mark.parametrize(('address', 'url'), [
    ('140.82.121.3', 'https://140.82.121.3/a?b=c'),
    ('2606:50c0:8000::153', 'https://[2606:50c0:8000::153]/a?b=c')])
def test_a_connection_goes_to_the_address_under_the_name_of_the_host(monkeypatch, address, url):
    monkeypatch.setattr(policy, 'public_address', lambda host: {'github.com': address}[host])
    assert Policy().target('https://github.com/a?b=c') == Target(url, {'Host': 'github.com'}, 'github.com')


def test_no_connection_goes_to_a_private_address(monkeypatch):
    monkeypatch.setattr(socket, 'getaddrinfo', lambda *_, **__: [(0, 0, 0, '', ('10.0.0.1', 443))])
    with pytest.raises(BadGateway, match='not public'):
        Policy().target('https://github.com/')


def test_a_process_has_the_strict_policy_unless_it_is_given_another():
    assert type(policy.current()) is Policy
    other = Policy()
    before = policy.current()
    try:
        policy.use(other)
        assert policy.current() is other
    finally:
        policy.use(before)
