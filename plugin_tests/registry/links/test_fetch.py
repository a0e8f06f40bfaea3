import socket

import pytest

from slicer_package_manager.registry.links import addresses, fetch
from slicer_package_manager.registry.schema.errors import BadGateway


@pytest.mark.parametrize('address', [
    '140.82.121.3', '2606:50c0:8000::153', '2606:50c0:8000::153%1', '::ffff:140.82.121.3', '2a00:1450:4001:830::200e',
    '192.88.98.255', '192.88.100.0', '3ffe:ffff::1', '2001:200::1', '2001:4860:4860::8888', '8.8.8.8'])
def test_public_addresses(address):
    assert addresses.is_public(address)


@pytest.mark.parametrize('address', [
    '127.0.0.1', '127.8.8.8', '0.0.0.0', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1',
    '224.0.0.1', '255.255.255.255', '240.0.0.1', '192.0.2.1', '::1', '::', 'fe80::1', 'fe80::1%eth0', 'fc00::1',
    'ff02::1', '::ffff:127.0.0.1', '::ffff:169.254.169.254', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:0::1',
    '2001:db8::1', 'fec0::1', 'feff:ffff::1', '192.88.99.1', '192.88.99.255', '3fff::1', '3fff:fff:ffff::1',
    '::ffff:192.88.99.1', '192.0.0.9', '198.19.255.255', '203.0.113.9', '198.51.100.1', '100::1', '100:0:0:1::1',
    '5f00::1',
    '2001:10::1', '2001:20::1', '2001:2::1', '64:ff9b:1::1', '::127.0.0.1', '4000::1', 'fdff::1', 'febf::1'])
def test_addresses_that_are_not_public(address):
    assert not addresses.is_public(address)


def answer(*addresses):
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, '', (address, 443)) for address in addresses]


def test_a_name_with_one_private_address_is_refused(monkeypatch):
    monkeypatch.setattr(socket, 'getaddrinfo', answer('140.82.121.3', '127.0.0.1'))
    with pytest.raises(BadGateway, match='not public'):
        addresses.public_address('github.com')


def test_a_name_without_an_address_is_refused(monkeypatch):
    monkeypatch.setattr(socket, 'getaddrinfo', answer())
    with pytest.raises(BadGateway, match='not public'):
        addresses.public_address('github.com')


def test_a_name_that_does_not_resolve_is_a_bad_gateway(monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror
    monkeypatch.setattr(socket, 'getaddrinfo', fail)
    with pytest.raises(BadGateway, match='cannot be resolved'):
        addresses.public_address('github.com')


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    def resolve(*args, **options):
        assert (args, options) == (('github.com', 443), {'type': socket.SOCK_STREAM})
        return answer('140.82.121.3')()
    monkeypatch.setattr(socket, 'getaddrinfo', resolve)
    request = fetch._request('https://github.com/a?b=c', {})
    assert request.method == 'GET'
    assert (request.url.host, request.url.raw_path) == ('140.82.121.3', b'/a?b=c')
    assert request.headers['Host'] == 'github.com'
    assert request.extensions['sni_hostname'] == 'github.com'


def test_no_proxy_of_the_environment_is_asked(monkeypatch):
    monkeypatch.setenv('HTTPS_PROXY', 'http://proxy.example.org:3128')
    assert fetch._client().trust_env is False
