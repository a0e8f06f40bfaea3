"""The operator's table of data that is elsewhere now: the number of an item of MIDAS, or an MD5, and the URL."""
from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.registry.links import policy
from slicer_package_manager.registry.midas.numbers import Kind, spelled
from slicer_package_manager.registry.schema.validators import shortened

#: URLs by what leads to them; ``''`` for what no longer leads anywhere.
Redirects: TypeAlias = Mapping[tuple[Kind, str], str]

_LINE = re.compile(r'([^\s,]+)[\s,]*(.*)')
#: How many wrong lines a message names.
_NAMED = 10


def parsed(lines: Iterable[str], hosts: Collection[str]) -> Redirects:
    """Return the redirects in ``lines``: a number or an MD5, a comma or space, and a URL; a ``#`` begins a comment.

    :param hosts: the hosts that are allowed for links.
    :raises MigrationError: naming the lines that are wrong.
    """
    found: dict[tuple[Kind, str], str] = {}
    wrong = list(_read(lines, hosts, found))
    if wrong:
        more = f', and {len(wrong) - _NAMED} more' if wrong[_NAMED:] else ''
        raise MigrationError(f'The table of redirects has wrong lines: {"; ".join(wrong[:_NAMED])}{more}. Correct '
                             'them, or allow the host with --allow-link-hosts.')
    return found


def _read(lines: Iterable[str], hosts: Collection[str], found: dict[tuple[Kind, str], str]) -> Iterator[str]:
    """Add the redirects in ``lines`` to ``found``; yield what is wrong."""
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line.strip())
        if match is None or line.lstrip().startswith('#'):
            continue
        key, url = _key(match[1]), match[2].strip()
        problem = policy.current().problem(url, hosts) if url else None
        if key is None:
            yield f'line {number}: "{shortened(match[1])}" is neither the number of an item nor an MD5'
        elif problem:
            yield f'line {number}: the URL "{shortened(url)}" {problem}'
        elif found.setdefault(key, url) != url:
            yield f'line {number}: {key[1]} has another URL in a line before'


def _key(text: str) -> tuple[Kind, str] | None:
    for kind in (Kind.MD5, Kind.ITEM):
        value = spelled(kind, text)
        if value:
            return kind, value
    return None
