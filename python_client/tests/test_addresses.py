import pytest

from slicer_package_manager_client.addresses import bracketed, without_credentials


@pytest.mark.parametrize(('text', 'clean'), [
    ('https://gitlab-ci-token:SECRET@host/x.git', 'https://host/x.git'),
    ('https://SECRET@host:8443/x.git?a=1#b', 'https://host:8443/x.git?a=1#b'),
    ('HTTPS://user:p@SECRET@host/x', 'HTTPS://host/x'),
    ('https://user:pa/SECRET@host/x', 'https://host/x'), ('https://user:p#SECRET@host', 'https://host'),
    ('https://user%3ASECRET@host/x', 'https://host/x'), ('git+https://u:SECRET@h/x', 'git+https://h/x'),
    ('svn://u:SECRET@h/x', 'svn://h/x'), ('//u:SECRET@h/x', '//h/x'), ('u:SECRET@h/x.git', 'h/x.git'),
    ('ssh://git:SECRET@host/x', 'ssh://git@host/x'), ('git+ssh://git:SECRET@host:22/x', 'git+ssh://git@host:22/x'),
    ('https://u:SECRET@h/1.png https://u:SECRET@h/2.png', 'https://h/1.png https://h/2.png'),
    ('https://u:SECRET@h/1.png,https://u:SECRET@h/2.png;//u:SECRET@h', 'https://h/1.png,https://h/2.png;//h'),
])
def test_credentials_are_cut_off(text, clean):
    assert without_credentials(text) == clean


@pytest.mark.parametrize('text', [
    'git@github.com:x/y.git', 'ssh://git@host/x.git', 'svn+ssh://me@host/x', 'https://host/@scope/x', 'NA', '',
    '/home/me',
    'https://host:8080/a@v1', 'https://[::1]/a@b', 'https://[::1]:80/a', 'C:/src', 'C:\\src', 'file:///srv/git/x@y',
    'git://host/x', 'https://host/?q=a@b', 'mailto:me@host', 'ssh://git@host:22/~me/x'])
def test_what_holds_no_credentials_stays(text):
    assert without_credentials(text) == text


def test_sentences_lose_only_what_is_in_their_urls():
    text = 'Ask a.b@c.org, note:x@y, see https://u:SECRET@h/x.'
    assert without_credentials(text, is_address=False) == 'Ask a.b@c.org, note:x@y, see https://h/x.'


@pytest.mark.parametrize(('host', 'written'), [
    ('::1', '[::1]'), ('fe80::1%eth0', '[fe80::1%25eth0]'), ('[::1]', '[::1]'), ('127.0.0.1', '127.0.0.1'),
    ('example.org', 'example.org')])
def test_ipv6_hosts_are_put_in_brackets(host, written):
    assert bracketed(host) == written
