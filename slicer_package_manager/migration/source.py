"""What a migration reads the folders and items of a source from."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from slicer_package_manager.registry.schema.types import Document


class Source(Protocol):
    """Folders, items and files as documents of Girder, with the ids that they get here; references may change them."""

    def folders_below(self, folder_id: Any) -> list[Document]:
        """Return all folders below the folder ``folder_id``, each after the one that it is in."""

    def filled(self, folders: Iterable[Mapping[str, Any]]) -> set[Any]:
        """Return the ids of those of ``folders`` that have items."""

    def items_in(self, folder_ids: Iterable[Any]) -> list[Document]:
        """Return the items of these folders, the oldest first."""

    def files_of(self, items: Iterable[Mapping[str, Any]]) -> dict[Any, list[Document]]:
        """Return the files of ``items`` by the ids of these."""
