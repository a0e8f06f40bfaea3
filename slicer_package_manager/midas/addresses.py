"""The table of MIDAS addresses, below ``/midas3``: what the server answers to each. Pure rules.

Slicer 4 has them compiled in, and people have linked them. A number in decimal is one of MIDAS; 24 hexadecimal digits
are an id of this server. To change an answer, change its row; ``docs/reference/midas.md`` has the table in words.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from slicer_package_manager.registry.midas.numbers import Kind


class Action(Enum):
    """What the server does with a request."""

    API = 'answer a method of the API'
    FILE = 'send the file'
    ITEM = 'describe the item as JSON'
    STORE = 'show the catalog'
    EXTENSION = 'show an extension'
    LISTED = 'list extensions as JSON'
    CATEGORIES = 'count the extensions of each category as JSON'
    PAGE = 'lead to the page of a package or extension'
    FOLDER = 'lead to the page of a release'
    CATALOG = 'lead to the catalog'
    DATA = 'lead to where data is now, or state that it is gone'
    GONE = 'state that it is gone'
    MISSING = 'state that it is not there'


class Row(NamedTuple):
    """One address.

    :param path: below ``/midas3``. ``:id`` stands for a number; ``*`` at the end for anything, also nothing.
    :param kind: what the number names.
    :param named: the parameter that has the number, or that a request must have for this row.
    :param api: the method of the API that a request must name for this row.
    :param verbs: the HTTP methods; ``HEAD`` is like ``GET``.
    """

    path: str
    action: Action
    kind: Kind | None = None
    named: str = ''
    api: str = ''
    verbs: tuple[str, ...] = ('GET',)

    @property
    def route(self) -> tuple[str, ...]:
        """The address in metrics, logs and limits, without what clients choose."""
        return (*(part for part in self.path.split('/') if part not in ('', '*')), *filter(None, [self.api]))


#: Requests of the API may be sent by any of these. Old build machines upload by PUT.
_API = ('GET', 'POST', 'PUT')
_DOWNLOAD = 'midas.bitstream.download'

# The first row that fits a request counts.
TABLE = (
    Row('api/json', Action.FILE, Kind.MD5, 'checksum', _DOWNLOAD, _API),
    Row('api/json', Action.FILE, Kind.BITSTREAM, 'id', _DOWNLOAD, _API),
    Row('api/json', Action.API, verbs=_API),
    Row('api/rest', Action.FILE, Kind.MD5, 'checksum', _DOWNLOAD, _API),
    Row('api/rest', Action.FILE, Kind.BITSTREAM, 'id', _DOWNLOAD, _API),
    Row('api/rest', Action.GONE, verbs=_API),
    Row('rest/bitstream/download', Action.FILE, Kind.MD5, 'checksum'),
    Row('rest/bitstream/download', Action.FILE, Kind.BITSTREAM, 'id'),
    Row('rest/bitstream/download/:id', Action.FILE, Kind.BITSTREAM),
    Row('rest/item/:id', Action.ITEM, Kind.ITEM),
    Row('download', Action.FILE, Kind.ITEM, 'items'),
    Row('download', Action.FILE, Kind.BITSTREAM, 'bitstream'),
    Row('download/index', Action.FILE, Kind.ITEM, 'items'),
    Row('download/index', Action.FILE, Kind.BITSTREAM, 'bitstream'),
    Row('download', Action.FILE, Kind.ITEM),  # names nothing, which is an error
    Row('download/index', Action.FILE, Kind.ITEM),
    Row('download/item/:id/*', Action.FILE, Kind.ITEM),
    Row('download/bitstream/:id/*', Action.FILE, Kind.BITSTREAM),
    Row('download/folder/:id/*', Action.GONE, Kind.FOLDER),
    Row('item/thumbnail', Action.MISSING),
    Row('item/view', Action.PAGE, Kind.ITEM, 'itemId'),
    Row('item/:id', Action.PAGE, Kind.ITEM),
    Row('statistics/item', Action.PAGE, Kind.ITEM, 'id'),
    Row('folder/:id', Action.FOLDER, Kind.FOLDER),
    Row('community/*', Action.GONE),
    Row('user/*', Action.GONE),
    Row('browse/*', Action.GONE),
    Row('slicerappstore/extension/view', Action.EXTENSION, Kind.EXTENSION, 'extensionId'),
    Row('slicerappstore/extension/view', Action.STORE),
    Row('slicerappstore/index/listextensions', Action.LISTED),
    Row('slicerappstore/index/categories', Action.CATEGORIES),
    Row('slicerappstore/index/downloadextension', Action.FILE, Kind.EXTENSION, 'extensionId'),
    Row('slicerappstore', Action.STORE),
    Row('slicerappstore/index', Action.STORE),
    Row('slicerpackages/*', Action.CATALOG),
    Row('search/*', Action.CATALOG),
    Row('slicerdatastore/view', Action.DATA, Kind.ITEM, 'itemId'),
    Row('slicerdatastore/*', Action.DATA),
    Row('', Action.CATALOG),
)


class Asked(NamedTuple):
    """What a request asks for: its row, and the number in it, ``None`` if there is none."""

    row: Row
    number: str | None


def asked(verb: str, path: Sequence[str], params: Mapping[str, object]) -> Asked | None:
    """Return what a request asks for; ``None`` if MIDAS had no such address.

    :param verb: the HTTP method, ``GET`` also for ``HEAD``.
    :param path: the parts of the path below ``/midas3``.
    """
    parts = [part for part in path if part]
    for row in TABLE:
        rest = _rest(row.path, parts)
        if rest is not None and verb in row.verbs and _has(row, params):
            found = params.get(row.named) if row.named else rest
            return Asked(row, str(found) if found else None)
    return None


def _rest(pattern: str, parts: Sequence[str]) -> str | None:
    """Return what stands for ``:id``, or an empty text; ``None`` if ``parts`` do not have the form of ``pattern``."""
    wanted = [part for part in pattern.split('/') if part]
    is_open = wanted[-1:] == ['*']
    wanted = wanted[:-1] if is_open else wanted
    if len(parts) < len(wanted) or (len(parts) > len(wanted) and not is_open):
        return None
    if any(one not in (part, ':id') for one, part in zip(wanted, parts, strict=False)):
        return None
    return next((part for one, part in zip(wanted, parts, strict=False) if one == ':id'), '')


def _has(row: Row, params: Mapping[str, object]) -> bool:
    return (not row.named or bool(params.get(row.named))) and (not row.api or params.get('method') == row.api)


class Engine(Enum):
    """What shows a page."""

    SLICER = 'Slicer 4, or a browser of its time'
    BROWSER = 'a browser of today'


#: Slicer names itself; WebKit had these versions when Qt took it over.
_OLD = re.compile(r'\bSlicer\b|\bQt|AppleWebKit/5(?:[0-2]\d|3[0-6])\b')


def engine(layout: str, user_agent: str) -> Engine:
    """Return what shows a page: Slicer 4 sends ``layout=empty``."""
    return Engine.SLICER if layout == 'empty' or _OLD.search(user_agent) else Engine.BROWSER
