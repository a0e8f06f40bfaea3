"""The headers that keep what others have uploaded, and other sites, from acting in the name of those who look at it.

They go out with every answer, whoever gives it: CherryPy, Girder, the cache before them.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cherrypy._cptree import Tree

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: For all that the API answers, files above all: nothing in it runs, and it has an origin of its own.
SANDBOX = 'sandbox'
#: For pages: no other site shows one in a frame, where its visitors would press buttons that they do not see.
OWN_FRAMES = "frame-ancestors 'self'"
#: The description of the API for people, a page with scripts, below ``/api``.
_DOCUMENTATION = ('', '/', '/v1', '/v1/')


class Protected:
    """The WSGI application ``app`` with these headers; those that it sets itself stay."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, wsgi: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, as WSGI has it."""
        policy = policy_of(wsgi.get('SCRIPT_NAME', ''), wsgi.get('PATH_INFO', ''))

        def start(status: str, headers: list[tuple[str, str]],
                  exc_info: OptExcInfo | None = None, /) -> Callable[[bytes], object]:
            return start_response(status, protected(headers, policy), exc_info)
        return self.app(wsgi, start)


def policy_of(mounted_at: str, path: str) -> str:
    """The ``Content-Security-Policy`` of what is at ``path`` below ``mounted_at``, unless it has its own."""
    return SANDBOX if mounted_at.endswith('/api') and path not in _DOCUMENTATION else OWN_FRAMES


def protected(headers: list[tuple[str, str]], policy: str) -> list[tuple[str, str]]:
    """``headers`` of an answer with those that are missing, and with cookies for this site alone."""
    given = {name.lower() for name, _ in headers}
    wanted = {'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'X-Frame-Options': 'SAMEORIGIN'}
    return [*((name, _own_cookie(value) if name.lower() == 'set-cookie' else value) for name, value in headers),
            *((name, value) for name, value in wanted.items() if name.lower() not in given)]


def _own_cookie(cookie: str) -> str:
    # Lax, not Strict: links from other sites and mails to private files work for those who are logged in.
    return cookie if 'samesite=' in cookie.lower() else f'{cookie}; SameSite=Lax'


def put_before(tree: Tree) -> None:
    """Put it before all that CherryPy's ``tree`` serves, as the first."""
    for app in tree.apps.values():
        pipeline = app.wsgiapp.pipeline
        if all(name != 'spm_protected' for name, _ in pipeline):
            pipeline.insert(0, ('spm_protected', Protected))
