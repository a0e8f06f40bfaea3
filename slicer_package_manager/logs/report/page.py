"""The page of a report: one file of HTML that loads nothing, and runs no script."""
from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from slicer_package_manager.logs.report.daily_files import Span
from slicer_package_manager.logs.report.images import Images
from slicer_package_manager.logs.report.sections import Section
from slicer_package_manager.logs.rules.labels import printable

#: Every value in the template is escaped, and a value that is missing is an error.
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent / 'templates'), autoescape=True,
                         undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False)
_NONE = '\N{EN DASH}'


class Part(NamedTuple):
    """A section with its files."""

    section: Section
    images: Images | None
    csv: str


class About(NamedTuple):
    """What a report states of the daily files.

    :param missing: days of the period without daily files.
    :param open: days whose numbers may still change.
    :param notice: the text that the database of countries requires.
    """

    period: Span
    totals: Mapping[str, int]
    missing: Sequence[date]
    open: Sequence[date]
    notice: str


def page(about: About, parts: Iterable[Part]) -> str:
    """Return the page."""
    return _TEMPLATES.get_template('report.html').render(
        about=about, parts=list(parts), missing=ranges(about.missing), open=ranges(about.open))


def ranges(days: Sequence[date]) -> str:
    """Return ``days``, which are in their order, as text: ``2026-11-01, 2026-11-05 to 2026-11-09``."""
    found: list[list[date]] = []
    for day in days:
        if found and found[-1][-1] + timedelta(days=1) == day:
            found[-1][1:] = [day]
        else:
            found.append([day])
    return ', '.join(' to '.join(map(str, one)) for one in found)


def _cell(value: Any, shown: Any = None) -> str:
    if value is None:
        return _NONE
    if isinstance(value, int):
        return f'{value:,}'
    return printable(shown(value) if shown else str(value))


def _svg(text: str) -> str:
    """Return the address of a picture that is ``text``, without what ends an address in ``srcset``.

    Unlike base64, it compresses well.
    """
    return f'data:image/svg+xml,{quote(text, safe="=:/;()!*@")}'


def _base64(content: str | bytes, kind: str) -> str:
    data = content.encode() if isinstance(content, str) else content
    return f'data:{kind};base64,{base64.b64encode(data).decode()}'


_TEMPLATES.filters.update(cell=_cell, svg=_svg, base64=_base64)
