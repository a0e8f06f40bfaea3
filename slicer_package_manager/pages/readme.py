"""The README on the page of an extension."""
from __future__ import annotations

from markupsafe import Markup

from slicer_package_manager.pages.origin import Published
from slicer_package_manager.registry.schema.readmes import as_html
from slicer_package_manager.registry.tree import readmes


def of(found: Published | None) -> Markup:
    """The README of an extension, as safe HTML; empty without one."""
    text = readmes.of_item(found.item) if found else ''
    if not found or not text:
        return Markup()
    meta = found.item['meta']
    made = as_html(text, str(meta.get('repository_url') or ''), str(meta.get('revision') or ''))
    return Markup(made)  # noqa: S704 - it is sanitized
