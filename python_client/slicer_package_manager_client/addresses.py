"""Removal of credentials from URLs, and brackets around IPv6 addresses."""
from __future__ import annotations

import re

# RFC 3986, section 3.2: the authority of a URL ends at the first "/", "?" or "#".
_URL = re.compile(r'(?P<scheme>(?:[A-Za-z][A-Za-z0-9+.-]*:)?//)(?P<authority>[^/?#\s]*)(?P<rest>[^\s,;]*)')
# "user:password@host:path" and "user:password@host/path", which Git takes too; a lone "git@host:path" stays.
_WITHOUT_SCHEME = re.compile(r'(?<![^\s,;])(?!mailto:)[^\s/@:]+:[^\s/@]+@(?=[^\s@])')
_PORT = re.compile(r':\d*$')


def without_credentials(text: str, *, is_address: bool = True) -> str:
    """Return ``text`` without user names and passwords in its URLs; the user name of an ssh URL stays.

    :param is_address: whether the text is a list of addresses, which may lack a scheme, rather than prose.
    """
    cut = _URL.sub(_cut, text)
    return _WITHOUT_SCHEME.sub('', cut) if is_address else cut


def bracketed(host: str) -> str:
    """Return ``host`` as a URL has it (RFC 3986 section 3.2.2, RFC 6874 for the zone)."""
    import ipaddress  # noqa: PLC0415  # --help does without it

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f'[{host.replace("%", "%25")}]' if address.version == 6 else host  # noqa: PLR2004


def _cut(match: re.Match[str]) -> str:
    scheme, authority, rest = match['scheme'], match['authority'], match['rest']
    if ('@' not in authority and '@' in rest and ':' in authority and not authority.startswith('[')
            and not _PORT.search(authority)):
        # A password with a "/", "?" or "#" in it: what is before it is no host with a port.
        authority, _at, rest = (authority + rest).rpartition('@')
        authority = f'{authority}@{re.split("[/?#]", rest, maxsplit=1)[0]}'
        rest = rest[len(authority.rpartition('@')[2]):]
    credentials, at, host = authority.rpartition('@')
    if at and 'ssh' in re.split(r'[+:]', scheme.lower()):
        return f'{scheme}{credentials.partition(":")[0]}@{host}{rest}'
    return f'{scheme}{host}{rest}'
