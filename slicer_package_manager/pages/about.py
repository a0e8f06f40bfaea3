"""What search engines and other sites learn about a page: its title, its description, and JSON-LD (schema.org)."""
from __future__ import annotations

from typing import NamedTuple

import orjson
from markupsafe import Markup

from slicer_package_manager.registry.schema.types import Document

#: Characters that could end the element which contains the data, or begin another one, and line breaks of JavaScript.
_ESCAPES = {'<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029'}
_TABLE = str.maketrans(_ESCAPES)
#: Search engines show no more of a description.
_LONGEST = 300


class About(NamedTuple):
    """What a page is about.

    :param url: the canonical one, absolute.
    :param image: absolute URL of a picture, if there is one.
    :param data: JSON-LD, one object for each element.
    """

    title: str
    description: str
    url: str
    image: str = ''
    data: tuple[Document, ...] = ()


def as_data(value: object) -> Markup:
    """JSON for a data block in HTML, ``<script type="application/json">``, which no text in ``value`` can end."""
    return Markup(orjson.dumps(value, default=str).decode().translate(_TABLE))  # noqa: S704 - it is escaped


def short(text: str) -> str:
    """The beginning of ``text``, as long as search engines show it."""
    words = ' '.join(text.split())
    return words if len(words) <= _LONGEST else f'{words[:_LONGEST].rpartition(" ")[0] or words[:_LONGEST]}…'


def linked(data: Document) -> Document:
    """An object of JSON-LD: ``data`` without the keys that have no value."""
    return {'@context': 'https://schema.org', **{key: value for key, value in data.items() if value}}
