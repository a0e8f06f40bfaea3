"""Check an uploaded file of a package before it becomes visible, by the rules of the client's command ``check``.

The setting ``slicer_package_manager.checked_applications`` names the applications whose uploads are checked. Problems
that the client reports as errors refuse the upload, and nothing of it stays; warnings do not.
"""
from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from slicer_package_manager import inspector
from slicer_package_manager.inspection import contents
from slicer_package_manager.inspection.contents import Facts
from slicer_package_manager.registry.schema.errors import Invalid, Unavailable
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE_TYPES, PackageType
from slicer_package_manager.registry.schema.invariants import REPLACEMENT_NAME
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import settings, transactions
from slicer_package_manager.registry.storage.store import RETRY_AFTER, Store
from slicer_package_manager.registry.tree.types import PackageItem

logger = logging.getLogger(__name__)

#: Required fields without which a package can be used; the client warns if they are empty.
_OPTIONAL = {'repository_type', 'repository_url', 'description'}


def require(item: PackageItem, upload: Mapping[str, Any], file: Document, store: Store) -> None:
    """Check ``file``, which ``upload`` has stored and no document refers to yet, if its application requires that.

    :raises Invalid: it has errors; the message has all of them.
    :raises Unavailable: it cannot be checked now.
    """
    if not _is_checked(item):
        return
    transactions.require_none('The check of an upload')
    package_type = PACKAGE_TYPES[item['spm']['kind']]
    found = [*contents.missing(key for key in required(package_type) if not item['meta'].get(key)),
             *_inspected(_facts(item, package_type, upload), upload, file, store)]
    errors = [one.message for one in found if one.level == contents.ERROR]
    if errors:
        reasons = ' '.join(errors).removesuffix('.')
        raise Invalid([('file', f'"{upload["name"]}" does not pass the check for this application: {reasons}')])


def _is_checked(item: PackageItem) -> bool:
    checked = settings.get(settings.CHECKED_APPLICATIONS)
    return settings.EVERY_APPLICATION in checked or str(item['spm']['app']) in checked


def required(package_type: PackageType) -> list[str]:
    """Return the metadata that must not be empty, as in the client."""
    return [one.name for one in package_type.fields if one.required and one.name not in _OPTIONAL]


def _facts(item: PackageItem, package_type: PackageType, upload: Mapping[str, Any]) -> Facts:
    # Published clients upload a replacement as "new_file", and rename it later.
    name = '' if upload['name'] == REPLACEMENT_NAME else upload['name']
    meta = item['meta']
    return Facts(package_type is EXTENSION, name, meta['baseName'], meta['os'], meta['arch'])


def _inspected(facts: Facts, upload: Mapping[str, Any], file: Document, store: Store) -> list[contents.Problem]:
    try:
        with store.opened({**file, '_id': upload['_id'], 'name': upload['name']}) as stream:
            return inspector.inspect(stream, facts)
    except OSError as error:
        logger.exception('An upload could not be checked.')
        raise Unavailable('The upload cannot be checked now; the log of the server has the reason.',
                          RETRY_AFTER) from error
