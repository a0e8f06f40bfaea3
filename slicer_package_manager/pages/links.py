"""Links from one place of the catalog to others, as templates make them; ``place.js`` has the same rule."""
from __future__ import annotations

from slicer_package_manager.pages import html
from slicer_package_manager.pages.addresses import Place

_OF_QUERY = ('app', 'q', 'tier', 'sort')


class Links:
    """Makes URLs of other places, relative to the current page.

    :param others: what the query of an address has besides the place: ``app``, ``q``, ``tier`` and ``sort``.
    """

    def __init__(self, place: Place, others: dict[str, str]) -> None:
        self._place, self._others = place, {key: others.get(key, '') for key in _OF_QUERY}

    def __call__(self, **changes: str) -> str:
        """The URL of the place with these parts or parameters in place of its own."""
        others = {key: changes.pop(key, value) for key, value in self._others.items()}
        place = self._place._replace(**changes)
        return html.root() + place.address({key: value for key, value in others.items() if value})
