"""Extensions as pages show them: pure rules, which the scripts in ``static/catalog`` have too.

``selection.js`` filters and sorts while the visitor types, and ``parts.js`` draws what the server has not drawn.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from slicer_package_manager.pages import license_links
from slicer_package_manager.registry.catalog.search_patterns import plain
from slicer_package_manager.registry.schema import contributors, html_sanitizer, urls
from slicer_package_manager.registry.schema.types import Document

ALL = 'All'
NO_CATEGORY = 'Uncategorized'
#: Slicer's words for tiers, on Slicer's scale: the higher, the better.
_TIERS = ((5, 'Supported by Slicer core developers'), (3, 'Community-supported'), (1, 'Experimental'))
#: The usual order of what a search finds, and that of lists without a search.
RELEVANCE, BY_NAME = 'relevance', 'name'
#: Orders of the list, with the words for them.
SORTS = {RELEVANCE: 'Best match', BY_NAME: 'By name', 'popular': 'Popular lately', 'trending': 'Trending',
         'new': 'New extensions', 'changed': 'Recently changed', 'updated': 'Last built',
         'downloads': 'Most downloaded', 'tier': 'Best supported'}
#: Lowest tiers that the filter offers.
LEVELS = {5: _TIERS[0][1], 3: f'{_TIERS[1][1]} or better'}
#: The number of colors of letters that stand for icons, see ``catalog.css``.
_HUES = 12
_LONG_REVISION = re.compile('[0-9a-fA-F]{16,}')
#: Links whose unsafe target was removed.
_NO_LINK = re.compile(r'<a(?: title="[^"]*")? rel="noopener noreferrer"(?: title="[^"]*")?>(.*?)</a>')
_GIT = re.compile(r'git://(github\.com|gitlab\.com)/')
#: Metadata that the scripts read.
_OF_SCRIPTS = ('baseName', 'os', 'arch', 'app_revision', 'revision', 'release', 'description', 'category', 'tier',
               'contributors', 'homepage', 'icon_url', 'repository_url', 'license', 'development_status', 'keywords',
               'screenshots', 'dependency', 'recommends')


class Extension:
    """An extension, made from its item; a missing text is empty."""

    def __init__(self, item: Document) -> None:
        self._item, self._meta = item, item['meta']
        self.id: str = item['_id']
        self.name = str(self._meta['baseName'])
        self.os, self.arch = str(self._meta['os']), str(self._meta['arch'])
        self.build = str(self._meta['app_revision'])
        self.category = self._text('category') or NO_CATEGORY
        self.tier = whole_number(self._meta.get('tier'))
        self.updated = str(item.get('updated') or item['created'])
        self.downloads = int(item.get('downloads') or 0)
        self.size = int(item.get('size') or 0)
        self.revision = self._text('revision')
        self.release = self._text('release')
        self.contributors = self._text('contributors')
        self.license = self._text('license')
        self.development_status = self._text('development_status')
        self.keywords = self._text('keywords')

    def _text(self, key: str) -> str:
        return str(self._meta.get(key) or '').strip()

    @property
    def for_scripts(self) -> Document:
        """What the scripts need of the item."""
        meta = {key: self._meta[key] for key in _OF_SCRIPTS if self._meta.get(key) not in (None, '')}
        return {**{key: self._item[key] for key in ('_id', 'created', 'updated', 'size', 'downloads')
                   if key in self._item}, 'meta': meta}

    @property
    def description(self) -> Markup:
        """The description with its harmless tags."""
        safe = html_sanitizer.sanitized(self._text('description'))
        return Markup(_NO_LINK.sub(r'\1', safe))  # noqa: S704 - it is sanitized

    @property
    def text(self) -> str:
        """The description without its markup, on one line."""
        return ' '.join(unescape(self.description.striptags()).split())

    @property
    def icon(self) -> str:
        """The URL of the icon; empty if there is none."""
        return web_url(self._text('icon_url'))

    @property
    def letter(self) -> str:
        """What stands for a missing icon."""
        return self.name[:1].upper()

    @property
    def hue(self) -> int:
        """The number of the color of :attr:`letter`."""
        return sum(self.name.encode('utf-16-le')[::2]) % _HUES

    @property
    def homepage(self) -> str:
        """The URL of the home page; empty if there is none."""
        return web_url(self._text('homepage'))

    @property
    def homepage_host(self) -> str:
        """The host of the home page."""
        return urlsplit(self.homepage).hostname or ''

    @property
    def sources(self) -> str:
        """The URL of the sources for browsers, at the exact revision where that is known to work."""
        return repository(self._text('repository_url'), self.revision)

    @property
    def issues(self) -> str:
        """The URL where problems are reported; empty if the host of the repository is not known to have such a page."""
        return issues(self._text('repository_url'))

    @property
    def license_url(self) -> str:
        """The URL of the license; empty if its name is not one of SPDX."""
        return license_links.url(self.license)

    @property
    def authors(self) -> list[tuple[str, str]]:
        """The contributors as texts, each with the name in it; empty for a text between names."""
        return contributors.parts(self.contributors)

    @property
    def short_revision(self) -> str:
        """The revision as people read it: the beginning of a long one."""
        return self.revision[:7] if _LONG_REVISION.fullmatch(self.revision) else self.revision[:20]

    @property
    def tier_name(self) -> str:
        """Slicer's words for the tier; empty if it is unknown."""
        return tier_name(self.tier)

    @property
    def day(self) -> str:
        """The day of the last upload, as ``2026-11-30``."""
        return self.updated[:10]

    @property
    def shown_day(self) -> str:
        """The day of the last upload for people, as ``Nov 30, 2026``."""
        moment = datetime.fromisoformat(self.updated)
        return f'{moment:%b} {moment.day}, {moment.year}'

    @property
    def screenshots(self) -> list[str]:
        """The URLs of pictures."""
        return list(filter(None, map(web_url, self._text('screenshots').split())))

    @property
    def dependencies(self) -> list[str]:
        """The names of required extensions."""
        return names(self._text('dependency'))

    @property
    def recommends(self) -> list[str]:
        """The names of recommended extensions."""
        return names(self._text('recommends'))


class Category(NamedTuple):
    """A main category with the number of extensions that are shown in it."""

    name: str
    number: int


def whole_number(value: object) -> int | None:
    """A whole number, also from a text, since other programs may have stored one; else ``None``."""
    text = str(value).strip() if isinstance(value, (int, float, str)) and not isinstance(value, bool) else ''
    return int(text) if re.fullmatch(r'-?[0-9]{1,9}', text) else None


def web_url(text: str) -> str:
    """``text`` if it is an http or https URL, else an empty text: other programs may have stored anything."""
    return text if urls.is_url(text, ('http', 'https')) else ''


def repository(url: str, revision: str) -> str:
    """The URL of a repository for browsers, at ``revision`` for hosts where that is known to work."""
    address = web_url(_GIT.sub(r'https://\1/', url))
    if not address or not revision:
        return address
    home = address.rstrip('/').removesuffix('.git')
    host = urlsplit(home).hostname
    if host == 'github.com':
        return f'{home}/tree/{quote(revision, safe="")}'
    return f'{home}/-/tree/{quote(revision, safe="")}' if host == 'gitlab.com' else address


def issues(url: str) -> str:
    """The URL of the issues of a repository, for hosts where that is known."""
    address = web_url(_GIT.sub(r'https://\1/', url)).rstrip('/').removesuffix('.git')
    host = urlsplit(address).hostname
    return f'{address}/issues' if host == 'github.com' else f'{address}/-/issues' if host == 'gitlab.com' else ''


def names(text: str) -> list[str]:
    """The names in a text, in which ``NA`` is none."""
    return [one for one in text.split() if one != 'NA']


def tier_name(tier: int | None) -> str:
    """Slicer's words for a tier. A tier between two of them promises what the lower one does, not more."""
    if tier is None:
        return ''
    return next((words for least, words in _TIERS if tier >= least), _TIERS[-1][1])


def categories(extensions: Iterable[Extension]) -> list[Category]:
    """The main categories of ``extensions`` with their numbers, by name; the text after a dot names a subcategory."""
    numbers: dict[str, int] = {}
    for one in extensions:
        main = one.category.split('.')[0]
        numbers[main] = numbers.get(main, 0) + 1
    return [Category(name, numbers[name]) for name in sorted(numbers, key=lambda one: (one == NO_CATEGORY, order(one)))]


def counted(number: int) -> str:
    """A number of extensions in words."""
    return f'{number:,} extension{"" if number == 1 else "s"}'


def in_category(extensions: Sequence[Extension], category: str) -> list[Extension]:
    """Those of a category and its subcategories."""
    return [one for one in extensions if category in (ALL, one.category) or one.category.startswith(f'{category}.')]


def at_least(extensions: Sequence[Extension], tier: int | None) -> list[Extension]:
    """Those with this tier or a better one; an unknown tier is below all others."""
    return [one for one in extensions if tier is None or (one.tier is not None and one.tier >= tier)]


def in_order(extensions: Iterable[Extension], sort: str, order_of_names: Sequence[str] = ()) -> list[Extension]:
    """``extensions`` in the order ``sort``, one of :data:`SORTS`; equal ones by name.

    Those of a search come in the order of their relevance, and stay so.

    :param order_of_names: the names of all extensions in this order, if it is one by popularity.
    """
    if sort == RELEVANCE:
        return list(extensions)
    found = sorted(extensions, key=lambda one: order(one.name))
    if order_of_names:
        places = {name: place for place, name in enumerate(order_of_names)}
        return sorted(found, key=lambda one: places.get(one.name, len(places)))
    keys: dict[str, Any] = {'updated': lambda one: one.updated, 'downloads': lambda one: one.downloads,
                            'tier': lambda one: float('-inf') if one.tier is None else one.tier}
    return sorted(found, key=keys[sort], reverse=True) if sort in keys else found


def usual_sort(q: str) -> str:
    """The order of a list if the address names none."""
    return RELEVANCE if q else BY_NAME


def marked(text: str, q: str) -> Markup:
    """``text`` with the words of the search ``q`` as ``<mark>``, in any case and with any accents."""
    words = [re.escape(one) for one in sorted(map(plain, q.split()), key=len, reverse=True)]
    spots = re.finditer('|'.join(words), _letter_by_letter(text)) if words else iter(())
    made, end = Markup(), 0
    for spot in spots:
        made += text[end:spot.start()] + Markup('<mark>{}</mark>').format(text[spot.start():spot.end()])
        end = spot.end()
    return made + text[end:]


def _letter_by_letter(text: str) -> str:
    """``text`` as :func:`plain` has it, with as many characters."""
    return text.lower() if text.isascii() else ''.join(plain(one)[:1] or one for one in text)


def order(name: str) -> list[tuple[int, int, str]]:
    """Key that sorts names as people do: in any case, without accents, and numbers as numbers."""
    return [(0, int(part), '') if part.isdecimal() else (1, 0, part)
            for part in re.findall('[0-9]+|[^0-9]+', plain(name))]


def readable_size(number: int) -> str:
    """A number of bytes for people."""
    if number < 10**6:
        return f'{max(1, round(number / 10**3)):,} kB'
    unit, power = ('MB', 10**6) if number < 10**9 else ('GB', 10**9)
    return f'{round(number / power, 1):,g} {unit}'
