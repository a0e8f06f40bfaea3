"""Mask credentials in log lines.

Log lines have URLs and headers as clients send them. This module parses them as the server does: it splits them into
pairs at ``&`` and ``;``, and decodes names and values, also nested ones. It masks the values of names in
:data:`_NAMES`, and everything that looks like a token or an API key of Girder.
"""
from __future__ import annotations

import re
from urllib.parse import unquote_plus

MASK = '***'
#: Names whose value is a secret. Case and punctuation do not matter.
_NAMES = {'key', 'old', 'new', 'otp', 'pass', 'pwd', 'auth', 'sid', 'sig'}
#: Parts of such names.
_IN_NAMES = ('token', 'password', 'passwd', 'passphrase', 'secret', 'apikey', 'accesskey', 'privatekey', 'authoriz',
             'credential', 'signature', 'cookie', 'session')
#: Separators of pairs, in URLs and in plain text.
_BETWEEN = re.compile(r'([&;?# \t\r\n]+)')
#: Separators of a name and its value.
_EQUALS = re.compile('[=:]')
#: A header, whose value follows after a space.
_HEADER = re.compile(r'([^:=]+):["\']?')
_SCHEMES = ('basic', 'bearer', 'digest', 'token')
#: A token has 64 letters and digits, a key 40. Hexadecimal digits alone are a checksum or a revision.
_SHAPES = re.compile(r'(?<![0-9A-Za-z])(?![0-9a-fA-F]+(?![0-9A-Za-z]))(?:[0-9A-Za-z]{64}|[0-9A-Za-z]{40})'
                     r'(?![0-9A-Za-z])')
_DEEPEST = 8
#: Longer pairs are masked as a whole. They are descriptions, for example.
_LONGEST = 4096


def masked(text: str) -> str:
    """``text``, a URL, a query or the value of a header, with its credentials masked."""
    parts: list[str] = []
    hidden = False
    for part in _BETWEEN.split(text):
        if not part or _BETWEEN.fullmatch(part):
            parts.append(part)
        elif hidden:
            parts.append(MASK)
            hidden = part.lower() in _SCHEMES
        else:
            parts.append(_masked_pair(part))
            hidden = _begins_secret(part)
    return ''.join(parts)


def _masked_pair(pair: str) -> str:
    name, equals, value = pair.partition('=')
    plain = _decoded(pair) if len(pair) <= _LONGEST else None
    if plain is None:
        return MASK
    if equals and value and _names_secret(_decoded(name) or ''):
        return f'{_hidden(name)}={MASK}'
    if _hides_secret(plain):
        return f'{_hidden(name)}={MASK}' if equals and not _hides_secret(_decoded(name) or '') else MASK
    return _hidden(pair) if plain == pair or _hidden(plain) == plain else MASK


def _hidden(text: str) -> str:
    start, end = text.find('//'), text.rfind('@')
    if 0 <= start < end:  # the user and password of a URL
        text = f'{text[:start]}//{MASK}{text[end:]}'
    return _SHAPES.sub(MASK, text)


def _hides_secret(plain: str) -> bool:
    return any(_names_secret(name) for name in _EQUALS.split(plain.rstrip('=: "\''))[:-1])


def _begins_secret(part: str) -> bool:
    """Whether ``part`` is the name of a header, whose value follows."""
    header = _HEADER.fullmatch(part)
    return header is not None and _names_secret(header[1])


def _names_secret(name: str) -> bool:
    last = re.split(r'[&;?#/\s]', name.strip())[-1]
    plain = ''.join(letter for letter in last.casefold() if letter.isalnum())
    return plain in _NAMES or any(one in plain for one in _IN_NAMES)


def _decoded(text: str) -> str | None:
    """``text`` without percent escapes; ``None`` if it is escaped more than :data:`_DEEPEST` times."""
    for _ in range(_DEEPEST):
        plain = unquote_plus(text)
        if plain == text:
            return plain
        text = plain
    return None
