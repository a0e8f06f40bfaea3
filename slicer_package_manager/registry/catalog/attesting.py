"""Add an attestation to the file of a package, and read it.

1. The attestation is parsed (:mod:`schema.attestations`).
2. The SHA-256 of the file is computed from its bytes, which other uploads do not need: they are stored with their
   SHA-512. One of the subjects of the attestation must have it.
3. A transaction takes the package. If its file still has the same bytes, the attestation is stored with them
   (:mod:`tree.attestations`).
"""
from __future__ import annotations

from functools import partial
from typing import cast

from slicer_package_manager.registry.catalog import packages
from slicer_package_manager.registry.schema import attestations as forms
from slicer_package_manager.registry.schema.attestations import Attestation
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound, TooLarge
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions, write_gate
from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.storage.store import LostError
from slicer_package_manager.registry.tree import attestations, item_files
from slicer_package_manager.registry.tree.attestations import StoredAttestation
from slicer_package_manager.registry.tree.types import PackageItem, StoredFile


def attest(item: PackageItem, content: bytes) -> StoredAttestation:
    """Store the attestation ``content`` as that of the file of ``item``, in place of an earlier one.

    :raises TooLarge: it has more bytes than :data:`forms.LARGEST`.
    :raises Invalid: it is not well-formed, or about other files.
    :raises NotFound: the package has no file.
    :raises Conflict: the file is hosted elsewhere, or was replaced meanwhile.
    :raises Unavailable: the store of the file cannot be reached.
    """
    if len(content) > forms.LARGEST:
        raise TooLarge(f'The attestation has more than {forms.LARGEST} bytes.')
    file = packages.file_of(item)
    try:
        bundles = forms.parse(content)
        sha256 = _sha256(item, file)
        attestation = forms.about(sha256, bundles)
    except ValueError as error:
        raise Invalid([('attestation', f'{error}; give the Sigstore bundle that was made for "{file["name"]}"')]
                      ) from None
    write_gate.require()
    return transactions.run(partial(_store, item, file, sha256, attestation), turn=item['_id'])


def _sha256(item: PackageItem, file: StoredFile) -> str:
    known = attestations.of_file(item['_id'], file)
    if known:
        return known['sha256']
    store = stores.of_file(cast('Document', file))
    if store is None or not file.get('sha512'):
        raise Conflict(f'"{file["name"]}" is hosted elsewhere, so that the server cannot compare it with an '
                       'attestation. Publish the attestation where the file is.')
    try:
        return store.digest(cast('Document', file), 'sha256')
    except LostError:
        raise NotFound(f'The content of "{file["name"]}" is lost, or was deleted just now. Upload it again.') from None


def _store(item: PackageItem, file: StoredFile, sha256: str, attestation: Attestation) -> StoredAttestation:
    taken = item_files.take({'itemId': item['_id']})
    if taken is None:
        raise NotFound(f'"{item["name"]}" was deleted by another request.')
    if packages.file_of(taken).get('sha512') != file['sha512']:
        raise Conflict(f'"{file["name"]}" was replaced by another request. Upload it again, and its attestation '
                       'after it.')
    return attestations.put(item['_id'], file['sha512'], sha256, attestation)


def read(item: PackageItem) -> Attestation:
    """Return the attestation of the file of ``item``.

    :raises NotFound: there is none, or no file.
    """
    file = packages.file_of(item)
    found = attestations.of_file(item['_id'], file)
    if found is None:
        raise NotFound(f'There is no attestation of "{file["name"]}".')
    return Attestation(found['content'], found['media_type'])


def described(item: PackageItem, file: StoredFile) -> Document | None:
    """Return what is known of the attestation of ``file``, as JSON has it; ``None`` if there is none."""
    found = attestations.of_file(item['_id'], file)
    return found and summary(found)


def summary(found: StoredAttestation) -> Document:
    """Return what is known of an attestation, as JSON has it."""
    return {'sha256': found['sha256'], 'size': len(found['content']), 'media_type': found['media_type'],
            'created': found['created']}
