"""Functions that run before the response is sent."""
import cherrypy
import pytest

from slicer_package_manager.rest.middleware import deferred


@pytest.fixture
def request_at():
    def start(stage):
        request = cherrypy._cprequest.Request(None, None)
        request.hooks = cherrypy._cprequest.Request.hooks.copy()
        request.stage = stage
        request.app = cherrypy.Application(None)
        cherrypy.serving.load(request, None)
        return request
    yield start
    cherrypy.serving.clear()


def test_a_function_is_called_once(request_at):
    called = []

    def function():
        called.append(1)
    request = request_at('handler')
    assert deferred.before_response(function)
    assert deferred.before_response(function)
    request.hooks.run('before_finalize')
    assert called == [1]


@pytest.mark.parametrize('stage', [None, 'before_finalize', 'on_end_resource', 'on_end_request', 'close'])
def test_it_is_too_late_without_a_request_or_after_the_response(request_at, stage):
    request_at(stage)
    assert not deferred.before_response(print)
