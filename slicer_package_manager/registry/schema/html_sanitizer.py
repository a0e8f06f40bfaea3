"""Sanitizing of descriptions: HTML that is safe in a page, without loss of text.

Authors write plain text with "<" as often as HTML. An allowed tag is kept. The tags of another HTML element are removed
if it has attributes, or both a start tag and an end tag. Any other "<" is text.
"""
from __future__ import annotations

import html
import re

import nh3

from slicer_package_manager.registry.schema import urls

ALLOWED = {'a', 'b', 'blockquote', 'br', 'code', 'em', 'i', 'li', 'ol', 'p', 'pre', 'strong', 'sub', 'sup', 'u', 'ul'}
#: Elements of the HTML standard (its index of elements and its obsolete features) and the roots of SVG and MathML.
_ELEMENTS = frozenset(re.findall('[a-z0-9]+', (
    'a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink '
    'blockquote body br button canvas caption center cite code col colgroup data datalist dd del details dfn '
    'dialog dir div dl dt em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 '
    'h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map mark marquee math '
    'menu meta meter nav nobr noframes noscript object ol optgroup option output p param picture plaintext pre '
    'progress q rp rt ruby s samp script search section select slot small source span strike strong style sub '
    'summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr '
    'xmp')))
#: Lengths are bounded, so that the time does not grow with the square of the number of tags.
#: An attribute needs a value: "<a or b>" is text.
_ATTRIBUTE = (r"""[\s/]{1,20}[a-zA-Z][\w:.-]{0,100}\s{0,20}=\s{0,20}"""
              r"""(?:"[^"]{0,4096}"|'[^']{0,4096}'|[^\s"'=<>`]{1,4096})""")
_TAG = re.compile(rf'<(?:(/?)([a-zA-Z][a-zA-Z0-9]*)((?:{_ATTRIBUTE}){{0,50}})\s{{0,20}}/?>)?')
#: Sanitizing is repeated until nothing changes, so that to save a description again does not change it.
_ROUNDS = 8
_CODE = re.compile('<(script|style)(?=[\\s/>])', re.IGNORECASE)


def sanitized(text: str) -> str:
    """Make safe HTML of ``text``, which is on one line, and remove credentials from its URLs.

    Text without "<" has no markup and stays as it is.
    """
    plain = html.unescape(text)
    if '<' not in text and urls.without_credentials(plain) == plain:
        return text
    safe = _as_markup(_without_code(text))
    for _ in range(_ROUNDS):
        cleaned = nh3.clean(safe, tags=ALLOWED, attributes={'a': {'href', 'title'}},
                            url_schemes={'http', 'https', 'mailto'}, link_rel='noopener noreferrer')
        before, safe = safe, urls.without_credentials(cleaned, markup=True)
        if safe == before:
            return safe
    # Each round nests wrongly nested tags in another way: only the text stays.
    return html.escape(html.unescape(nh3.clean(safe, tags=set())), quote=False)


def _without_code(text: str) -> str:
    """Remove scripts and style sheets. The content of all other elements is text."""
    kept, end = [], 0
    while start := _CODE.search(text, end):
        stop = re.compile(rf'</{start[1]}\s{{0,20}}>', re.IGNORECASE).search(text, start.end())
        if stop is None:
            break
        kept.append(text[end:start.start()])
        end = stop.end()
    return ''.join((*kept, text[end:]))


def _as_markup(text: str) -> str:
    """Keep the allowed tags and escape each "<" that does not begin a tag."""
    ends: dict[bool, set[str]] = {False: set(), True: set()}
    for match in _TAG.finditer(text):
        if match[2]:
            ends[bool(match[1])].add(match[2].lower())
    pairs = ends[False] & ends[True]
    return _TAG.sub(lambda match: _tag(match, pairs), text)


def _tag(match: re.Match[str], pairs: set[str]) -> str:
    end, name, attributes = match[1], (match[2] or '').lower(), match[3]
    if name in ALLOWED:
        # nh3 drops all attributes but those of links; without them its parser has less to repeat.
        return f'<{end}{name}{attributes if name == "a" else ""}>'
    if name in _ELEMENTS and (attributes or name in pairs):
        return ''
    return '&lt;' + match[0][1:]
