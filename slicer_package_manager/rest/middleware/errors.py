"""Failures that CherryPy answers by itself, in Girder's JSON form."""
import cherrypy
import orjson

from slicer_package_manager.rest.middleware import request_state


class ParameterError(cherrypy.HTTPError):
    """A parameter of the request, ``name``, cannot be used (400)."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(400, message)
        self.name = name

    def set_response(self):
        """Have the body name the parameter."""
        request_state.current().wrong_parameter = self.name
        super().set_response()


def as_json(status, message, **_):
    """The body of an error that came up before a handler was reached, such as one for a huge request."""
    cherrypy.response.headers['Content-Type'] = 'application/json'
    name = request_state.current().wrong_parameter
    return orjson.dumps({'message': f'{status}: {message}', 'type': 'rest',
                         **({} if name is None else {'field': name.encode(errors='replace').decode()})})
