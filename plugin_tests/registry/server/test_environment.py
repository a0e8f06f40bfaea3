import pytest

from slicer_package_manager.registry.server import client_address, environment

PREFIX = 'SLICER_PACKAGE_MANAGER_'
TRUSTED = client_address.networks('10.0.0.0/8, ::1')


def test_everything_is_off_by_default():
    assert environment.of({}) == environment.of({f'{PREFIX}METRICS': ' '}) == environment.Operation()


@pytest.mark.parametrize(('name', 'text', 'message'), [
    ('METRICS', 'everyone', '"everyone" is neither'), ('TRUSTED_PROXIES', '10.0.0.0/99', '10.0.0.0/99'),
    ('LOG_FORMAT', 'xml', 'text, json'), ('RATE_LIMIT', 'seldom', '60/minute'), ('AUDIT_DAYS', '-1', 'whole number'),
    ('AUDIT_DAYS', '99999999', 'whole number')])
def test_an_unusable_variable_is_named_with_what_would_be_usable(name, text, message):
    with pytest.raises(environment.Unusable) as refused:
        environment.of({f'{PREFIX}{name}': text})
    assert f'{PREFIX}{name}' in str(refused.value)
    assert message in str(refused.value)


def test_what_is_given_is_read():
    found = environment.of({f'{PREFIX}METRICS': '127.0.0.1 10.1.2.3/8', f'{PREFIX}RATE_LIMIT': '60/minute;500/hour',
                            f'{PREFIX}AUDIT_DAYS': '30', f'{PREFIX}LOG_FORMAT': 'json'})
    assert [str(network) for network in found.metrics] == ['127.0.0.1/32', '10.0.0.0/8']
    assert (found.rate_limit, found.audit_days, found.log_format) == ('60/minute;500/hour', 30, 'json')


@pytest.mark.parametrize(('remote', 'forwarded', 'client'), [
    pytest.param('192.0.2.1', None, '192.0.2.1', id='direct'),
    pytest.param('192.0.2.1', '198.51.100.7', '192.0.2.1', id='a stranger claims'),
    pytest.param('10.0.0.1', '198.51.100.7', '198.51.100.7', id='a trusted proxy states'),
    pytest.param('10.0.0.1', '8.8.8.8, 198.51.100.7', '198.51.100.7', id='what the client claims to the proxy'),
    pytest.param('10.0.0.1', '198.51.100.7, 10.0.0.2', '198.51.100.7', id='two trusted proxies'),
    pytest.param('10.0.0.1', 'nonsense', '10.0.0.1', id='no address'),
    pytest.param('10.0.0.1', '', '10.0.0.1', id='empty'),
    pytest.param('::ffff:10.0.0.1', '2001:db8::1', '2001:db8::1', id='IPv4 in IPv6'),
    pytest.param('::1', '198.51.100.7', '198.51.100.7', id='IPv6')])
def test_the_client_is_the_first_address_that_no_trusted_proxy_vouches_against(remote, forwarded, client):
    environ = {'REMOTE_ADDR': remote, **({} if forwarded is None else {'HTTP_X_FORWARDED_FOR': forwarded})}
    assert client_address.client(environ, TRUSTED) == client
    assert client_address.client(environ, ()) == remote


@pytest.mark.parametrize('header', ['HTTP_X_FORWARDED_FOR', 'HTTP_FORWARDED', 'HTTP_VIA', 'HTTP_X_REAL_IP'])
def test_a_request_through_an_unknown_proxy_is_recognised(header):
    assert client_address.is_proxied_by_a_stranger({'REMOTE_ADDR': '127.0.0.1', header: 'x'}, TRUSTED)
    assert client_address.is_proxied_by_a_stranger({'REMOTE_ADDR': '10.0.0.1', header: 'x'}, TRUSTED)
    headers = {header: 'x', 'HTTP_X_FORWARDED_FOR': '192.0.2.1, 192.0.2.7'}
    assert not client_address.is_proxied_by_a_stranger({'REMOTE_ADDR': '10.0.0.1', **headers}, TRUSTED)
    assert not client_address.is_proxied_by_a_stranger({'REMOTE_ADDR': '127.0.0.1'}, TRUSTED)


@pytest.mark.parametrize(('address', 'site'), [
    ('192.0.2.1', '192.0.2.1'), ('::ffff:192.0.2.1', '192.0.2.1'), ('2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'),
    ('', 'unknown')])
def test_a_site_is_one_address_or_the_network_of_one_subscriber(address, site):
    assert client_address.site(address) == site
