"""Public IP addresses: the only ones that the server connects to for a file that is hosted elsewhere."""
from __future__ import annotations

import ipaddress
import socket

from slicer_package_manager.registry.schema.errors import BadGateway

#: All that is allocated to the public internet of IPv6 (IANA, "IPv6 Global Unicast Address Assignments").
_UNICAST = ipaddress.ip_network('2000::/3')
#: Networks that are not public, whichever version of Python knows them (IANA, "Special-Purpose Address Registries"):
#: protocols, documentation, and relays (6to4, Teredo) by which a private address could be reached.
_SPECIAL = tuple(ipaddress.ip_network(network) for network in (
    '192.0.0.0/24', '192.88.99.0/24', '198.18.0.0/15', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'))


def public_address(host: str) -> str:
    """Return an address of ``host``, all of whose addresses must be public.

    :raises BadGateway: it has none, or one that is not public.
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
    """Whether ``address`` belongs to the public internet: not private, loopback, link-local, nor a relay to these."""
    ip = ipaddress.ip_address(address)
    ip = getattr(ip, 'ipv4_mapped', None) or ip
    if ip.version == _UNICAST.version and ip not in _UNICAST:
        return False
    special = any(ip in network for network in _SPECIAL)
    return ip.is_global and not (special or ip.is_multicast or ip.is_reserved)
