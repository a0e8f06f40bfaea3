"""Passwords that bcrypt cannot take, which raises for them since version 5: refused, with a reason where one is set.

Girder answers 500 there, at a login only if the account exists, which tells a stranger that it does.
"""
from __future__ import annotations

from slicer_package_manager.registry.schema.errors import Invalid

#: More than these bytes bcrypt has never looked at.
MOST_BYTES = 72


def problem(password: str) -> str | None:
    """Why ``password`` cannot be one; ``None`` if it can, as far as bcrypt is concerned."""
    try:
        encoded = password.encode()
    except UnicodeEncodeError:
        return 'is not valid Unicode text'
    if len(encoded) > MOST_BYTES:
        return f'has {len(encoded)} bytes in UTF-8, and at most {MOST_BYTES} are possible'
    return 'must not have a NUL character' if b'\0' in encoded else None


def require(password: str) -> None:
    """Refuse a new ``password`` that bcrypt cannot take.

    :raises Invalid: it cannot.
    """
    wrong = problem(password)
    if wrong:
        raise Invalid([('password', wrong)])


class Context:
    """Stands for Girder's private ``_CryptContext``, of which it has the methods."""

    def __init__(self, original):
        self.original = original

    def verify(self, password, salt):
        """Whether ``password`` is the one of which ``salt`` was made."""
        return problem(password) is None and self.original.verify(password, salt)

    def hash(self, password):
        """What is stored of ``password``.

        :raises Invalid: it cannot be one.
        """
        require(password)
        return self.original.hash(password)
