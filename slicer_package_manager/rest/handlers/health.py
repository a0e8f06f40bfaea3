"""The health call."""
from __future__ import annotations

from girder.api.describe import Description
from girder.exceptions import RestException

import slicer_package_manager
from slicer_package_manager.registry.health import state
from slicer_package_manager.registry.server import write_gate
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.handlers.call import Response, call

PROBES = ('ready', 'live')


@call(access.CHECK_HEALTH, (
    Description('Report whether the server can serve requests.')
    .notes('While `indexes` is "building indexes", the server responds to calls that read, and refuses to write '
           'packages, extensions, releases and applications.')
    .param('probe', '"ready" checks the database and the assetstore, "live" only that the process responds.',
           required=False, enum=list(PROBES), default=PROBES[0])
    .errorResponse('The value of probe is invalid.')
    .errorResponse('The database or the assetstore is unreachable, or the indexes could not be built; the message '
                   'states which.', 503)
))
def health(probe: str) -> Response:
    if probe == 'live':
        return {'version': slicer_package_manager.__version__}
    found = state()
    broken = {key: value for key, value in found.items() if key != 'version' and value != 'ok'
              and (key, value) != ('indexes', write_gate.BUILDING)}
    if broken:
        raise RestException('Cannot serve: ' + '; '.join(f'{key}: {value or "unknown"}' for key, value
                                                         in broken.items()), code=503, extra=found)
    return found
