"""What is left to do before the answer to the current request goes out."""
from __future__ import annotations

from collections.abc import Callable

import cherrypy

from slicer_package_manager.rest.middleware import request_state

#: Where CherryPy is in a request before it makes the answer final.
_EARLY = frozenset({'process_headers', 'get_resource', 'on_start_resource', 'process_query_string',
                    'before_request_body', 'process_request_body', 'before_handler', 'handler'})


def before_answer(function: Callable[[], None]) -> bool:
    """Call ``function`` once before the answer goes out, however often it is given here.

    :returns: ``False`` if there is no request, or its answer is on the way already.
    """
    request = cherrypy.serving.request
    if request.stage not in _EARLY:
        return False
    waiting = request_state.current().before_response
    if function not in waiting:
        waiting.add(function)
        request.hooks.attach('before_finalize', function, failsafe=True)
    return True
