"""Feeds in the formats Atom (RFC 4287) and JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/): pure functions."""
from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import orjson

_ATOM = 'http://www.w3.org/2005/Atom'
#: Characters that XML 1.0 has no way to write (section 2.2).
_NOT_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
_JSON_FEED = 'https://jsonfeed.org/version/1.1'


class Entry(NamedTuple):
    """An entry of a feed.

    :param id: a URI that never changes, also if the server gets another name.
    :param url: of a page for people.
    :param content: HTML that is safe in a page.
    """

    id: str
    title: str
    url: str
    published: datetime
    updated: datetime
    content: str
    authors: Sequence[str] = ()
    tags: Sequence[str] = ()


class Feed(NamedTuple):
    """A feed.

    :param id: a URI that never changes.
    :param author: of the entries that name none.
    :param url: its address without the format, such as ``https://example.org/feeds/new``, and its query.
    :param home: URL of a page for people.
    :param updated: when the last of its entries changed.
    """

    id: str
    title: str
    author: str
    url: tuple[str, str]
    home: str
    updated: datetime
    entries: Sequence[Entry]

    def address(self, extension: str) -> str:
        """Return the URL of the feed in the format ``extension``."""
        path, query = self.url
        return f'{path}.{extension}{query}'


class Format(NamedTuple):
    """A format: its media type, and the function that writes a feed."""

    media_type: str
    write: Callable[[Feed], bytes]


def identifier(*parts: str) -> str:
    """Return a URI that depends on ``parts`` only: the id of the application first, then what is identified."""
    return uuid.uuid5(uuid.NAMESPACE_OID, '\n'.join(parts)).urn


def atom(feed: Feed) -> bytes:
    """Write ``feed`` as Atom."""
    root = ET.Element('feed', xmlns=_ATOM)
    _texts(root, id=feed.id, title=feed.title, updated=_moment(feed.updated))
    _texts(ET.SubElement(root, 'author'), name=feed.author)
    ET.SubElement(root, 'link', rel='self', type='application/atom+xml', href=feed.address('atom'))
    ET.SubElement(root, 'link', rel='alternate', type='text/html', href=feed.home)
    for entry in feed.entries:
        _add_atom_entry(ET.SubElement(root, 'entry'), entry)
    written: bytes = ET.tostring(root, encoding='utf-8', xml_declaration=True)
    return written


def _add_atom_entry(element: ET.Element, entry: Entry) -> None:
    _texts(element, id=entry.id, title=entry.title, published=_moment(entry.published), updated=_moment(entry.updated))
    ET.SubElement(element, 'link', rel='alternate', type='text/html', href=entry.url)
    for name in entry.authors:
        _texts(ET.SubElement(element, 'author'), name=name)
    for tag in entry.tags:
        ET.SubElement(element, 'category', term=_NOT_XML.sub('', tag))
    ET.SubElement(element, 'content', type='html').text = _NOT_XML.sub('', entry.content)


def _texts(element: ET.Element, **texts: str) -> None:
    for name, text in texts.items():
        ET.SubElement(element, name).text = _NOT_XML.sub('', text)


def json_feed(feed: Feed) -> bytes:
    """Write ``feed`` as JSON Feed."""
    return orjson.dumps({
        'version': _JSON_FEED, 'title': feed.title, 'home_page_url': feed.home, 'feed_url': feed.address('json'),
        'authors': [{'name': feed.author}], 'items': [_json_entry(entry) for entry in feed.entries]})


def _json_entry(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {
        'id': entry.id, 'url': entry.url, 'title': entry.title, 'content_html': entry.content,
        'date_published': _moment(entry.published), 'date_modified': _moment(entry.updated)}
    if entry.authors:
        found['authors'] = [{'name': name} for name in entry.authors]
    if entry.tags:
        found['tags'] = list(entry.tags)
    return found


def _moment(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 has it, in UTC; a moment without a zone is in UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).isoformat(timespec='seconds').replace('+00:00', 'Z')


#: The formats by the extension of the address.
FORMATS = {'atom': Format('application/atom+xml;charset=utf-8', atom),
           'json': Format('application/feed+json;charset=utf-8', json_feed)}
