"""The decorator by which a handler states which operation of :mod:`registry.tree.access` it carries out."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from girder.api import access as girder_access

from slicer_package_manager.registry.tree.access import Caller, Operation

_DECORATORS = {Caller.ANYONE: girder_access.public, Caller.USER: girder_access.user,
               Caller.ADMINISTRATOR: girder_access.admin}

_Handler = TypeVar('_Handler', bound=Callable[..., Any])  # Girder passes parameters by name, or an event


def permitted(operation: Operation, *, cookie: bool = False) -> Callable[[_Handler], _Handler]:
    """Let those call a handler who may call ``operation``; the levels of access are checked where documents are loaded.

    :param cookie: whether the token may come as a cookie, which is for downloads by browsers only.
    """
    decorated: Callable[[_Handler], _Handler] = _DECORATORS[operation.caller](
        scope=operation.scope, cookie=cookie)
    return decorated


def before_anyone(handler: _Handler) -> _Handler:
    """Let Girder run ``handler``, of an event before a call, for every client; the call checks access as always."""
    decorated: _Handler = girder_access.public(handler)
    return decorated
