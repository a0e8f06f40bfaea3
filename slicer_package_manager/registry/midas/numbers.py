"""Numbers and checksums by which MIDAS named its data, as its addresses spell them. Pure: no database."""
from __future__ import annotations

import re
from enum import Enum


class Kind(str, Enum):
    """What a number of MIDAS names. Each kind has numbers of its own: item 77 and package 77 are different data."""

    ITEM = 'item'
    PACKAGE = 'package'
    EXTENSION = 'extension'
    BITSTREAM = 'bitstream'
    FOLDER = 'folder'
    MD5 = 'md5'


#: The largest number of MIDAS has 64 bits, 19 digits. Ids of this server have 24 hexadecimal digits.
_NUMBER = re.compile(r'0*([1-9][0-9]{0,18})', re.ASCII)
_REVISION = re.compile(r'0*([1-9][0-9]{0,18}),0*([1-9][0-9]{0,8})', re.ASCII)
_MD5 = re.compile('[0-9a-f]{32}')


def spelled(kind: Kind, text: str) -> str | None:
    """Return ``text`` as the aliases of ``kind`` spell it; ``None`` if it is no number or checksum.

    An item may have a revision: ``77,2`` is revision 2 of the item 77.
    """
    if kind is Kind.MD5:
        digest = text.strip().lower()
        return digest if _MD5.fullmatch(digest) else None
    number = _NUMBER.fullmatch(text)
    if number:
        return number[1]
    revision = _REVISION.fullmatch(text) if kind is Kind.ITEM else None
    return f'{revision[1]},{revision[2]}' if revision else None
