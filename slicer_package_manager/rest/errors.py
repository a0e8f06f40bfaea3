"""Failures that CherryPy answers by itself, in Girder's JSON form."""
import cherrypy
import orjson


def as_json(status, message, **_):
    """The body of an error that came up before a handler was reached, such as one for a huge request."""
    cherrypy.response.headers['Content-Type'] = 'application/json'
    return orjson.dumps({'message': f'{status}: {message}', 'type': 'rest'})
