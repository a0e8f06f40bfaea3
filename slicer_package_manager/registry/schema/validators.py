"""Validators: each takes one value of a request and returns the value to store.

A validator raises :exc:`ValueError` with what the value must be instead, as the end of a sentence that begins with the
name of the field. An empty text is left to the caller: for some fields it means "none", others refuse it.
:func:`clean_all` applies validators to several values and reports all problems at once.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from dateutil import parser as dates
from dateutil import tz

from slicer_package_manager.registry.schema import html_sanitizer, urls
from slicer_package_manager.registry.schema.errors import Invalid, Problem

#: Limits of names, searches, other texts and descriptions.
NAME_CHARACTERS = 255
NAME_BYTES = 255
SEARCH_CHARACTERS, SEARCH_WORDS = 255, 16
VALUE_BYTES = 4 * 1024
DESCRIPTION_BYTES = 64 * 1024

_CONTROL_CHARACTERS = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]+')
_OBJECT_ID = re.compile('[0-9a-fA-F]{24}')
_INTEGER = re.compile('[+-]?[0-9]{1,20}')
_SHA512 = re.compile('[0-9a-f]{128}')
_EPOCH = re.compile('[0-9]{9,10}')
#: dateutil reads "GMT-5" as five hours east of Greenwich, as POSIX does; in all common notations it is west.
_UTC_WITH_OFFSET = re.compile(r'(?<=[0-9])\s*(?:UTC|GMT)(?=[+-][0-9])')
_ZONE_WITH_OFFSET = re.compile(r':[0-9]{2}\S*\s*[A-Za-z]{3,5}[+-][0-9]')
#: Subversion repeats the day after the offset, and browsers name the time zone there.
_REMARK = re.compile(r'(?<=[+-][0-9]{4})\s*\([^()]*\)$')
#: A text that is read differently with these two defaults lacks a year, a month or a day.
_DEFAULTS = (datetime(2000, 1, 1), datetime(2001, 2, 2))  # noqa: DTZ001 - dateutil replaces all parts that a text has
_WORDS = {'true': True, 'on': True, '1': True, 'yes': True, 'false': False, 'off': False, '0': False, 'no': False}
_INT32 = 2**31
_SURROGATES = re.compile('[\ud800-\udfff]')

#: Entries that mean an empty list in descriptions of extensions.
_NONE = ('NA', 'N/A')


def has_control_characters(value: str) -> bool:
    """Whether ``value`` has a line break or another control character; no stored value does."""
    return _CONTROL_CHARACTERS.search(value) is not None


def one_line(value: object) -> str:
    """Text on one line: each run of control characters becomes one space, and both ends are stripped."""
    if not isinstance(value, str):
        raise ValueError(f'must be a string, not {_type_name(value)}')  # noqa: TRY004 - as all validators
    if value.isascii() and value.isprintable():  # as nearly all are
        return value.strip()
    if _SURROGATES.search(value):
        raise ValueError('is not valid Unicode text')
    return _CONTROL_CHARACTERS.sub(' ', value).strip()


def _type_name(value: object) -> str:
    names: dict[type, str] = {list: 'a list', tuple: 'a list', dict: 'an object', bool: 'true or false',
                              type(None): 'null'}
    return names.get(type(value), 'a number')


def object_id(value: object) -> ObjectId | None:
    """The id of a document that ``value`` states in 24 hexadecimal digits; ``None`` for any other value."""
    return ObjectId(value) if isinstance(value, str) and _OBJECT_ID.fullmatch(value) else None


def name(value: object) -> str:
    """A name: one line of at most 255 characters."""
    value = one_line(value)
    if len(value) > NAME_CHARACTERS:
        raise ValueError(f'is longer than {NAME_CHARACTERS} characters')
    return value


def file_name(value: object) -> str:
    """The name of a file without a path, so that a client cannot store it outside of its folder."""
    value = name(value)
    if not value or '/' in value or '\\' in value or value in ('.', '..'):
        raise ValueError('must be the name of a file, without a path')
    if len(value.encode()) > NAME_BYTES:
        raise ValueError(f'is longer than {NAME_BYTES} bytes, the limit of file systems')
    return value


def sha512(value: object) -> str:
    """A SHA-512 digest as 128 hexadecimal digits in lower case."""
    value = str(value).lower()
    if not _SHA512.fullmatch(value):
        raise ValueError('must be 128 hexadecimal digits')
    return value


def words(value: str) -> list[str]:
    """The distinct words of a search in lower case, in their order."""
    if len(value) > SEARCH_CHARACTERS:
        raise ValueError(f'is longer than {SEARCH_CHARACTERS} characters')
    found = list(dict.fromkeys(value.casefold().split()))
    if len(found) > SEARCH_WORDS:
        raise ValueError(f'has {len(found)} different words, and at most {SEARCH_WORDS} can be searched for')
    return found


def text(value: object) -> str:
    """One line of at most 4 KiB, without credentials in its URLs."""
    return urls.without_credentials(at_most(one_line(value), VALUE_BYTES))


def at_most(value: str, size: int) -> str:
    """``value``, which has at most ``size`` bytes."""
    if len(value.encode('utf-8', 'surrogatepass')) > size:
        raise ValueError(f'is longer than {size // 1024} KiB')
    return value


def html(value: object) -> str:
    """One line of HTML that is safe in a page, at most 64 KiB; see :mod:`html_sanitizer`."""
    safe = html_sanitizer.sanitized(at_most(one_line(value), DESCRIPTION_BYTES))
    # Sanitizing turns character references into line breaks, and escaped characters are longer.
    return at_most(one_line(safe), DESCRIPTION_BYTES)


def repository_url(value: object) -> str:
    """The place of the sources, without credentials: any text of at most 4 KiB on one line.

    Builds send the remote of their Git clone, which may be a path or ``user@host:path``.
    """
    return urls.repository(at_most(one_line(value), VALUE_BYTES))


@dataclass(frozen=True)
class WebUrls:
    """Validator that keeps the http and https URLs of a text, separated by one space, and drops the rest.

    It refuses no text, since pages only display these URLs and an upload must not fail for them. Without any URL the
    result is ``''``.

    :param separators: pattern of the separators between URLs.
    :param most: number of URLs to keep; all by default.
    """

    separators: re.Pattern[str]
    most: int | None = None

    def __call__(self, value: object) -> str:
        """The URLs to store."""
        return ' '.join(self._parts(value)[0])

    def left_out(self, value: object) -> list[str]:
        """The parts that are dropped, except for entries that mean an empty list."""
        return [part for part in self._parts(value)[1] if self.most or part.upper() not in _NONE]

    def _parts(self, value: object) -> tuple[list[str], list[str]]:
        parts = [part for part in self.separators.split(text(value)) if part]
        kept = [part for part in parts if urls.is_url(part, ('http', 'https'))][:self.most]
        return kept, [part for part in parts if part not in kept]


web_url = WebUrls(re.compile(r'\s+'), most=1)
icon_url = WebUrls(re.compile(r'[\s,;]+'), most=1)
web_urls = WebUrls(re.compile(r'[\s,;]+'))


def names(value: object) -> str:
    """Names separated by spaces, without entries that mean an empty list."""
    return ' '.join(part for part in text(value).split() if part.upper() not in _NONE)


def free_list(value: object) -> str:
    """A list in free text; an entry that means an empty list becomes ``''``."""
    value = text(value)
    return '' if value.upper() in _NONE else value


def choice(*allowed: str) -> Callable[[object], str]:
    """Make a validator that accepts the words in ``allowed``."""
    def validator(value: object) -> str:
        value = one_line(value)
        if value not in allowed:
            raise ValueError(f'"{shortened(value)}" is not one of {", ".join(allowed)}')
        return value
    return validator


def boolean(value: object) -> bool:
    """``True`` or ``False``, also as a word that HTML forms send."""
    if isinstance(value, bool):
        return value
    word = one_line(value).lower()
    if word not in _WORDS:
        raise ValueError(f'"{shortened(word)}" is neither true nor false')
    return _WORDS[word]


def integer(value: object) -> int:
    """A whole number of 32 bits, also as decimal digits."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f'must be a whole number, not {_type_name(value)}')  # noqa: TRY004 - as all validators
    if isinstance(value, str) and not _INTEGER.fullmatch(value.strip()):
        raise ValueError(f'"{shortened(value)}" is not a whole number')
    number = int(value)
    if not -_INT32 <= number < _INT32:
        raise ValueError(f'"{shortened(str(value))}" is out of range')
    return number


def timestamp(value: object) -> datetime:
    """A time in UTC with milliseconds, as the database stores it.

    Accepts a ``datetime``, the common notations, and seconds since 1970. A time without a time zone is in UTC.
    """
    if not isinstance(value, datetime):
        value = _parsed_timestamp(text(value))
    try:
        moment = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError('is out of range') from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _parsed_timestamp(value: str) -> datetime:
    if _EPOCH.fullmatch(value):
        return datetime.fromtimestamp(int(value), timezone.utc)
    notation = _UTC_WITH_OFFSET.sub(' ', _REMARK.sub('', value))
    try:
        parsed, again = (dates.parse(notation, tzinfos=_zone, default=default) for default in _DEFAULTS)
        parsed.utcoffset()  # raises for an offset of a day or more
        whole = parsed == again and not _ZONE_WITH_OFFSET.search(notation)
    except (ValueError, ArithmeticError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise ValueError(f'"{shortened(value)}" is not a date and time such as 2026-11-01T04:00:00Z')
    return parsed


def _zone(abbreviation: str | None, offset: int | None) -> tzinfo | None:
    if abbreviation is None and offset is None:
        return None
    if offset is None and abbreviation not in ('UTC', 'GMT', 'Z'):
        raise ValueError(f'"{abbreviation}" is ambiguous as a time zone; state the offset')
    return tz.tzoffset(abbreviation, offset or 0)


def shortened(value: str) -> str:
    """``value`` on one line of at most 80 characters, for messages."""
    value = _CONTROL_CHARACTERS.sub(' ', value)
    return value if len(value) <= 80 else value[:77] + '...'  # noqa: PLR2004


class Input(NamedTuple):
    """A value of a request, with its validator and whether it may be empty."""

    value: object
    validator: Callable[[Any], Any]
    required: bool = True


def clean_all(**inputs: Input) -> dict[str, Any]:
    """Validate all ``inputs``; ``None`` counts as an empty text.

    :returns: the values to store, by name.
    :raises Invalid: naming each value that is invalid, or required and empty.
    """
    cleaned: dict[str, Any] = {}
    problems: list[Problem] = []
    for field, one in inputs.items():
        try:
            cleaned[field] = one.validator('' if one.value is None else one.value)
        except ValueError as error:
            problems.append((field, str(error)))
            continue
        if one.required and not cleaned[field]:
            problems.append((field, 'must not be empty'))
    if problems:
        raise Invalid(problems)
    return cleaned
