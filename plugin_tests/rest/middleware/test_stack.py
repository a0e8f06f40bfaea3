"""The order of the middleware that ``stack`` documents."""
import inspect
from pathlib import Path

import pytest

pytestmark = pytest.mark.database

#: Hooks at the beginning of a request, by the modules that the docstring of ``stack`` names in its third step.
BEGINNING = ['tracing', 'error_responses', 'request_limits']


def test_security_headers_come_first(wsgi_app):
    assert wsgi_app.apps['/api'].wsgiapp.pipeline[0][0] == 'spm_protected'


def test_hooks_run_in_the_documented_order(wsgi_app):
    hooks = [function for name, function in wsgi_app.apps['/api'].config['/'].items()
             if name.startswith('hooks.on_start_resource.spm')]
    ordered = sorted(hooks, key=lambda function: getattr(function, 'priority', 50))
    modules = [inspect.getmodule(function).__name__.rpartition('.')[2] for function in ordered]
    assert list(dict.fromkeys(modules)) == BEGINNING


def test_the_time_limit_of_a_search_is_inside_that_of_the_request(wsgi_app):
    from girder.api.rest import Resource
    places = [Path(function.__code__.co_filename).stem for function in Resource.handleRoute.replacements]
    assert places == ['text_limits', 'error_responses']
