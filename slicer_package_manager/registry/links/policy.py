"""Policy of links: which URLs packages may link to, and to which addresses the server connects for them.

A server always has the strict policy, :class:`Policy`; no setting and no environment variable changes that. Code that
starts a server with another policy, such as the tests, passes it to :func:`use`.
"""
from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from slicer_package_manager.registry.links.addresses import public_address
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.server import settings

#: The longest URL, in bytes.
URL_BYTES = 4096
_PRINTABLE = re.compile(r'[!-~]+')
_NO_URL = re.compile(r'[<>"\\^`{}|]')


class Target(NamedTuple):
    """Where a request for a URL is sent to.

    :param url: the URL with an IP address instead of the host.
    :param headers: headers that name the host.
    :param server_name: name that the certificate of the server must have; ``None`` without TLS.
    """

    url: str
    headers: dict[str, str]
    server_name: str | None


class Policy:
    """Links go by ``https`` to hosts that a setting allows; connections go to public addresses only."""

    def problem(self, url: str, hosts: Collection[str]) -> str | None:
        """Return why ``url`` is not allowed as a link, ``None`` if it is.

        :param hosts: names and ``*.`` patterns of the allowed hosts.
        """
        if not _PRINTABLE.fullmatch(url) or _NO_URL.search(url):
            return 'must be made of the printable ASCII characters that URLs may have'
        if len(url) > URL_BYTES:
            return f'is longer than {URL_BYTES // 1024} KiB'
        if '#' in url:
            return 'must not have a fragment'
        try:
            return _parts_problem(urlsplit(url), hosts)
        except ValueError:
            return 'is no URL'

    def target(self, url: str) -> Target:
        """Resolve the host of ``url``, which has no :meth:`problem`, and return where to connect to.

        The connection goes to the address that was checked, so that a name which resolves differently the next time
        gains nothing.

        :raises BadGateway: the host has no address, or one that is not public.
        """
        host = urlsplit(url).hostname or ''
        address = public_address(host)
        literal = f'[{address}]' if ':' in address else address
        return Target(urlsplit(url)._replace(netloc=literal).geturl(), {'Host': host}, host)


def _parts_problem(parts: SplitResult, hosts: Collection[str]) -> str | None:
    host = parts.hostname or ''
    rules = (
        (parts.scheme == 'https', 'must start with https://'),
        (parts.netloc.lower() in (host, f'{host}:443'), 'must not have a user, a password or a port'),
        (settings.host_matches(host, hosts),
         f'is on the host "{validators.shortened(host)}", which an administrator has not allowed'),
    )
    return next((wrong for good, wrong in rules if not good), None)


class _InForce:
    policy = Policy()


def use(policy: Policy) -> None:
    """Apply ``policy`` in this process from now on."""
    _InForce.policy = policy


def current() -> Policy:
    """Return the policy of this process."""
    return _InForce.policy
