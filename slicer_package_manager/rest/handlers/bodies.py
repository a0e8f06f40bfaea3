"""Bodies of requests that are one document, and no form."""
from __future__ import annotations

import cherrypy

from slicer_package_manager.registry.schema.errors import Invalid, LengthRequired

_FORMS = ('application/x-www-form-urlencoded', 'multipart/')


def read(largest: int, what: str, media_type: str) -> bytes:
    """Read the body of the current request; of one that is larger than ``largest`` bytes, one byte more than that.

    :param what: the word for the document, in messages.
    :param media_type: of the document, which messages name.
    :raises Invalid: the body is a form.
    :raises LengthRequired: its size is unknown; the web server has not received it then.
    """
    body = cherrypy.request.body
    if body.content_type.value.startswith(_FORMS):
        raise Invalid([(what, f'must be the body of the request, with "Content-Type: {media_type}"')])
    if body.length is None:
        raise LengthRequired(f'Send the {what} with a Content-Length, not in chunks.')
    content: bytes = body.read(largest + 1)
    return content
