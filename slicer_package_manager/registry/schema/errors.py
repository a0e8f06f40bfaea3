"""Failures of requests. The class of each states its HTTP status.

Girder turns them into responses, since they derive from its own exceptions.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from girder.exceptions import RestException, ValidationException

#: The name of a value that is invalid, and the reason.
Problem: TypeAlias = tuple[str, str]


class _WithStatus(RestException):  # type: ignore[misc]  # Girder has no types
    """A failure with the HTTP status :attr:`status`."""

    status: int

    def __init__(self, message: str) -> None:
        super().__init__(message, code=self.status)


class NotFound(_WithStatus):
    """The object does not exist, or the user may not know that it exists (404)."""

    status = 404


class Gone(_WithStatus):
    """The object was here, or on the server that this one replaced, and is not any more (410)."""

    status = 410


class Conflict(_WithStatus):
    """Another object has the same name or identity, or another process changed the object (409)."""

    status = 409


class Invalid(ValidationException):  # type: ignore[misc]  # Girder has no types
    """At least one value is invalid (400). The message lists all of ``problems``."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        message = '; '.join(f'{name}: {reason}' for name, reason in self.problems)
        super().__init__(f'Invalid values: {message}.', field=self.problems[0][0])


class Forbidden(_WithStatus):
    """The request is not allowed for any user in the current state (403)."""

    status = 403


class LengthRequired(_WithStatus):
    """The size of the body of the request is unknown (411)."""

    status = 411


class TooLarge(_WithStatus):
    """The body of the request is too large (413)."""

    status = 413


class TooManyRequests(_WithStatus):
    """The client sent too many requests (429)."""

    status = 429


class BadGateway(_WithStatus):
    """Another server, which hosts a file, fails (502)."""

    status = 502


class OffsetMismatch(_WithStatus):
    """Client and server disagree on how many bytes of an upload have arrived (400)."""

    status = 400


class InsufficientStorage(_WithStatus):
    """The storage has no room for the content (507)."""

    status = 507


class Unavailable(_WithStatus):
    """The server cannot process the request now (503).

    :param after: seconds after which the client may try again.
    """

    status = 503

    def __init__(self, message: str, after: int) -> None:
        super().__init__(message)
        self.after = after


class UnusableDatabaseError(RuntimeError):
    """This version cannot use the database; the message says why, and what to do."""
