"""Packages that were here before an import, in another release or draft than the one that MIDAS names.

The same bytes are not imported again: what MIDAS has is placed in the folder of the package here. There it is found to
be the same one, so its addresses lead to that. No release gets a package a second time, and none is made without any.
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.midas.plan import Entry
from slicer_package_manager.migration.midas.rules.files import Bitstream
from slicer_package_manager.migration.rules import texts
from slicer_package_manager.registry.midas import aliases
from slicer_package_manager.registry.midas.numbers import Kind
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import keys, registration

_KEPT = {'folderId': 1, 'size': 1, 'spm': 1, 'meta.sha512': 1}


class Present:
    """The packages of the application ``app_id`` that no import has made.

    :param sha512: returns the SHA-512 of a file of MIDAS, ``None`` if it cannot be read.
    """

    def __init__(self, here: AnyDatabase, app_id: Any, sha512: Callable[[Bitstream], str | None]) -> None:
        self._sha512 = sha512
        self._found: dict[tuple[str, str], list[Document]] = defaultdict(list)
        self._same: dict[tuple[int, Any], bool] = {}
        for item in here['item'].find({keys.APP: app_id, keys.IDENTITY: {'$exists': True},
                                       keys.MIDAS: {'$exists': False}}, _KEPT):
            self._found[item['spm']['kind'], item['spm']['identity']].append(item)

    def folder_of(self, entry: Entry, channel: Any) -> Any:
        """Return the folder of the package with the identity and the bytes of ``entry``.

        :returns: ``None`` if there is none, or if it is in the release or draft ``channel``.
        """
        file = entry.file
        if not self._found or file is None or file.is_link:
            return None
        meta, package_type = entry.metadata, EXTENSION if entry.kind is Kind.EXTENSION else PACKAGE
        identity = registration.identity(package_type, {
            **meta, 'os': texts.system(meta['os']), 'arch': texts.architecture(meta['arch'])})
        found = (one for one in self._found.get((package_type.label, identity), ())
                 if one['spm']['channel'] != channel and self._is_same(file, one))
        return next((one['folderId'] for one in found), None)

    def _is_same(self, file: Bitstream, item: Document) -> bool:
        key = file.id, item['_id']
        if key not in self._same:
            alias = aliases.find(Kind.BITSTREAM, str(file.id))
            is_recorded = alias is not None and item['_id'] in alias.targets  # so that no bytes are read again
            self._same[key] = is_recorded or (item['size'] == file.size
                                              and self._sha512(file) == item['meta'].get('sha512'))
        return self._same[key]
