"""Search of extensions in the order of relevance. Pure: no database.

1. :func:`words` splits texts into words, without case and accents. A name such as ``SlicerOpenIGTLink`` has the words
   ``slicer``, ``open``, ``igt`` and ``link``, and all of it is a word too.
2. :class:`Index` has the words of all extensions, each with the fields that have it.
3. A query word matches words that are equal, have the same stem or beginning, contain it, or differ by a typing error.
   :func:`_quality` states how much each of these counts. It also matches what has the words of a synonym, for less.
4. The score of an extension is the sum over the query words of their best matches, each weighted by the field, and by
   how few extensions match the word. A query that is the name, spelled with other spaces and hyphens, counts most.
5. An extension that lacks some words counts less by the share that it lacks; if it lacks too many, it is not found.
"""
from __future__ import annotations

import html
import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from slicer_package_manager.registry.catalog.search_patterns import plain
from slicer_package_manager.registry.catalog.synonyms import SYNONYMS

#: The fields of the metadata that are searched, with their weights.
FIELDS = {'baseName': 10.0, 'keywords': 6.0, 'category': 5.0, 'description': 2.0, 'contributors': 1.5}
#: The weight of the initials of a name, such as ``vr`` for ``SlicerVirtualReality``.
_INITIALS = 4.0
#: What is added if the query is the whole name, or begins or resembles it.
_WHOLE_NAME, _CORE_NAME, _NAME_START, _NAME_RESEMBLED = 1000.0, 500.0, 50.0, 100.0
#: Names of most extensions have these parts, so that people leave them out.
_CORE = re.compile('^slicer|(?:extension|slicer)$')
_MARKUP = re.compile('<[^>]{0,500}>')
_PART = re.compile(r'[^\W_]+')
#: Parts of a name: digits, an abbreviation, or letters that begin with a capital.
_CASED = re.compile(r'[0-9]+[A-Z]*(?![a-z])|[A-Z]{2,}s?(?=[A-Z][a-z]|[0-9]|$)|[A-Z]?[^\WA-Z0-9_]+|[A-Z]+')
_SUFFIX = re.compile('(?:ations?|ators?|ings?|ions?|ers?|ors?|ed|es|s)$')
_STEM = 4
#: The shortest word that may be at the end of another one, or anywhere in it; and the lengths of words that may have
#: one or two typing errors.
_AT_END, _INSIDE, _ONE_ERROR, _TWO_ERRORS = 3, 4, 4, 8
#: What a word that is inside of others counts if there are words that begin with it: less in a name than such a word in
#: a description.
_INNER = 0.15
#: What a synonym counts, compared with the word itself.
_SYNONYM = 0.6
#: How many first letters a suggested word shares with what was typed, by the number of errors.
_SAME_START = {1: 1, 2: 3}
#: The share of the letters that must agree if a query resembles a whole name.
_RESEMBLING = 0.8
#: The letters that two words of one family begin with, at least, and their share of the shorter word; and the share of
#: the longer word that the shorter one exceeds.
_COMMON, _COMMON_SHARE, _SIMILAR_LENGTH = 5, 0.75, 0.6
#: Words that do not matter beside others.
_STOP_WORDS = frozenset((
    'a', 'an', 'and', 'as', 'at', 'by', 'do', 'for', 'from', 'how', 'i', 'in', 'into', 'is', 'it', 'my', 'of', 'on',
    'or', 'the', 'to', 'what', 'with'))
#: A letter that sorts after all others.
_AFTER_ALL = '\U0010ffff'
#: The share of the words that must match, and the share of the best score that others must have if some do not match.
_MATCHED, _LEAST = 0.4, 0.2


def words(text: str, *, is_name: bool = False) -> set[str]:
    """The words of ``text``; of a name also its parts."""
    found = {plain(one) for one in _PART.findall(text)}
    if is_name:
        found |= {plain(one) for one in _CASED.findall(text)}
        found.add(joined(text))
    return found - {''}


def joined(text: str) -> str:
    """``text`` without case, accents, spaces and punctuation."""
    return ''.join(_PART.findall(plain(text)))


@lru_cache(8192)
def _stem(word: str) -> str:
    stem = _SUFFIX.sub('', word)
    return stem if len(stem) >= _STEM else word


def _quality(asked: str, word: str) -> float:
    """How well ``word`` matches what was asked for, apart from typing errors and parts of words: from 0 to 1."""
    if asked == word:
        return 1.0
    if _stem(asked) == _stem(word):
        return 0.9
    if word.startswith(asked):
        return 0.5 + 0.3 * len(asked) / len(word)
    return 0.4 if _is_related(asked, word) else 0.0


def _inner_quality(asked: str, word: str) -> float:
    """How well ``word`` matches what was asked for, which is inside of it; best at its end, as in compounds."""
    if len(asked) >= _AT_END and word.endswith(asked):
        return 0.5 + 0.1 * len(asked) / len(word)
    return 0.3 + 0.2 * len(asked) / len(word) if len(asked) >= _INSIDE and asked in word else 0.0


def _is_related(one: str, other: str) -> bool:
    """Whether two words begin alike, such as ``simulate`` and ``simulation``."""
    shorter, longer = sorted((len(one), len(other)))
    if one[:_COMMON] != other[:_COMMON] or shorter <= _SIMILAR_LENGTH * longer:
        return False
    common = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), shorter)
    return common >= max(_COMMON, _COMMON_SHARE * shorter)


def _errors(word: str) -> int:
    return (len(word) >= _ONE_ERROR) + (len(word) >= _TWO_ERRORS)


def initials(name: str) -> list[str]:
    """The initials of the parts of a name, if it has several."""
    parts = [part for one in _CASED.findall(name) if (part := plain(one)) not in ('slicer', 'extension')]
    return [''.join(part[0] for part in parts)] if len(parts) > 1 else []


class _Match(NamedTuple):
    """The scores of the documents that match a word, by place, and how rare the word is."""

    scores: dict[int, float]
    rarity: float


class _Name(NamedTuple):
    """A name without case and punctuation, and without what most names have in common."""

    whole: str
    core: str


class Index:
    """What a search goes through.

    :param documents: the metadata of the extensions, in the order of those that are equally relevant.
    """

    def __init__(self, documents: Sequence[Mapping[str, object]]) -> None:
        self._number = len(documents)
        self._names: list[_Name] = []
        #: The names, by what :func:`joined` makes of them.
        self._named: dict[str, str] = {}
        #: The weight of the best field, by word and by the place of the document.
        self._weights: defaultdict[str, dict[int, float]] = defaultdict(dict)
        for place, meta in enumerate(documents):
            name = str(meta.get('baseName', ''))
            whole = joined(name)
            self._names.append(_Name(whole, _CORE.sub('', whole) or whole))
            self._named[whole] = name
            for field, weight in FIELDS.items():
                text = html.unescape(_MARKUP.sub(' ', str(meta.get(field) or '')))
                self._add(place, words(text, is_name=field == 'baseName'), weight)
            self._add(place, initials(name), _INITIALS)
        self._vocabulary = sorted(self._weights)
        self._stems = list(map(_stem, self._vocabulary))

    def _add(self, place: int, words: Iterable[str], weight: float) -> None:
        for word in words:
            weights = self._weights[word]
            weights[place] = max(weights.get(place, 0.0), weight)

    def ranked(self, query: str) -> list[int]:
        """The places of the documents that match ``query``, the most relevant first."""
        asked = dict.fromkeys(plain(one) for one in _PART.findall(query))
        matches = [self._matches(word) for word in [one for one in asked if one not in _STOP_WORDS] or asked]
        scores = self._of_names(joined(query))
        for place in {place for found in matches for place in found.scores}:
            share = self._share(place, matches)
            if share >= _MATCHED:
                score = sum(found.scores.get(place, 0.0) for found in matches)
                scores[place] = scores.get(place, 0.0) + score * share ** 2
        least = _LEAST * max(scores.values(), default=0.0)
        return sorted((place for place, score in scores.items() if score >= least or self._share(place, matches) == 1),
                      key=lambda place: (-scores[place], place))

    def suggestion(self, query: str) -> str:
        """``query`` with the closest known words in place of those that occur nowhere; empty without such words."""
        asked = _PART.findall(query)
        known = {one: self._closest(plain(one)) for one in asked}
        if not any(known.values()):
            return ''
        name = self._closest(joined(query), self._named) if len(asked) > 1 else None
        words = [name] if name else [known[one] or one for one in asked]
        return ' '.join(self._named.get(one, one) for one in words)

    def _closest(self, asked: str, among: Collection[str] | None = None) -> str | None:
        """The word that ``asked`` was probably meant to be; ``None`` if it occurs, or if no word is close to it."""
        choices = self._vocabulary if among is None else list(among)
        stem = _stem(asked)
        if asked in _STOP_WORDS or asked in SYNONYMS or len(asked) < _ONE_ERROR or any(
                asked in one or stem == _stem(one) for one in choices):
            return None
        close = process.extract(asked, choices, scorer=OSA.distance, score_cutoff=_errors(asked), limit=None)
        # People seldom mistype the beginning. Other words that are as close mean something else.
        meant = [one for one in close if one[0].startswith(asked[:_SAME_START[int(one[1])]])]
        return min(meant, key=lambda one: (one[1], -len(self._weights[one[0]]), one[0]), default=(None,))[0]

    @staticmethod
    def _share(place: int, matches: Sequence[_Match]) -> float:
        """The share of the words that a document matches; rare words count more."""
        total = sum(found.rarity for found in matches)
        return sum(found.rarity for found in matches if place in found.scores) / total

    def _matches(self, asked: str) -> _Match:
        """The documents that match the word ``asked``."""
        found = self._scores(self._similar(asked))
        for place, score in self._synonyms(asked):
            found[place] = max(found.get(place, 0.0), score)
        # A word that no extension has is as unimportant as one that all have.
        rarity = math.log(1 + self._number / len(found)) if found else math.log(2)
        return _Match({place: score * rarity for place, score in found.items()}, rarity)

    def _scores(self, similar: Iterable[tuple[str, float]]) -> dict[int, float]:
        """The best score of each document, by place, from the words that match, each with its quality."""
        found: dict[int, float] = {}
        for word, quality in similar:
            for place, weight in self._weights[word].items():
                found[place] = max(found.get(place, 0.0), quality * weight)
        return found

    def _synonyms(self, asked: str) -> Iterator[tuple[int, float]]:
        """The documents that have all words of a synonym of ``asked``, by place, with their scores."""
        for term in SYNONYMS.get(asked, ()):
            scores = [self._scores(self._alike(word).items()) for word in term]
            for place in set.intersection(*map(set, scores)):
                yield place, _SYNONYM * min(one[place] for one in scores)

    def _alike(self, asked: str) -> dict[str, float]:
        """The words that match ``asked`` from their beginning, each with its quality."""
        start = asked[:min(_COMMON, len(_stem(asked)))]
        first, last = (bisect_left(self._vocabulary, one) for one in (start, start + _AFTER_ALL))
        return {word: quality for word in self._vocabulary[first:last] if (quality := _quality(asked, word))}

    def _similar(self, asked: str) -> list[tuple[str, float]]:
        """The words that match ``asked``, each with its quality.

        Typing errors count only if no word begins with it, and it is no term of medicine or imaging.
        """
        found = self._alike(asked)
        begins = any(word.startswith(_stem(asked)) for word in found)
        inner = {word: quality * (_INNER if begins else 1) for word in self._vocabulary
                 if word not in found and (quality := _inner_quality(asked, word))}
        limit = 0 if begins or asked in SYNONYMS else _errors(asked)
        return [*found.items(), *inner.items(), *(self._mistyped(asked, limit) if limit else ())]

    def _mistyped(self, asked: str, limit: int) -> Iterator[tuple[str, float]]:
        """The words, and those with the stems, from which ``asked`` differs by up to ``limit`` typing errors."""
        for choices, best in ((self._vocabulary, 0.6), (self._stems, 0.55)):
            for word, distance, place in process.extract(
                    asked, choices, scorer=OSA.distance, score_cutoff=limit, limit=None):
                # People seldom mistype the beginning.
                if distance == 1 or (distance and word[0] == asked[0]):
                    yield self._vocabulary[place], best - 0.1 * distance

    def _of_names(self, asked: str) -> dict[int, float]:
        """What the documents gain whose name is like the whole query, by place."""
        found = {place: gain for place, name in enumerate(self._names) if (gain := _gain(asked, name))}
        if found or _errors(asked) == 0:
            return found
        return {place: _NAME_RESEMBLED * alike for place, name in enumerate(self._names)
                if (alike := max(OSA.normalized_similarity(asked, one, score_cutoff=_RESEMBLING) for one in name))}


def _gain(asked: str, name: _Name) -> float:
    if not asked:
        return 0.0
    if asked == name.whole:
        return _WHOLE_NAME
    if asked == name.core:
        return _CORE_NAME
    longer = next((one for one in name if one.startswith(asked)), '')
    return _NAME_START * len(asked) / len(longer) if longer else 0.0

