"""Refusal of passwords that bcrypt cannot hash: since version 5 it raises an exception for them.

Girder answers with 500 then. At a login it does so only if the account exists, which reveals that it does.
"""
from __future__ import annotations

from typing import Any

#: bcrypt uses no more bytes than these.
MOST_BYTES = 72


def problem(password: str) -> str | None:
    """Return why bcrypt cannot hash ``password``, ``None`` if it can."""
    try:
        encoded = password.encode()
    except UnicodeEncodeError:
        return 'is not valid Unicode text'
    if len(encoded) > MOST_BYTES:
        return f'has {len(encoded)} bytes in UTF-8, and at most {MOST_BYTES} are possible'
    return 'must not have a NUL character' if b'\0' in encoded else None


def require(password: str) -> None:
    """Check that bcrypt can hash the new ``password``.

    :raises Invalid: it cannot.
    """
    wrong = problem(password)
    if wrong:
        from slicer_package_manager.registry.schema.errors import Invalid  # noqa: PLC0415 - "serve" needs no Girder
        raise Invalid([('password', wrong)])


class Context:
    """Replacement for Girder's private ``_CryptContext``, with the same methods."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def verify(self, password: str, salt: str) -> bool:
        """Whether ``salt`` is the hash of ``password``."""
        return problem(password) is None and bool(self.original.verify(password, salt))

    def hash(self, password: str) -> str:
        """Return the hash of ``password``.

        :raises Invalid: bcrypt cannot hash it.
        """
        require(password)
        return str(self.original.hash(password))
