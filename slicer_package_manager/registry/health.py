"""The state of what the server needs: database, assetstore and indexes."""
from typing import Any

import pymongo
from girder.exceptions import NoAssetstoreAdapter
from girder.models.assetstore import Assetstore

import slicer_package_manager
from slicer_package_manager.registry.server import database_outage, write_gate
from slicer_package_manager.registry.storage import stores

#: How long the database may take, in seconds.
_PATIENCE = 1.5


def state() -> dict[str, Any]:
    """Return the state of each, ``ok`` or what is wrong with it, and the version of the server."""
    found = {'database': 'ok' if database_outage.answers(_PATIENCE) else 'does not answer', 'assetstore': None,
             'indexes': write_gate.obstacle() or 'ok', 'version': slicer_package_manager.__version__}
    if found['database'] == 'ok':
        found['assetstore'] = _assetstore()
    return found


def _assetstore() -> str:
    try:
        with pymongo.timeout(_PATIENCE):
            current = Assetstore().findOne({'current': True})
            wrong = current and stores.of_assetstore(current).problem()
    except pymongo.errors.PyMongoError:
        return 'unknown, as the database does not answer'
    except NoAssetstoreAdapter:
        return 'is of a type that this server does not support'
    if current is None:
        return 'there is none; create one'
    return wrong or 'ok'
