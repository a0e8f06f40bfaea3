"""Addresses of the catalog, and those of the catalogs before it, which people have linked: rules without a request.

https://github.com/KitwareMedical/slicer-extensions-webapp has the older ones in ``src/router/index.ts``.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from slicer_package_manager.registry.schema.fields import ARCHITECTURES, operating_system

ALL = 'All'
#: Category, revision of the application, operating system.
_PARTS = 3


class Place(NamedTuple):
    """A place in the catalog; an empty text is left open."""

    category: str = ''
    revision: str = ''
    os: str = ''
    arch: str = ''
    extension: str = ''

    def address(self, others: Mapping[str, str]) -> str:
        """The address relative to the root of the server, with ``others`` in its query as well."""
        path = '/'.join(['catalog', *(_escaped(part) for part in self[:_PARTS] if part)])
        given = {'arch': self.arch, 'extension': self.extension}
        query = urlencode({**others, **{key: value for key, value in given.items() if value}})
        return f'{path}?{query}' if query else path


def _escaped(part):
    # Servers and proxies take an escaped slash for a slash, so it is escaped twice.
    return quote(part.replace('/', '%2F'), safe='')


def of_catalog(parts: Sequence[str]) -> Place:
    """The place that ``parts`` name: ``CATEGORY/REVISION/SYSTEM``, from the left as far as given, or all and ``/ARCH``.

    Slashes of a category may be unescaped where all parts are given.

    :raises ValueError: it is none.
    """
    if len(parts) <= _PARTS:
        category, revision, os = [*parts, '', '', ''][:_PARTS]
        return Place(_category(category), revision, _lenient_system(os))
    arch = _architecture(parts[-1])
    *start, revision, os = parts[:-1] if arch else parts
    return Place(_category('/'.join(start)), revision, operating_system(os), arch)


def of_extension(parts: Sequence[str]) -> Place:
    """The place of ``EXTENSION/REVISION/SYSTEM/ARCH``, from the left as far as given.

    :raises ValueError: it is none.
    """
    name, revision, os, arch, *more = [*parts, '', '', '', ''][:max(4, len(parts))]
    if more or (arch and not _architecture(arch)):
        raise ValueError('has unknown parts')
    return Place(ALL if revision else '', revision, _lenient_system(os), _architecture(arch), name)


def of_appstore(query: Mapping[str, str]) -> Place:
    """The place that Slicer 4 names by parameters; without a revision it is left open."""
    revision, os = query.get('revision', ''), _lenient_system(query.get('os', ''))
    category = _category(query.get('category') or ALL) if revision else ''
    return Place(category, revision, os if revision else '', _architecture(query.get('arch', '')),
                 query.get('baseName', ''))


def _category(text):
    return ALL if text.casefold() == ALL.casefold() else text


def _lenient_system(text):
    # The page tells what is wrong with another system.
    try:
        return operating_system(text) if text else ''
    except ValueError:
        return text


def _architecture(text):
    arch = text.casefold()
    return arch if arch in ARCHITECTURES else ''
