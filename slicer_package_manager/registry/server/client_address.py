"""Addresses of clients, as pure functions: who sends a request, also through a reverse proxy."""
from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Headers that a proxy adds; a request with one of them did not come from where it seems to.
_OF_PROXIES = ('HTTP_X_FORWARDED_FOR', 'HTTP_FORWARDED', 'HTTP_X_REAL_IP', 'HTTP_VIA')
#: What one subscriber has of IPv6: counting single addresses there would count nothing.
_IPV6_SITE = 64


def networks(text: str) -> tuple[Network, ...]:
    """The networks and single addresses in ``text``, separated by commas or spaces.

    :raises ValueError: one of them is neither.
    """
    found = []
    for word in text.replace(',', ' ').split():
        try:
            found.append(ipaddress.ip_network(word, strict=False))
        except ValueError:
            raise ValueError(f'"{word}" is neither an address nor a network such as 10.0.0.0/8') from None
    return tuple(found)


def within(address: str, wanted: Iterable[Network]) -> bool:
    """Whether ``address`` is in one of the networks ``wanted``; text that is no address is in none."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in wanted)


def client(wsgi_environ: Mapping[str, str], trusted: Iterable[Network]) -> str:
    """The address of the client whose request has ``wsgi_environ``.

    ``X-Forwarded-For`` is believed only as far as proxies in ``trusted`` wrote it: from its end, the first address
    that is not one of theirs.
    """
    address = wsgi_environ.get('REMOTE_ADDR', '')
    trusted = tuple(trusted)
    for hop in reversed(wsgi_environ.get('HTTP_X_FORWARDED_FOR', '').split(',')):
        if not trusted or not within(address, trusted) or _parsed(hop.strip()) is None:
            break
        address = hop.strip()
    return address


def is_proxied_by_a_stranger(wsgi_environ: Mapping[str, str], trusted: Iterable[Network]) -> bool:
    """Whether the request came through a proxy that is not in ``trusted``, or does not state for whom it was sent."""
    proxied = any(header in wsgi_environ for header in _OF_PROXIES)
    named = _parsed(wsgi_environ.get('HTTP_X_FORWARDED_FOR', '').rpartition(',')[2].strip()) is not None
    return proxied and not (named and within(wsgi_environ.get('REMOTE_ADDR', ''), trusted))


@lru_cache(maxsize=4096)
def site(address: str) -> str:
    """What ``address`` is counted as: itself, of IPv6 the network that one subscriber has."""
    parsed = _parsed(address)
    if parsed is None or parsed.version == 4:  # noqa: PLR2004 - the version of the protocol
        return str(parsed or 'unknown')
    return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A socket that takes both shows IPv4 addresses as ::ffff:192.0.2.1.
    return getattr(address, 'ipv4_mapped', None) or address
