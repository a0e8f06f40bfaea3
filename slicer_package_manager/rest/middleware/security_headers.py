"""Headers that keep uploaded files and other sites from acting on behalf of a user who looks at them.

Every response has them, whether CherryPy, Girder or the response cache makes it.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cherrypy._cptree import Tree

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: For responses of the API, above all files: a browser runs no script in them, and gives them a separate origin.
SANDBOX = 'sandbox'
#: For pages: other sites cannot show one in a frame, against clickjacking.
OWN_FRAMES = "frame-ancestors 'self'"
#: The interactive documentation of the API, a page with scripts below ``/api``.
_DOCUMENTATION = ('', '/', '/v1', '/v1/')


class Protected:
    """The WSGI application ``app`` with these headers, unless it sets them itself."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, wsgi: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to a WSGI request."""
        policy = policy_of(wsgi.get('SCRIPT_NAME', ''), wsgi.get('PATH_INFO', ''))

        def start(status: str, headers: list[tuple[str, str]],
                  exc_info: OptExcInfo | None = None, /) -> Callable[[bytes], object]:
            return start_response(status, protected(headers, policy), exc_info)
        return self.app(wsgi, start)


def policy_of(mounted_at: str, path: str) -> str:
    """Return the ``Content-Security-Policy`` for ``path`` below the mount point ``mounted_at``."""
    return SANDBOX if mounted_at.endswith('/api') and path not in _DOCUMENTATION else OWN_FRAMES


def protected(headers: list[tuple[str, str]], policy: str) -> list[tuple[str, str]]:
    """Return ``headers`` with the missing ones added and cookies limited to this site."""
    present = {name.lower() for name, _ in headers}
    required = {'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'X-Frame-Options': 'SAMEORIGIN'}
    return [*((name, _own_cookie(value) if name.lower() == 'set-cookie' else value) for name, value in headers),
            *((name, value) for name, value in required.items() if name.lower() not in present)]


def _own_cookie(cookie: str) -> str:
    # Lax, not Strict: users who are logged in can follow links to private files from other sites and mails.
    return cookie if 'samesite=' in cookie.lower() else f'{cookie}; SameSite=Lax'


def put_before(tree: Tree) -> None:
    """Install the headers before all other middleware of all that ``tree`` serves. Idempotent."""
    for app in tree.apps.values():
        pipeline = app.wsgiapp.pipeline
        if all(name != 'spm_protected' for name, _ in pipeline):
            pipeline.insert(0, ('spm_protected', Protected))
