"""Which addresses are those of packages, and what each of them names.

A package leaves a server by the address of its item, of its file or of its checksum, by ``/bitstream/:id``, which
redirects to the item, by those of the former MIDAS server, and from object storage by the key of an object. Lookups
such as ``/download?os=linux`` name no package: the request that follows their redirect does.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from slicer_package_manager.registry.midas.numbers import Kind, spelled


class Level(IntEnum):
    """How far a request gets. A redirect leads to the next level, where the same download is logged again."""

    FORWARD = 0
    SERVER = 1
    STORAGE = 2


class Address(NamedTuple):
    """What a request names, such as ``item:64b000000000000000000001`` or ``midas-item:77``, and its level."""

    key: str
    level: Level


#: Begins the target of a request in the log of a bucket; the key of the object follows.
OBJECT = 'object:'
#: Object storage allows keys of 1,024 bytes.
_LONGEST_OBJECT = len(OBJECT) + 1024
#: Requests without one of these in their target name no package.
WORDS = ('download', 'bitstream')
_ID = '[0-9a-fA-F]{24}'
_NAME = '(?:/[^/]*)?'
#: Objects that Girder writes have this key, below the prefix of the assetstore.
_GIRDER_OBJECT = re.compile(r'/?((?:.+/)?([0-9a-f]{2})/([0-9a-f]{2})/\2\3[0-9a-f]{28})')
_MODELS = re.compile(rf'.*/api/v1/(item|file)/({_ID})/download{_NAME}', re.DOTALL)
_CHECKSUM = re.compile(rf'.*/api/v1/file/hashsum/sha512/([0-9a-f]{{128}})/download{_NAME}', re.DOTALL | re.IGNORECASE)
_BITSTREAM = re.compile(r'(?:.*/)?bitstream/([0-9a-fA-F]{24}|[0-9]{1,19})/?', re.DOTALL)
_MIDAS = re.compile(r'.*/midas3/(.+)', re.DOTALL)
#: Addresses of MIDAS that have the number in the path; see ``registry/midas`` for its kinds.
_IN_PATH = ((re.compile('download/item/([^/]+).*', re.DOTALL), Kind.ITEM),
            (re.compile('download/bitstream/([^/]+).*', re.DOTALL), Kind.BITSTREAM),
            (re.compile('rest/bitstream/download/([^/]+)/?'), Kind.BITSTREAM))
#: Addresses of MIDAS that have it in a parameter, of which the first one that is given counts.
_OF_BITSTREAM = (('checksum', Kind.MD5), ('id', Kind.BITSTREAM))
_IN_QUERY: Mapping[str, tuple[tuple[str, Kind], ...]] = {
    'download': (('items', Kind.ITEM), ('bitstream', Kind.BITSTREAM)),
    'download/index': (('items', Kind.ITEM), ('bitstream', Kind.BITSTREAM)),
    'rest/bitstream/download': _OF_BITSTREAM, 'api/json': _OF_BITSTREAM, 'api/rest': _OF_BITSTREAM,
    'slicerappstore/index/downloadextension': (('extensionId', Kind.EXTENSION),)}
_METHOD = 'midas.bitstream.download'


def of_target(target: str) -> Address | None:
    """Return the address that the target of a request has; ``None`` if it names no package."""
    if target.startswith(OBJECT):
        return Address(target, Level.STORAGE) if len(target) <= _LONGEST_OBJECT else None
    path, _, query = target.partition('?')
    if '://' in path:  # a proxy logs whole URLs
        path = '/' + path.partition('://')[2].partition('/')[2]
    path = unquote(path)
    return next((found for rule in _RULES if (found := rule(path, query))), None)


def _model(path: str, _query: str) -> Address | None:
    match = _MODELS.fullmatch(path)
    return Address(f'{match[1]}:{match[2].lower()}', Level.SERVER) if match else None


def _checksum(path: str, _query: str) -> Address | None:
    match = _CHECKSUM.fullmatch(path)
    return Address(f'sha512:{match[1].lower()}', Level.SERVER) if match else None


def _bitstream(path: str, _query: str) -> Address | None:
    match = _BITSTREAM.fullmatch(path)
    if not match or '/midas3/' in path:
        return None
    return _named(Kind.BITSTREAM, match[1], Level.FORWARD)


def _midas(path: str, query: str) -> Address | None:
    match = _MIDAS.fullmatch(path)
    rest = match[1].rstrip('/') if match else ''
    for pattern, kind in _IN_PATH:
        if found := pattern.fullmatch(rest):
            return _named(kind, found[1], Level.SERVER)
    given = dict(parse_qsl(query)) if rest in _IN_QUERY else {}
    if rest.startswith('api/') and given.get('method') != _METHOD:
        return None
    return next((_named(kind, given[name], Level.SERVER) for name, kind in _IN_QUERY.get(rest, ()) if given.get(name)),
                None)


def _object(path: str, _query: str) -> Address | None:
    match = _GIRDER_OBJECT.fullmatch(path)
    return Address(f'{OBJECT}{match[1]}', Level.STORAGE) if match else None


def _named(kind: Kind, number: str, level: Level) -> Address | None:
    if re.fullmatch(_ID, number):  # an id of this server, which every address of MIDAS accepts
        return Address(f'item:{number.lower()}', level)
    found = spelled(kind, number)
    return Address(f'midas-{kind.value}:{found}', level) if found else None


_RULES: tuple[Callable[[str, str], Address | None], ...] = (_model, _bitstream, _checksum, _midas, _object)
