"""Fetches files that are hosted elsewhere, for clients that cannot follow a redirect themselves.

A URL leads to another server's choice of further URLs, so each step is checked: ``https`` only, hosts that an
administrator allowed, and addresses that are public. The connection goes to the very address that was checked,
so that a name which resolves differently the second time gains nothing.
"""
from __future__ import annotations

import hashlib
import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin, urlsplit

import httpx

from slicer_package_manager.registry.links import rules
from slicer_package_manager.registry.schema.errors import BadGateway
from slicer_package_manager.registry.server import settings

CONNECT_SECONDS = 10
STALL_SECONDS = 30
REDIRECTS = 5
CHUNK = 64 * 1024
_MOVED = (301, 302, 303, 307, 308)
_PARTIAL, _OK = 206, 200
#: All that is allocated to the public internet of IPv6 (IANA, "IPv6 Global Unicast Address Assignments").
_UNICAST = ipaddress.ip_network('2000::/3')
#: What is not public whatever the version of Python knows (IANA, "Special-Purpose Address Registries"): protocols and
#: documentation, and relays (6to4, Teredo) by which a private address could be reached.
_SPECIAL = tuple(ipaddress.ip_network(network) for network in (
    '192.0.0.0/24', '192.88.99.0/24', '198.18.0.0/15', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'))


@dataclass
class Remote:
    """A response whose body is about to be read.

    :param size: bytes of the body, ``None`` if the server does not say.
    :param start: where in the file the body begins.
    :param partial: whether the body is the part that was asked for, and not the whole file.
    """

    response: httpx.Response
    size: int | None
    start: int
    partial: bool

    def require(self, size: int | None, start: int) -> None:
        """Refuse a body that does not begin at ``start`` or, as far as is known, does not have ``size`` bytes.

        :raises BadGateway: it does not.
        """
        if self.start != start or (None not in (size, self.size) and size != self.size):
            raise BadGateway(f'{self.response.url.host} offers {self.size} bytes from {self.start} on, where {size} '
                             f'from {start} on were registered.')

    def close(self) -> None:
        """Give the connection up."""
        self.response.close()


@cache
def _client():
    # The environment's proxies are not asked: they would resolve names by themselves.
    return httpx.Client(trust_env=False, follow_redirects=False, headers={'Accept-Encoding': 'identity'},
                        timeout=httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS),
                        limits=httpx.Limits(max_connections=None, max_keepalive_connections=8))


def fetch(url: str, part=None) -> Remote:
    """Ask for the file at ``url``, or just for ``part`` of it, and read no further than the headers.

    :raises BadGateway: the other side fails, or leads to where we do not go.
    """
    headers = {} if part is None else {'Range': f'bytes={part.start}-{part.stop - 1}'}
    for _ in range(REDIRECTS + 1):
        response = _ask(url, headers)
        if response.status_code not in _MOVED:
            return _opened(response, url)
        response.close()
        url = urljoin(url, response.headers.get('Location', ''))
    raise BadGateway(f'{_host(url)} redirects more than {REDIRECTS} times.')


def _ask(url, headers):
    host = _checked_host(url)
    try:
        return _client().send(_pinned(url, host, headers), stream=True)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise BadGateway(f'{host} does not answer: {type(error).__name__}.') from error


def _pinned(url, host, headers):
    if rules.is_test_origin(url):
        return _client().build_request('GET', url, headers=headers)
    address = public_address(host)
    literal = f'[{address}]' if ':' in address else address
    pinned = urlsplit(url)._replace(netloc=literal).geturl()
    return _client().build_request('GET', pinned, headers={**headers, 'Host': host},
                                   extensions={'sni_hostname': host})


def _host(url):
    return urlsplit(url).hostname or 'the server'


def _checked_host(url):
    wrong = rules.url_problem(url, settings.get(settings.STREAM_HOSTS))
    if wrong:
        raise BadGateway(f'The file cannot be fetched from {_host(url)}: the URL {wrong}; what may be fetched is in '
                         f'the setting {settings.STREAM_HOSTS}.')
    return _host(url)


def public_address(host: str) -> str:
    """An address of ``host``, all of whose addresses are public.

    :raises BadGateway: it has none, or one that is not.
    """
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError:
        raise BadGateway(f'The name {host} cannot be resolved.') from None
    addresses = [str(one[4][0]) for one in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise BadGateway(f'{host} has an address that is not public.')
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether ``address`` is one of the public internet: not private, loopback, link-local, nor a relay to such."""
    ip = ipaddress.ip_address(address.partition('%')[0])
    ip = getattr(ip, 'ipv4_mapped', None) or ip
    if ip.version == _UNICAST.version and ip not in _UNICAST:
        return False
    special = any(ip in network for network in _SPECIAL if network.version == ip.version)
    return ip.is_global and not (special or ip.is_multicast or ip.is_reserved)


def _opened(response, url):
    length = response.headers.get('Content-Length', '')
    size = int(length) if length.isdigit() else None
    partial = response.status_code == _PARTIAL
    start = _start(response) if partial else 0
    if response.status_code not in (_OK, _PARTIAL) or start is None or 'Content-Encoding' in response.headers:
        response.close()
        raise BadGateway(f'{_host(url)} answers with status {response.status_code}, not with the file.')
    return Remote(response, size, start, partial)


def _start(response):
    """Where a partial answer begins; ``None`` if it does not say."""
    unit, _, span = response.headers.get('Content-Range', '').partition(' ')
    first = span.partition('-')[0]
    return int(first) if unit.lower() == 'bytes' and first.isdigit() else None


def verified(remote: Remote, size: int | None, sha512: str | None) -> Iterator[bytes]:
    """The bytes of ``remote``, as they come; the last ones only once ``size`` and ``sha512`` proved right.

    Memory stays bounded by two chunks. When the consumer goes away the connection is given up.

    :param size: how many bytes there must be; ``None`` if that is not known.
    :param sha512: what they must add up to; ``None`` if that is not known or not all bytes are fetched.
    :raises BadGateway: the other side breaks off, or sends something else.
    """
    digest, count, held = hashlib.sha512(), 0, b''
    try:
        for chunk in remote.response.iter_raw(CHUNK):
            count += len(chunk)
            if size is not None and count > size:
                break
            digest.update(chunk)
            if held:
                yield held
            held = chunk
        if size not in (None, count) or sha512 not in (None, digest.hexdigest()):
            raise BadGateway(f'{remote.response.url.host} sends something else than was registered.')
        if held:
            yield held
    except httpx.HTTPError as error:
        raise BadGateway(f'{remote.response.url.host} broke off: {type(error).__name__}.') from error
    finally:
        remote.close()
