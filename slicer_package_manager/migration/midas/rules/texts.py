"""Texts as MIDAS stored them: in a wrong character set, with entities, with markup, or cut off."""
from __future__ import annotations

import html
import re

from slicer_package_manager.registry.catalog import search_patterns
from slicer_package_manager.registry.schema import html_sanitizer, validators

#: The byte of each character in windows-1252. The bytes that it leaves undefined are control characters.
_BYTES = {bytes([one]).decode('cp1252', errors='ignore') or chr(one): one for one in range(256)}
_BYTES.update({chr(one): one for one in range(0x80, 0xa0)})
_TAG = re.compile(r'</?[a-z][^<>]*>', re.IGNORECASE)
_ALLOWED = re.compile(rf'</?(?:{"|".join(sorted(html_sanitizer.ALLOWED))})(?=[\s/>])', re.IGNORECASE)
_ENTITY = re.compile(r'&(?:#\w+|\w+);')
_FILLERS = ('NA', 'N/A')
_NO_LOGIN = re.compile('[^a-z0-9.-]+')
_LOGIN_LENGTH = 4


def mended(text: str) -> str:
    """Return ``text`` as it was before its UTF-8 bytes were taken for windows-1252; sound text as it is."""
    if text.isascii():
        return text
    try:
        return bytes(_BYTES[one] for one in text).decode()
    except (KeyError, UnicodeDecodeError):
        return text


def person(text: str) -> str:
    """Return the name of a person, which MIDAS stored with entities, on one line."""
    return validators.one_line(mended(html.unescape(text)))


def description(text: str) -> str:
    """Return the description of an extension as HTML: MIDAS showed it escaped, but authors wrote markup in it, too."""
    line = validators.one_line(text)
    if _ALLOWED.search(line) or not ('<' in line or _ENTITY.search(line)):
        return line
    return html.escape(line, quote=False)


def without_tags(text: str) -> str:
    """Return ``text``, which may have links of HTML, as plain text on one line."""
    return validators.one_line(html.unescape(_TAG.sub('', text)))


def given(text: str) -> str:
    """Return ``text`` on one line; ``''`` if it is a filler such as ``NA``."""
    line = validators.one_line(text)
    return '' if line.upper() in _FILLERS else line


def login(first: str, last: str, number: int, taken: set[str]) -> str:
    """Return a login for a person, which MIDAS had none for, that is not among ``taken``.

    :param number: of the user at MIDAS.
    """
    words = (_NO_LOGIN.sub('', search_patterns.plain(one)) for one in (first, last))
    plain = '.'.join(filter(None, words)).strip('.-')
    plain = plain if plain[:1].isalpha() and len(plain) >= _LOGIN_LENGTH else f'midas-user-{number}'
    return plain if plain not in taken else f'{plain}-{number}'
