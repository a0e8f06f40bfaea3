"""Takes credentials out of what is written into logs.

A line of a log has addresses and headers as clients send them. They are parsed as the server parses them: split into
pairs at ``&`` and ``;``, with names and values decoded, also where one is inside another. What belongs to a name of
:data:`_NAMES` is replaced; so is, wherever it stands, what has the shape of a token or an API key of Girder.
"""
from __future__ import annotations

import re
from urllib.parse import unquote_plus

MASK = '***'
#: Names that say, whole, that a secret follows; case and punctuation do not matter.
_NAMES = {'key', 'old', 'new', 'otp', 'pass', 'pwd', 'auth', 'sid', 'sig'}
#: Parts of names that do.
_IN_NAMES = ('token', 'password', 'passwd', 'passphrase', 'secret', 'apikey', 'accesskey', 'privatekey', 'authoriz',
             'credential', 'signature', 'cookie', 'session')
#: Where one pair ends and the next begins, in addresses and in plain text.
_BETWEEN = re.compile(r'([&;?# \t\r\n]+)')
#: What is between a name and its value.
_EQUALS = re.compile('[=:]')
#: Header style, where the value follows after a space.
_HEADER = re.compile(r'([^:=]+):["\']?')
_SCHEMES = ('basic', 'bearer', 'digest', 'token')
#: A token has 64 letters and digits, a key 40; what is all hexadecimal is a checksum or a revision.
_SHAPES = re.compile(r'(?<![0-9A-Za-z])(?![0-9a-fA-F]+(?![0-9A-Za-z]))(?:[0-9A-Za-z]{64}|[0-9A-Za-z]{40})'
                     r'(?![0-9A-Za-z])')
_DEEPEST = 8
#: Longer pairs are not looked at: nothing of interest is as long, such as a description.
_LONGEST = 4096


def masked(text: str) -> str:
    """``text``, an address, a query or the value of a header, without the credentials in it."""
    parts, hidden = [], False
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


def _masked_pair(pair):
    name, equals, value = pair.partition('=')
    plain = _decoded(pair) if len(pair) <= _LONGEST else None
    if plain is None:
        return MASK
    if equals and value and _names_secret(_decoded(name)):
        return f'{_hidden(name)}={MASK}'
    if _hides_secret(plain):
        return f'{_hidden(name)}={MASK}' if equals and not _hides_secret(_decoded(name)) else MASK
    return _hidden(pair) if plain == pair or _hidden(plain) == plain else MASK


def _hidden(text):
    start, end = text.find('//'), text.rfind('@')
    if 0 <= start < end:  # the user and password of an address
        text = f'{text[:start]}//{MASK}{text[end:]}'
    return _SHAPES.sub(MASK, text)


def _hides_secret(plain):
    return any(_names_secret(name) for name in _EQUALS.split(plain.rstrip('=: "\''))[:-1])


def _begins_secret(part):
    """Whether ``part`` is the name of a header, whose value follows."""
    header = _HEADER.fullmatch(part)
    return header is not None and _names_secret(header[1])


def _names_secret(name):
    last = re.split(r'[&;?#/\s]', name.strip())[-1]
    plain = ''.join(letter for letter in last.casefold() if letter.isalnum())
    return plain in _NAMES or any(one in plain for one in _IN_NAMES)


def _decoded(text):
    """``text`` without percent escapes, however often they were escaped; ``None`` if that has no end."""
    for _ in range(_DEEPEST):
        plain = unquote_plus(text)
        if plain == text:
            return plain
        text = plain
    return None
