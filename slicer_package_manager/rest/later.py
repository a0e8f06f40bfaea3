"""Tells clients when to try again what is not possible now."""
import cherrypy

from slicer_package_manager.rest import tracing

_UNAVAILABLE = 503
#: In seconds, where whoever failed does not tell it.
_AFTER = 10


def _tell():
    """Before an answer is sent, be it that of a call of Girder."""
    response = cherrypy.response
    if tracing.status_of(response) == _UNAVAILABLE:
        response.headers.setdefault('Retry-After', str(_AFTER))


def start(tree) -> None:
    """Tell it with every answer of ``tree`` from now on."""
    tracing.add_hooks(tree, {'before_finalize.spm_later': _tell})
