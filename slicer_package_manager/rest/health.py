"""Whether the server can serve."""
import pymongo
from girder.api import access
from girder.api.describe import Description, autoDescribeRoute
from girder.api.rest import boundHandler
from girder.exceptions import RestException
from girder.models import getDbConnection
from girder.models.assetstore import Assetstore

import slicer_package_manager
from slicer_package_manager.registry import disk, writing

#: How long the database may take, in seconds.
_PATIENCE = 3


PROBES = ('ready', 'live')


@access.public
@boundHandler
@autoDescribeRoute(
    Description('Tell whether the server can serve.')
    .notes('While `indexes` is "building indexes" the server answers what only reads, and refuses to write packages, '
           'extensions, releases and applications.')
    .param('probe', 'What is asked: whether the server is ready to serve, or just whether it is alive. The latter is '
           'answered without the database.', required=False, enum=list(PROBES), default=PROBES[0])
    .errorResponse('The probe is none of these.')
    .errorResponse('The database or the assetstore is out of reach, or the database could not be prepared; the '
                   'message says which.', 503))
def health(self, probe):  # noqa: ARG001 - Girder binds handlers
    if probe == 'live':
        return {'version': slicer_package_manager.__version__}
    found = state()
    broken = {key: value for key, value in found.items() if key != 'version' and value != 'ok'
              and (key, value) != ('indexes', writing.BUILDING)}
    if broken:
        raise RestException('Cannot serve: ' + '; '.join(f'{key}: {value or "unknown"}' for key, value
                                                         in broken.items()), code=503, extra=found)
    return found


def state():
    """What the server needs, each ``ok`` or what is wrong with it, and its version."""
    found = {'database': _database(), 'assetstore': None, 'indexes': writing.obstacle() or 'ok',
             'version': slicer_package_manager.__version__}
    if found['database'] == 'ok':
        found['assetstore'] = _assetstore()
    return found


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
            told = current and 'root' in current and disk.problem(current)
    except pymongo.errors.PyMongoError:
        return 'unknown, as the database does not answer'
    if current is None:
        return 'there is none; create one'
    return told or 'ok'
