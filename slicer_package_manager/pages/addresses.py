"""Addresses of the catalog, and of earlier catalogs, to which other pages link: pure rules.

The earlier ones are in ``src/router/index.ts`` of https://github.com/KitwareMedical/slicer-extensions-webapp.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from slicer_package_manager.registry.schema.fields import ARCHITECTURES, operating_system

ALL = 'All'
#: Names that browsers, servers or proxies would change in a path: slashes, escapes, and names of folders.
_UNUSUAL = re.compile(r'[/\\%]|^\.+$')
#: Category, revision of the application, operating system.
_PARTS = 3


class Place(NamedTuple):
    """What an address of the catalog names; empty texts are not named."""

    category: str = ''
    revision: str = ''
    os: str = ''
    arch: str = ''
    extension: str = ''

    def address(self, others: Mapping[str, str]) -> str:
        """Return the address relative to the server's root, with ``others`` in its query as well."""
        if self.extension:
            return self._of_extension(others)
        category = self.category or (ALL if self.revision else '')
        path = '/'.join(['catalog', *(_escaped(part) for part in (category, self.revision, self.os) if part)])
        return _with_query(path, {**others, **({'arch': self.arch} if self.arch else {})})

    def _of_extension(self, others: Mapping[str, str]) -> str:
        is_plain = not _UNUSUAL.search(self.extension)
        path = f'extension/{quote(self.extension, safe="")}' if is_plain else 'extension'
        return _with_query(path, {
            'name': '' if is_plain else self.extension, **others, 'revision': self.revision, 'os': self.os,
            'arch': self.arch, 'category': '' if self.category == ALL else self.category})


def _with_query(path: str, given: Mapping[str, str]) -> str:
    query = urlencode({key: value for key, value in given.items() if value})
    return f'{path}?{query}' if query else path


def _escaped(part: str) -> str:
    # Servers and proxies decode an escaped slash, so it is escaped twice.
    return quote(part.replace('/', '%2F'), safe='')


def of_catalog(parts: Sequence[str]) -> Place:
    """Return the place of ``CATEGORY/REVISION/SYSTEM[/ARCH]``; parts may be missing from the right.

    With all parts, the category may contain unescaped slashes.

    :raises ValueError: the parts name no place.
    """
    if len(parts) <= _PARTS:
        category, revision, os = [*parts, '', '', ''][:_PARTS]
        return Place(_category(category), revision, lenient_system(os))
    arch = architecture(parts[-1])
    *start, revision, os = parts[:-1] if arch else parts
    return Place(_category('/'.join(start)), revision, operating_system(os), arch)


def of_extension(parts: Sequence[str]) -> Place:
    """Return the place of ``EXTENSION/REVISION/SYSTEM/ARCH``; parts may be missing from the right.

    :raises ValueError: the parts name no place.
    """
    name, revision, os, arch, *more = [*parts, '', '', '', ''][:max(4, len(parts))]
    if more or (arch and not architecture(arch)):
        raise ValueError('has unknown parts')
    return Place(ALL if revision else '', revision, lenient_system(os), architecture(arch), name)


def of_appstore(query: Mapping[str, str]) -> Place:
    """Return the place that Slicer 4 names by parameters; without a revision only the extension."""
    revision, os = query.get('revision', ''), lenient_system(query.get('os', ''))
    category = _category(query.get('category') or ALL) if revision else ''
    return Place(category, revision, os if revision else '', architecture(query.get('arch', '')),
                 query.get('baseName', ''))


def _category(text: str) -> str:
    return ALL if text.casefold() == ALL.casefold() else text


def lenient_system(text: str) -> str:
    """Return the operating system that ``text`` names, also by an alias; other texts stay as they are."""
    # The page itself explains what is wrong with an unknown system.
    try:
        return operating_system(text) if text else ''
    except ValueError:
        return text


def architecture(text: str) -> str:
    """Return the architecture that ``text`` names in any case; an empty text for all others."""
    arch = text.casefold()
    return arch if arch in ARCHITECTURES else ''
