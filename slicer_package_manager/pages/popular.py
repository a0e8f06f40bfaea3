"""The popularity of extensions, as pages list them; read once until the data changes."""
from __future__ import annotations

from slicer_package_manager.pages import page_cache
from slicer_package_manager.registry.news import popularity
from slicer_package_manager.registry.news.popularity import Popularity
from slicer_package_manager.registry.tree.types import ApplicationFolder

#: Orders of the catalog by the popularity over all builds, with those of the REST call. ``popular.js`` has them too.
ORDERS = {'popular': 'downloads', 'trending': 'trending', 'new': 'new', 'changed': 'changed'}


def of(app: ApplicationFolder) -> list[Popularity]:
    """All extensions of ``app`` that everyone may see, by name."""
    found: list[Popularity] = page_cache.value(('popularity', app['_id']), lambda: sorted(
        popularity.of_extensions(app, None, 'downloads', 0, 0).documents, key=lambda row: str(row['baseName'])))
    return found


def names(app: ApplicationFolder, sort: str) -> list[str]:
    """The names of all extensions in one of the :data:`ORDERS`; none for other orders."""
    if sort not in ORDERS:
        return []
    return [row['baseName'] for row in sorted(of(app), key=popularity.SORTS[ORDERS[sort]], reverse=True)]
