"""What raw logs with pseudonyms have of a request: the parts of it that are named here, and nothing else.

Only requests for packages are in them: downloads, lists and lookups. The address of the client becomes a pseudonym of
the day and a country. Of the target, the path and some parameters remain, without what could be an address, a person or
a secret. The user, the referrer and other fields of the log are left out.
"""
from __future__ import annotations

import re
from enum import Enum
from urllib.parse import parse_qsl, quote, unquote, urlencode

from slicer_package_manager.logs.rules.addresses import OBJECT, WORDS


class Kind(str, Enum):
    """Which raw logs are kept: with pseudonyms, or the lines as they are."""

    PSEUDONYMS = 'pseudonyms'
    UNCHANGED = 'unchanged'


_WORDS = ' OR '.join(f"contains(target, '{word}')" for word in WORDS)
#: Condition for the requests in raw logs with pseudonyms; it has the columns of :data:`formats.COLUMNS`.
INCLUDED = (f"(method IN ('GET', 'HEAD') AND ({_WORDS} OR starts_with(target, '{OBJECT}') OR "
            r"regexp_matches(target, '/(app|find|findall|catalog|view|midas3|slicerappstore)(/|\?|$)') OR "
            "regexp_matches(target, '/[0-9a-f]{32}$')))")
#: Parameters that describe packages, and the values that they have.
_PARAMETERS = frozenset((
    'app_revision', 'arch', 'baseName', 'bitstream', 'date', 'extensionId', 'items', 'limit', 'method', 'offset', 'os',
    'release', 'release_id_or_name', 'revision', 'sort', 'sortdir', 'stability', 'version'))
_VALUE = re.compile(r'[\w.,+-]{1,64}', re.ASCII)
_LONGEST = 512
_REMOVED = '-'
#: Four or more numbers with dots between them are an address, or as long as one; so is what has colons.
_NUMBERS = re.compile(r'\d+(?:\.\d+){3,}')
_COLONS = re.compile(r'[0-9A-Fa-f]*(?::[0-9A-Fa-f]*){2,}[\d.]*')
_FEWEST_COLONS = 3
_MAIL = re.compile(r'[^\s/,;:()<>"]+@[\w.-]+')
#: Versions of browsers have as many numbers: the first two stay.
_VERSION = re.compile(r'(?<=[A-Za-z]/)(\d+\.\d+)(?:\.\d+){2,}')
_SECRET = re.compile(r'(token|key|password|secret|authorization)\s*[=:]', re.IGNORECASE)
#: Clients write parameters and tokens into the path, too.
_PATH = re.compile(r'[^;?=&#]*')
#: What is encoded more often is removed: to decode a long line as often as it allows would take seconds.
_DECODINGS = 8
_UNPRINTABLE = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029]')


def shown_target(target: str) -> str:
    """Return what is shown of the target of a request."""
    path, _, query = target.partition('?')
    if '://' in path:  # a proxy logs whole URLs
        path = '/' + path.partition('://')[2].partition('/')[2]
    match = _PATH.match(_decoded(path))
    shown = quote(_without_people(match[0] if match else '')[:_LONGEST], safe='/:+,~!*()')
    known = [(name, value) for name, value in parse_qsl(query) if name in _PARAMETERS and _is_plain(value)]
    return f'{shown}?{urlencode(known)}' if known else shown


def _is_plain(value: str) -> bool:
    return bool(_VALUE.fullmatch(value)) and _without_people(value) == value


def shown_agent(agent: str) -> str:
    """Return what is shown of a user agent."""
    agent = _decoded(agent[:_LONGEST])
    if _SECRET.search(agent):
        return _REMOVED
    text = _UNPRINTABLE.sub(' ', agent).replace('"', "'").replace('\\', '/')
    return _without_people(_VERSION.sub(r'\1', text)).strip() or _REMOVED


def _decoded(text: str) -> str:
    """Return ``text`` without percent-encoding: an address could be hidden in it, however often it was encoded."""
    for _ in range(_DECODINGS):
        before, text = text, unquote(text)
        if text == before:
            return text
    return _REMOVED


def _without_people(text: str) -> str:
    """Return ``text`` without what is or may be an address of a computer or of a person."""
    text = _COLONS.sub(lambda found: _REMOVED if '::' in found[0] or found[0].count(':') >= _FEWEST_COLONS
                       else found[0], text)
    return _MAIL.sub(_REMOVED, _NUMBERS.sub(_REMOVED, text))
