"""Functions of libraries that are replaced by functions which call them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


def replaced(original: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls ``replacement`` with ``original`` before the other arguments.

    :returns: ``original`` itself if that is such a function already, so that no function is replaced twice.
    """
    before = getattr(original, 'replacements', ())
    if replacement in before:
        return original

    @wraps(original)
    def called(*args: object, **kwargs: object) -> Any:
        return replacement(original, *args, **kwargs)
    called.replacements = (*before, replacement)  # type: ignore[attr-defined]
    return called
