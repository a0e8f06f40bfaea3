"""READMEs in Markdown: what may be stored, and how one becomes HTML that is safe in a page. Pure functions."""
from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin

import nh3
from markdown_it import MarkdownIt

from slicer_package_manager.registry.schema import html_sanitizer, urls

#: The most bytes of a README, and its media type (RFC 7763).
LARGEST, MEDIA_TYPE = 64 * 1024, 'text/markdown'
#: What may be in HTML: text, tables, pictures and links, without styles and identifiers.
_TAGS = html_sanitizer.ALLOWED | {
    'dd', 'del', 'details', 'div', 'dl', 'dt', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'img', 'kbd', 's', 'summary',
    'table', 'tbody', 'td', 'th', 'thead', 'tr'}
_ATTRIBUTES = {'a': {'href', 'title'}, 'img': {'src', 'alt', 'title', 'width', 'height'}, 'ol': {'start'},
               'td': {'align'}, 'th': {'align'}}
_SIZES = ('width', 'height')
_GITHUB, _RAW = 'https://github.com', 'https://raw.githubusercontent.com'
_REPOSITORY = re.compile(r'(?:https?|git)://(?:www\.)?github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?')
_HEADING = re.compile(r'(</?h)([1-6])(?=>)')
#: The page has a title and a section above the headings of a README.
_BELOW, _LOWEST = 2, 6
_CONTROL_CHARACTERS = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]')
_MARKDOWN = MarkdownIt('commonmark').enable(['table', 'strikethrough'])


def cleaned(content: bytes) -> str:
    """Return the text of a README to store: without control characters, and without credentials in its URLs.

    :raises ValueError: it is no text in UTF-8.
    """
    try:
        text = content.decode('utf-8-sig')
    except UnicodeDecodeError:
        raise ValueError('must be text in UTF-8') from None
    return urls.without_credentials(_CONTROL_CHARACTERS.sub('', text.replace('\r\n', '\n').replace('\r', '\n'))).strip()


@lru_cache(256)
def as_html(text: str, repository: str, revision: str) -> str:
    """Return safe HTML of the README ``text``.

    Relative links and pictures lead to the repository at ``revision`` if it is at GitHub; elsewhere they are removed.
    Links of a README do not count for search engines, since others than the operator of the server write them.
    """
    found = _REPOSITORY.fullmatch(repository)
    at = quote(revision, safe='')
    links, pictures = ((f'{_GITHUB}/{found[1]}/blob/{at}/', f'{_RAW}/{found[1]}/{at}/')
                       if found and revision else ('', ''))

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name in _SIZES:
            return value if value.removesuffix('%').isdecimal() else None
        if name not in ('href', 'src'):
            return value
        return _resolved(value, links if tag == 'a' else pictures)
    safe = nh3.clean(_MARKDOWN.render(text), tags=_TAGS, attributes=_ATTRIBUTES, attribute_filter=attribute,
                     url_schemes={'http', 'https', 'mailto'}, link_rel='nofollow noopener noreferrer',
                     clean_content_tags={'script', 'style', 'title', 'template'})
    # No attribute has these texts: "<" is escaped there. The keyboard has to reach what scrolls sideways.
    shown = safe.replace('<img ', '<img loading="lazy" decoding="async" ').replace('<pre>', '<pre tabindex="0">')
    return _HEADING.sub(lambda one: f'{one[1]}{min(int(one[2]) + _BELOW, _LOWEST)}', shown)


def _resolved(url: str, base: str) -> str | None:
    """Return ``url`` relative to ``base``; ``None`` if it leads nowhere, or to another part of the README."""
    if urls.is_url(url, ('http', 'https')) or url.startswith('mailto:'):
        return url
    if not base or not url or url.startswith(('#', '//')) or ':' in url.partition('/')[0]:
        return None
    joined = urljoin(base, quote(unquote(url.lstrip('/')), safe="/?#=&%.~-_:@!$'()*+,;"))
    return joined if joined.startswith(base) else None
