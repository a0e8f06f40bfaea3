"""Mending of texts, which older servers took without looking at them."""
from __future__ import annotations

import math
import re

from slicer_package_manager.registry.schema.fields import ARCHITECTURES, OPERATING_SYSTEMS, SYSTEM_ALIASES

#: Other names of architectures, in lower case.
_ARCHITECTURES = {'x86_64': 'amd64', 'x64': 'amd64', 'x86-64': 'amd64', 'i686': 'i386', 'i586': 'i386', 'x86': 'i386',
                  'aarch64': 'arm64', 'arm64e': 'arm64'}
_BARE_HOST = re.compile(
    r'(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::[0-9]{1,5})?(?:[/?][^\s<>"]*)?', re.IGNORECASE)
_SCP = re.compile(r'(?P<user>[\w.+-]+)@(?P<host>[\w.-]+):(?P<path>[^\s:].*)', re.ASCII)
_SCHEME = re.compile(r'[a-z][a-z0-9+.-]*://', re.IGNORECASE)
#: Schemes of addresses by which sources are fetched.
_REPOSITORY_SCHEMES = ('http', 'https', 'git', 'ssh', 'svn', 'svn+ssh', 'git+ssh')
_VERSION = re.compile(r'(?<![0-9.])[0-9]+\.[0-9]+(?:\.[0-9]+)?(?![0-9])')
_NONE = ('', 'NA', 'N/A', 'NONE', 'NULL')


def as_text(value: object) -> object:
    """``value`` as a text if it is a number or a list of texts; others unchanged."""
    if isinstance(value, (list, tuple)) and all(isinstance(one, (str, int, float)) for one in value):
        return ' '.join(map(str, value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        is_whole = math.isfinite(value) and value == int(value) and abs(value) < 2**63
        return str(int(value) if is_whole else value)
    return value


def system(value: str) -> str:
    """The operating system that ``value`` names in any spelling, ``value`` if it is unknown."""
    name = value.strip().casefold()
    found = SYSTEM_ALIASES.get(name, name)
    return found if found in OPERATING_SYSTEMS else value


def architecture(value: str) -> str:
    """The processor architecture that ``value`` names in any spelling, ``value`` if it is unknown."""
    name = value.strip().casefold()
    found = _ARCHITECTURES.get(name, name)
    return found if found in ARCHITECTURES else value


def with_schemes(value: str) -> str:
    """``value``, URLs separated by spaces, in which names of hosts without a scheme get ``https://``."""
    return ' '.join(f'https://{part}' if _BARE_HOST.fullmatch(part) else part for part in value.split())


def repository(value: str) -> str:
    """The address of sources as a URL; ``''`` for a path on the disk of a build machine, and for a filler."""
    value = value.strip()
    scp = _SCP.fullmatch(value)
    if scp:
        return f'ssh://{scp["user"]}@{scp["host"]}/{scp["path"].lstrip("/")}'
    if value.upper() in _NONE:
        return ''
    scheme = _SCHEME.match(value)
    if scheme:
        return value if scheme[0][:-3].lower() in _REPOSITORY_SCHEMES else ''
    return f'https://{value}' if _BARE_HOST.fullmatch(value) and '/' in value else ''


def cut(value: str, size: int) -> str:
    """``value``, or if it has more than ``size`` bytes, the words of its beginning that fit."""
    encoded = value.encode()
    if len(encoded) <= size:
        return value
    beginning = encoded[:size].decode(errors='ignore')
    return beginning.rsplit(None, 1)[0] if ' ' in beginning else beginning


def version_in(*texts: str | None) -> str:
    """The first version such as ``5.8.1`` in one of ``texts``, ``''`` if there is none."""
    return next((found[0] for text in texts if text and (found := _VERSION.search(text))), '')

