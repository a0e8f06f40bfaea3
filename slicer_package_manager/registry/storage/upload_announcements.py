"""Announcements of clients about an upload, so that damaged bytes never become the file of a package."""
from __future__ import annotations

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.storage.store import received_digest


def parse(name: str | None, sha512: str | None) -> Document:
    """Validate what a client announces: a new name for the file that it replaces, and the checksum of the bytes.

    :raises Invalid: one of them is not valid.
    """
    found, problems = {}, []
    for key, value, rule in (('name', name, validators.file_name), ('sha512', sha512, validators.sha512)):
        try:
            found.update({key: rule(value)} if value else {})
        except ValueError as error:
            problems.append((key, str(error)))
    if problems:
        raise Invalid(problems)
    return found


def announce(upload: Document, announced: Document) -> None:
    """Add ``announced``, see :func:`parse`, to ``upload`` before it is saved."""
    if announced:
        upload['announced'] = announced
        upload['name'] = announced.get('name', upload['name'])


def require(upload: Document) -> None:
    """Check that ``upload``, which has arrived, has the announced checksum, if there is one.

    :raises Invalid: it has another one.
    """
    announced = upload.get('announced', {}).get('sha512')
    if announced and announced != (arrived := _digest(upload)):
        raise Invalid([('sha512', (f'the received bytes of "{upload["name"]}" have the checksum '
                                   f'{arrived[:16]}... instead of {announced[:16]}...; upload it again'))])


def _digest(upload: Document) -> str:
    return str(upload.get('sha512') or received_digest(upload).hexdigest())
