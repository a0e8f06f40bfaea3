"""Whether the server can serve."""
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
    Description('Tell whether the server can serve.')
    .notes('While `indexes` is "building indexes" the server answers what only reads, and refuses to write packages, '
           'extensions, releases and applications.')
    .param('probe', 'What is asked: whether the server is ready to serve, or just whether it is alive. The latter is '
           'answered without the database.', required=False, enum=list(PROBES), default=PROBES[0])
    .errorResponse('The probe is none of these.')
    .errorResponse('The database or the assetstore is out of reach, or the database could not be prepared; the '
                   'message says which.', 503)
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
