"""Whether the server can serve."""
import os

import pymongo
from girder.api import access
from girder.api.describe import Description, autoDescribeRoute
from girder.api.rest import boundHandler
from girder.exceptions import RestException
from girder.models import getDbConnection
from girder.models.assetstore import Assetstore

import slicer_package_manager
from slicer_package_manager.registry import writing

#: How long the database may take, in seconds.
_PATIENCE = 3


@access.public
@boundHandler
@autoDescribeRoute(
    Description('Tell whether the server can serve.')
    .notes('While `indexes` is "building indexes" the server answers what only reads, and refuses to write packages, '
           'extensions, releases and applications.')
    .errorResponse('The database or the assetstore is out of reach, or the database could not be prepared; the '
                   'message says which.', 503))
def health(self):  # noqa: ARG001 - Girder binds handlers
    state = {'database': _database(), 'assetstore': None, 'version': slicer_package_manager.__version__}
    if state['database'] == 'ok':
        state['assetstore'] = _assetstore()
    broken = {key: value for key, value in state.items() if key != 'version' and value != 'ok'}
    state['indexes'] = writing.obstacle() or 'ok'
    if state['indexes'] not in ('ok', writing.BUILDING):
        broken['indexes'] = state['indexes']
    if broken:
        raise RestException('Cannot serve: ' + '; '.join(f'{key}: {value or "unknown"}' for key, value
                                                         in broken.items()), code=503, extra=state)
    return state


def _database():
    try:
        with pymongo.timeout(_PATIENCE):
            getDbConnection().admin.command('ping')
    except pymongo.errors.PyMongoError:
        return 'does not answer'
    return 'ok'


def _assetstore():
    try:
        with pymongo.timeout(_PATIENCE):
            current = Assetstore().findOne({'current': True})
    except pymongo.errors.PyMongoError:
        return 'unknown, as the database does not answer'
    if current is None:
        return 'there is none; create one'
    root = current.get('root')
    return 'ok' if root is None or os.access(root, os.W_OK) else 'its folder cannot be written to'
