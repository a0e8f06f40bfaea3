"""Whether the registry may write: not before the indexes exist that keep identities unique."""
from __future__ import annotations

from slicer_package_manager.registry.schema.errors import Unavailable

BUILDING = 'building indexes'
#: ``Retry-After`` of a refused write, in seconds.
_RETRY_AFTER = 5


class _State:
    """Why this process does not write now; ``None`` if it does."""

    obstacle: str | None = None


def refuse(reason: str = BUILDING) -> None:
    """Take nothing from now on."""
    _State.obstacle = reason


def allow() -> None:
    """Take everything from now on."""
    _State.obstacle = None


def obstacle() -> str | None:
    """Why nothing is taken; ``None`` if it is."""
    return _State.obstacle


def require() -> None:
    """Check that the registry may write.

    :raises Unavailable: it may not.
    """
    if _State.obstacle is not None:
        why = ('its indexes are being built' if _State.obstacle == BUILDING else
               'its database could not be prepared; see the log of the server and its health')
        raise Unavailable(f'The server does not accept writes now: {why}. Try again later.', _RETRY_AFTER)
