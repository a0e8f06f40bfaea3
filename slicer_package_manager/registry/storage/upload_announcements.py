"""What clients announce of an upload, so that damaged bytes never become the file of a package."""
from __future__ import annotations

import hashlib
from typing import Any

from girder.utility import _hash_state

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid


def parse(name: str | None, sha512: str | None) -> dict[str, Any]:
    """What a client announces of an upload: a new name for the file that it replaces, and the checksum of its bytes.

    :raises Invalid: one of them cannot be.
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


def announce(upload, announced: dict[str, Any]) -> None:
    """Before ``upload`` is stored: have it carry what its client has announced (see :func:`parse`)."""
    if announced:
        upload['announced'] = announced
        upload['name'] = announced.get('name', upload['name'])


def require(upload) -> None:
    """Pass if ``upload`` has the checksum that was announced, or none was.

    :raises Invalid: it has another one.
    """
    announced = upload.get('announced', {}).get('sha512')
    if announced and announced != (arrived := _digest(upload)):
        raise Invalid([('sha512', (f'the bytes of "{upload["name"]}" that have arrived have the checksum '
                                   f'{arrived[:16]}... instead of {announced[:16]}...; upload it again'))])


def _digest(upload):
    state = upload.get('sha512state')
    digest = _hash_state.restoreHex(state, 'sha512') if state else hashlib.sha512()
    return upload.get('sha512') or digest.hexdigest()
