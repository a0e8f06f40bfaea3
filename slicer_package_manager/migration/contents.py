"""The bytes of files: from the assetstores of the source into that of this server, see :mod:`target_store`."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer_package_manager.migration import target_store
from slicer_package_manager.migration.errors import LostBytesError
from slicer_package_manager.migration.references import PLACE
from slicer_package_manager.migration.source_stores import Bucket, Directory, Reader
from slicer_package_manager.progress import Advance
from slicer_package_manager.registry.schema.invariants import Bytes, Violation, bytes_violation
from slicer_package_manager.registry.schema.types import Document

_WRONG = {Violation.BYTES_MISSING: 'its bytes are missing', Violation.BYTES_OF_OTHER_SIZE: 'it has another size',
          Violation.BYTES_CHANGED: 'its bytes have another SHA-512'}


class Contents:
    """Takes the bytes of files into the assetstore ``target``.

    :param sources: the assetstores of the source, by id.
    :param target: the document of an assetstore.
    :param stay: leave files where this server can read them, since it uses the assetstores of the source.
    :param keep_objects: leave files in object storage where they are; this server gets the assetstore, too.
    """

    def __init__(self, sources: Mapping[Any, Reader], target: Document, *, stay: bool = False,
                 keep_objects: bool = False) -> None:
        self._sources, self._target_id, self._target = sources, target['_id'], target_store.of(target)
        self._staying = (*((Directory, Bucket) if stay else ()), *((Bucket,) if keep_objects else ()))

    def copied(self) -> list[Any]:
        """The ids of the assetstores of the source whose files take room here."""
        return [identifier for identifier, source in self._sources.items()
                if not isinstance(source, self._staying) and self._target.copied(source)]

    def sized(self, file: Document) -> Document:
        """``file`` with its size, which is that of its bytes if it states none."""
        source = self._sources.get(file.get('assetstoreId'))
        return {**file, 'size': (source and source.size(file)) or 0} if file.get('size') is None else file

    def take(self, file: Document, advance: Advance, *, dry: bool = False) -> Document | None:
        """Store the bytes of ``file`` here, and return their place, as fields of its document.

        :param dry: only look whether they are there, and as many as the source states.
        :returns: ``None`` if they stay where they are, and their SHA-512 is stated.
        :raises LostBytesError: they are not, or others.
        """
        source = self._sources.get(file.get('assetstoreId'))
        if source is None:
            raise LostBytesError('its assetstore does not exist')
        _require(file, source.size(file))
        stays = isinstance(source, self._staying) and not _is_outside(file, source)
        if dry or (stays and file.get('sha512')):
            advance(file['size'])
            return None
        if stays:
            place = {key: file[key] for key in PLACE if key in file}
            return {**place, 'sha512': target_store.digest(file, source, advance)}
        there = self._target.find(file) if file.get('sha512') else None
        if there:
            advance(file['size'])
            return there
        return self._target.store(file, source, advance, lambda size, sha512: _require(file, size, sha512))

    def has(self, file: Mapping[str, Any]) -> bool:
        """Whether the bytes of ``file``, a document of this server, are here, as far as one can see without reading."""
        if file.get('assetstoreId') == self._target_id:
            return self._target.has(file)
        source = self._sources.get(file.get('assetstoreId'))
        if isinstance(source, self._staying):
            return bool(source.size(file) == file['size'])
        return bool(file.get('assetstoreId')) and source is None


def _require(file: Document, size: int | None, sha512: str | None = None) -> None:
    stated = Bytes(file.get('size'), file.get('sha512'))
    wrong = bytes_violation(stated, None if size is None else Bytes(size, sha512))
    if wrong:
        raise LostBytesError(_WRONG[wrong])


def _is_outside(file: Mapping[str, Any], source: Reader) -> bool:
    """Whether ``file`` was imported from elsewhere, by an absolute path."""
    return isinstance(source, Directory) and bool(file.get('imported'))
