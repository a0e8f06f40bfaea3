"""Patterns for the database that match a word of a search in any case, with or without accents.

Stored texts keep their accents; the pattern ignores them. A letter and its accents may be stored as one character or as
several (Unicode, UAX #15).
"""
from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache

#: Any number of combining accents, without backtracking.
_ACCENTS = r'\p{Mn}*+'
#: The last of the characters that combine a letter with its accents: Latin, Cyrillic, Greek, Japanese.
_LAST = 0x30ff


def pattern(word: str) -> str:
    """A regular expression for MongoDB that matches ``word`` in casefolded text. Accents in both are ignored."""
    return ''.join(f'{_any_of(letter)}{_ACCENTS}' for letter in plain(word))


def _any_of(letter: str) -> str:
    variants = _variants().get(letter)
    if variants:
        return f'[{letter}{variants}]'
    parts = unicodedata.normalize('NFD', letter)  # of a Korean syllable
    return re.escape(letter) if parts == letter else f'(?:{letter}|{parts})'


def plain(text: str) -> str:
    """``text`` casefolded and without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize('NFD', text.casefold())
    return unicodedata.normalize('NFC', ''.join(one for one in decomposed if unicodedata.category(one) != 'Mn'))


@cache
def _variants() -> dict[str, str]:
    """Characters that combine a letter with accents, by the letter without accents."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for code in range(0x80, _LAST + 1):
        letter = chr(code)
        if unicodedata.decomposition(letter)[:1] not in ('', '<') and letter.casefold() == letter:
            without = plain(letter)
            if len(without) == 1 and without.isalpha() and without != letter:
                found[without].append(letter)
    return {without: ''.join(letters) for without, letters in found.items()}
