"""The header ``Slicer-Package-Warning``: what was left out of a request that succeeded. Older clients ignore it."""
from __future__ import annotations

from collections.abc import Sequence

import cherrypy
from girder.api.rest import setResponseHeader

HEADER = 'Slicer-Package-Warning'
#: Characters of the header.
_LENGTH = 1000


def warn(found: Sequence[tuple[str, str]]) -> None:
    """Set the header on the response to the current request, if there is one.

    :param found: what was left out, as :func:`metadata.left_out` returns it. If it is empty, there is no header.
    """
    if found and cherrypy.request.app is not None:  # background threads save items without a request
        setResponseHeader(HEADER, header_value(found))


def header_value(found: Sequence[tuple[str, str]]) -> str:
    """The keys of metadata in ``found`` and what was left out of each, as short printable ASCII."""
    text = '; '.join(f'{key}: {what}' for key, what in found)
    plain = text.encode('ascii', 'backslashreplace').decode()
    plain = ''.join(one if one.isprintable() else ' ' for one in plain)
    return plain if len(plain) <= _LENGTH else plain[:_LENGTH - 3] + '...'
