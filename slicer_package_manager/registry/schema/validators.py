"""Rules for single values: each turns what was given into what is kept, or says what is wrong with it.

Every rule takes one value and returns the clean one; ``ValueError`` tells what it must be instead. An empty
text is the business of the caller: it means "none" for some fields and is refused for others.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from dateutil import parser as dates
from dateutil import tz

from slicer_package_manager.registry.schema import html_sanitizer, urls

NAME_CHARACTERS = 255
NAME_BYTES = 255
SEARCH_CHARACTERS, SEARCH_WORDS = 255, 16
VALUE_BYTES = 4 * 1024
DESCRIPTION_BYTES = 64 * 1024

_BREAKS = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]+')
_INTEGER = re.compile('[+-]?[0-9]{1,20}')
_SHA512 = re.compile('[0-9a-f]{128}')
_EPOCH = re.compile('[0-9]{9,10}')
#: Python's date parser takes "GMT-5" for five hours east, as POSIX does, where all common notations mean west.
_UTC_WITH_OFFSET = re.compile(r'(?<=[0-9])\s*(?:UTC|GMT)(?=[+-][0-9])')
_ZONE_WITH_OFFSET = re.compile(r':[0-9]{2}\S*\s*[A-Za-z]{3,5}[+-][0-9]')
#: Subversion repeats the day, and browsers name the zone, after the offset.
_REMARK = re.compile(r'(?<=[+-][0-9]{4})\s*\([^()]*\)$')
#: A notation that comes out differently for two defaults leaves year, month or day open.
_DEFAULTS = (datetime(2000, 1, 1), datetime(2001, 2, 2))  # noqa: DTZ001 - only fills in what is missing
_WORDS = {'true': True, 'on': True, '1': True, 'yes': True, 'false': False, 'off': False, '0': False, 'no': False}
_INT32 = 2**31
_SURROGATES = re.compile('[\ud800-\udfff]')

#: Entries of lists that mean none: what descriptions of extensions have where nothing is named.
_NONE = ('NA', 'N/A')


def has_control_characters(value: str) -> bool:
    """Whether ``value`` holds a line break or another control character; no stored value does."""
    return _BREAKS.search(value) is not None


def one_line(value) -> str:
    """``value`` as text on one line: runs of control characters become one space, the ends are bare."""
    if not isinstance(value, str):
        raise ValueError(f'must be a text, not {_type_name(value)}')  # noqa: TRY004 - one kind of refusal
    if _SURROGATES.search(value):
        raise ValueError('is not valid Unicode text')
    return _BREAKS.sub(' ', value).strip()


def _type_name(value) -> str:
    names = {list: 'a list', tuple: 'a list', dict: 'an object', bool: 'true or false', type(None): 'null'}
    return names.get(type(value), 'a number')


def name(value) -> str:
    """A name: one line of at most 255 characters."""
    value = one_line(value)
    if len(value) > NAME_CHARACTERS:
        raise ValueError(f'is longer than {NAME_CHARACTERS} characters')
    return value


def file_name(value) -> str:
    """The name of a file, which must not lead out of the folder that a client stores it in."""
    value = name(value)
    if not value or '/' in value or '\\' in value or value in ('.', '..'):
        raise ValueError('must be the name of a file, without a path')
    if len(value.encode()) > NAME_BYTES:
        raise ValueError(f'is longer than {NAME_BYTES} bytes, which no file system takes')
    return value


def sha512(value) -> str:
    """A SHA-512 as 128 hexadecimal digits in lower case."""
    value = str(value).lower()
    if not _SHA512.fullmatch(value):
        raise ValueError('must be 128 hexadecimal digits')
    return value


def words(value) -> list[str]:
    """The different words of a search, without the difference of case, in their order."""
    if len(value) > SEARCH_CHARACTERS:
        raise ValueError(f'is longer than {SEARCH_CHARACTERS} characters')
    found = list(dict.fromkeys(value.casefold().split()))
    if len(found) > SEARCH_WORDS:
        raise ValueError(f'has {len(found)} different words, and at most {SEARCH_WORDS} can be searched for')
    return found


def text(value) -> str:
    """One line of at most 4 KiB, without credentials in the URLs that are in it."""
    return urls.without_credentials(_at_most(one_line(value), VALUE_BYTES))


def _at_most(value, size):
    if len(value.encode()) > size:
        raise ValueError(f'is longer than {size // 1024} KiB')
    return value


def html(value) -> str:
    """One line of HTML that is safe to put into a page, see :mod:`html_sanitizer`."""
    safe = html_sanitizer.sanitized(_at_most(one_line(value), DESCRIPTION_BYTES))
    # Character references came to line breaks, and an escaped character takes more room now.
    return _at_most(one_line(safe), DESCRIPTION_BYTES)


def repository_url(value) -> str:
    """Where sources are: any text of at most 4 KiB on one line, since builds send what their clone was made from."""
    return urls.repository(_at_most(one_line(value), VALUE_BYTES))


@dataclass(frozen=True)
class WebUrls:
    """A rule that keeps the http and https URLs in a text, with one space between them, and leaves out all else.

    What is only displayed must not cost a build its upload, so a text without any comes to ``''``.

    :param separators: what stands between URLs.
    :param most: how many of them are kept.
    """

    separators: re.Pattern[str]
    most: int | None = None

    def __call__(self, value) -> str:
        """The URLs that are kept."""
        return ' '.join(self._parts(value)[0])

    def left_out(self, value) -> list[str]:
        """What is not kept, but for words that mean none where a list is expected."""
        return [part for part in self._parts(value)[1] if self.most or part.upper() not in _NONE]

    def _parts(self, value):
        parts = [part for part in self.separators.split(text(value)) if part]
        kept = [part for part in parts if urls.is_url(part, ('http', 'https'))][:self.most]
        return kept, [part for part in parts if part not in kept]


web_url = WebUrls(re.compile(r'\s+'), most=1)
icon_url = WebUrls(re.compile(r'[\s,;]+'), most=1)
web_urls = WebUrls(re.compile(r'[\s,;]+'))


def names(value) -> str:
    """Names that spaces separate, without those that mean none."""
    return ' '.join(part for part in text(value).split() if part.upper() not in _NONE)


def free_list(value) -> str:
    """A list in any words, as it was given, but for one that means none."""
    value = text(value)
    return '' if value.upper() in _NONE else value


def choice(*allowed):
    """A rule for one of the words in ``allowed``."""
    def rule(value):
        value = one_line(value)
        if value not in allowed:
            raise ValueError(f'"{shortened(value)}" is not one of {", ".join(allowed)}')
        return value
    return rule


def boolean(value) -> bool:
    """``True`` or ``False``, also as the words that forms send."""
    if isinstance(value, bool):
        return value
    word = one_line(value).lower()
    if word not in _WORDS:
        raise ValueError(f'"{shortened(word)}" is neither true nor false')
    return _WORDS[word]


def integer(value) -> int:
    """A whole number of 32 bits."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f'must be a whole number, not {_type_name(value)}')  # noqa: TRY004 - one kind of refusal
    if isinstance(value, str) and not _INTEGER.fullmatch(value.strip()):
        raise ValueError(f'"{shortened(value)}" is not a whole number')
    number = int(value)
    if not -_INT32 <= number < _INT32:
        raise ValueError(f'"{shortened(str(value))}" is out of range')
    return number


def timestamp(value) -> datetime:
    """A moment in UTC, from any common notation or seconds since 1970; without a zone it is meant as UTC.

    The database keeps milliseconds, so that is what is returned.
    """
    if not isinstance(value, datetime):
        value = _parsed_timestamp(text(value))
    try:
        moment = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError('is out of range') from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _parsed_timestamp(value):
    if _EPOCH.fullmatch(value):
        return datetime.fromtimestamp(int(value), timezone.utc)
    notation = _UTC_WITH_OFFSET.sub(' ', _REMARK.sub('', value))
    try:
        parsed, again = (dates.parse(notation, tzinfos=_zone, default=default) for default in _DEFAULTS)
        parsed.utcoffset()  # raises for a zone that is a day or more away
        whole = parsed == again and not _ZONE_WITH_OFFSET.search(notation)
    except (ValueError, ArithmeticError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise ValueError(f'"{shortened(value)}" is not a date and time such as 2026-11-01T04:00:00Z')
    return parsed


def _zone(abbreviation, offset):
    if abbreviation is None and offset is None:
        return None
    if offset is None and abbreviation not in ('UTC', 'GMT', 'Z'):
        raise ValueError(f'"{abbreviation}" is not one time zone; give its offset')
    return tz.tzoffset(abbreviation, offset or 0)


def shortened(value) -> str:
    """``value`` as it fits into a message."""
    value = _BREAKS.sub(' ', value)
    return value if len(value) <= 80 else value[:77] + '...'  # noqa: PLR2004
