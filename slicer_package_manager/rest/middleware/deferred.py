"""Run functions before the response of the current request is sent."""
from __future__ import annotations

from collections.abc import Callable

import cherrypy

from slicer_package_manager.rest.middleware import request_state

#: Stages of a request in which CherryPy has not yet made the response final.
_EARLY = frozenset({'process_headers', 'get_resource', 'on_start_resource', 'process_query_string',
                    'before_request_body', 'process_request_body', 'before_handler', 'handler'})


def before_response(function: Callable[[], None]) -> bool:
    """Call ``function`` once before the response is sent, however often this is requested.

    :returns: ``False`` if there is no request, or its response is being sent already.
    """
    request = cherrypy.serving.request
    if request.stage not in _EARLY:
        return False
    functions = request_state.current().before_response
    if function not in functions:
        functions.add(function)
        request.hooks.attach('before_finalize', function, failsafe=True)
    return True
