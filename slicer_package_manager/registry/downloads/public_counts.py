"""The counts that everyone may see, of all applications."""
from __future__ import annotations

from collections.abc import Iterator

from girder.models.folder import Folder

from slicer_package_manager.registry.downloads import sealing, statistics
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.access import folder_clause
from slicer_package_manager.registry.tree.registration import APPLICATION


def by_day() -> Iterator[Document]:
    """Yield the rows of all applications by day, see :func:`statistics.rows`."""
    for app in Folder().find({keys.ROLE: APPLICATION, **folder_clause(None)}):
        yield from statistics.rows(app, statistics.Question(), 0, 0, *sealing.visible_counts(app, None)).documents
