"""The header ``Slicer-Package-Warning``: what was left out of a request that succeeded. Old clients ignore it."""
from __future__ import annotations

from collections.abc import Iterable

import cherrypy
from girder import events
from girder.api.rest import setResponseHeader

from slicer_package_manager.registry.tree import upload_warnings

HEADER = 'Slicer-Package-Warning'
_LENGTH = 1000


def header_value(found: Iterable[tuple[str, str]]) -> str:
    """``found``, keys of metadata with what was left out of each, as a header may have it: short printable ASCII."""
    text = '; '.join(f'{key}: {what}' for key, what in found)
    plain = text.encode('ascii', 'backslashreplace').decode()
    plain = ''.join(one if one.isprintable() else ' ' for one in plain)
    return plain if len(plain) <= _LENGTH else plain[:_LENGTH - 3] + '...'


def answer_with_warning(event: events.Event) -> None:
    """Set the header on the answer to the request in which values were left out, if there is one."""
    if cherrypy.request.app is not None:  # what is registered in the background belongs to no request
        setResponseHeader(HEADER, header_value(event.info))


def bind() -> None:
    """Bind the handler."""
    events.bind(upload_warnings.LEFT_OUT, 'slicer_package_manager', answer_with_warning)
