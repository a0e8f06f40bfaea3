"""Takes over applications that were stored before this plugin kept its registrations."""
from __future__ import annotations

import logging

from girder.exceptions import GirderBaseException
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.registry import placement
from slicer_package_manager.registry.kinds import KINDS
from slicer_package_manager.registry.registration import PACKAGES_NAME, role

logger = logging.getLogger(__name__)


def adopt() -> int:
    """Register applications that are not yet, with everything below them; returns how many there were.

    What cannot be registered is left as it is, is not listed, and is named in the log with the reason.
    """
    adopted = 0
    for packages in Folder().find({'name': PACKAGES_NAME, 'parentCollection': 'collection'}):
        unregistered = {'parentId': packages['_id'], 'parentCollection': 'folder', 'spm': {'$exists': False},
                        '$or': [{f'meta.{kind.template}': {'$exists': True}} for kind in KINDS.values()]}
        for app in list(Folder().find(unregistered)):
            if not role(packages):
                placement.register_folder(packages)
            logger.info('Registering the application "%s" (%s).', app['name'], app['_id'])
            _adopt(app)
            adopted += 1
    return adopted


def _adopt(folder):
    if not _registered(placement.register_folder, folder):
        return
    for child in Folder().find({'parentId': folder['_id'], 'parentCollection': 'folder'}):
        _adopt(child)
    for item in Item().find({'folderId': folder['_id']}):
        _registered(placement.register_item, item)


def _registered(register, document):
    try:
        register(document)
    except GirderBaseException as error:
        logger.error('"%s" (%s) is not listed: %s', document['name'], document['_id'], error)  # noqa: TRY400
        return False
    return True
