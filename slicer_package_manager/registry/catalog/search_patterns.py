"""How a word of a search becomes a pattern for the database: in any case, with or without accents.

The accents are ignored when the question is asked, not when a text is stored, so that all that is stored already is
found as well. A letter and its accents may be stored as one character or as several (Unicode, UAX #15).
"""
from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache

#: Any number of combining accents, and none is given back.
_ACCENTS = r'\p{Mn}*+'
#: The characters that have a letter together with its accents end here: Latin, Cyrillic, Greek, Japanese.
_LAST = 0x30ff


def pattern(word: str) -> str:
    """A pattern of MongoDB's for casefolded text that has ``word``; accents of neither of the two count."""
    return ''.join(f'{_any_of(letter)}{_ACCENTS}' for letter in _plain(word))


def _any_of(letter):
    variants = _variants().get(letter)
    if variants:
        return f'[{letter}{variants}]'
    parts = unicodedata.normalize('NFD', letter)  # of a Korean syllable
    return re.escape(letter) if parts == letter else f'(?:{letter}|{parts})'


def _plain(text):
    """``text`` casefolded and without accents."""
    decomposed = unicodedata.normalize('NFD', text.casefold())
    return unicodedata.normalize('NFC', ''.join(one for one in decomposed if unicodedata.category(one) != 'Mn'))


@cache
def _variants() -> dict[str, str]:
    """The letters that are one character together with their accents, by what they are without."""
    found = defaultdict(list)
    for code in range(0x80, _LAST + 1):
        letter = chr(code)
        if unicodedata.decomposition(letter)[:1] not in ('', '<') and letter.casefold() == letter:
            plain = _plain(letter)
            if len(plain) == 1 and plain.isalpha() and plain != letter:
                found[plain].append(letter)
    return {plain: ''.join(letters) for plain, letters in found.items()}
