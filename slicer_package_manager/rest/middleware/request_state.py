"""The state that this plugin keeps for one request, in one attribute of CherryPy's request: ``spm``.

Girder and CherryPy have attributes of their own there; only this module adds another.
"""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import cherrypy
from dogpile.cache.backends.null import NullLock
from dogpile.cache.proxy import ProxyBackend
from girder.api.rest import requestCache

from slicer_package_manager.registry.server import anonymous_access
from slicer_package_manager.registry.tree.types import Build, PackageItem

_ATTRIBUTE = 'spm'


@dataclass
class RequestState:
    """What the plugin remembers while it serves one request."""

    #: Sent as ``X-Request-ID`` and written to every log line; ``None`` until the request begins.
    id: str | None = None
    #: When the request began, in seconds of :func:`time.perf_counter`.
    started: float = field(default_factory=time.perf_counter)
    #: CherryPy's handler of the request, before CherryPy's tools wrap it. The route is derived from it.
    handler: Any = None
    #: The data version and whether anonymous access is disabled, as the database returned them; ``None`` until read.
    data: anonymous_access.State | None = None
    #: Whether the metrics count the request as running.
    is_measured: bool = False
    #: What the request is about to change, as the audit log names it, read before it changes.
    audit_subject: dict[str, Any] | None = None
    #: The name of the parameter that cannot be used; the body of the error names it as ``field``.
    wrong_parameter: str | None = None
    #: What the client announces about the file that it uploads, such as its checksum.
    announced: dict[str, Any] = field(default_factory=dict)
    #: The run of a CI service whose token allows the request, as its publisher.
    build: Build | None = None
    #: Whether all that request the same without being a user get the same response, until the data changes.
    is_public: bool = False
    #: Whether the response is the file of a package, whose download is counted while it is sent.
    is_package_sent: bool = False
    #: Packages in the archive that is sent; ``None`` if the response is no archive.
    archived_packages: list[PackageItem] | None = None
    #: The values of the settings that are read together; ``None`` until the first of them is read.
    settings: dict[str, Any] | None = None


#: The state of a context that serves requests without CherryPy.
_kept: ContextVar[RequestState | None] = ContextVar('kept', default=None)


def current() -> RequestState:
    """Return the state of the request that this thread serves; outside of requests, a new one that is not stored."""
    request = cherrypy.serving.request
    if request.app is None:
        return _kept.get() or RequestState()
    if not hasattr(request, _ATTRIBUTE):
        request.spm = RequestState()
    state: RequestState = request.spm
    return state


@contextmanager
def kept() -> Iterator[None]:
    """Have one state in this context, also outside of CherryPy's requests."""
    token = _kept.set(RequestState())
    try:
        yield
    finally:
        _kept.reset(token)


class _WithoutLocks(ProxyBackend):
    """A cache of one request, which one thread uses. By default, all threads would take turns to read their tokens."""

    def get_mutex(self, key: str) -> Any:  # noqa: ARG002 - dogpile's signature
        """Return a lock that locks nothing."""
        return NullLock()


def cache_tokens() -> None:
    """Switch on Girder's cache of requests, so that it reads the token of a request once. Idempotent."""
    requestCache.configure('cherrypy_request', replace_existing_backend=True, wrap=[_WithoutLocks])
