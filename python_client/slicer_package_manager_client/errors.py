"""Errors of the client, each with the exit status of the command.

``SlicerPackageManagerError`` and its subclasses::

    SlicerPackageManagerError   1   anything else: a local file cannot be read or written, ...
    +-- InvalidRequest          2   an option or a value is wrong
    +-- NotFound                3   the named object does not exist, or you may not see it
    +-- Refused                 4   credentials are missing, wrong or not sufficient
    +-- Conflict                5   another object has that name already
    +-- NetworkProblem          6   the server cannot be reached, or failed, after all retries
    +-- ChecksumMismatch        7   the bytes that arrived are not the bytes that were sent
"""
from __future__ import annotations

from slicer_package_manager_client.addresses import without_credentials

INTERRUPTED = 130


class SlicerPackageManagerError(Exception):
    """The request of the user failed.

    :param message: what is wrong with which value.
    :param server: the URL of the server.
    :param advice: what the user can do.
    """

    exit_code = 1

    def __init__(self, message: str, *, server: str | None = None, advice: str = '') -> None:
        super().__init__(message)
        self.message = message
        self.server = server and without_credentials(server)
        self.advice = advice

    def __str__(self) -> str:
        where = f'(server {self.server})' if self.server else ''
        return ' '.join(part for part in (self.message, where, self.advice) if part)


class InvalidRequest(SlicerPackageManagerError):
    """An option or a value is wrong."""

    exit_code = 2


class NotFound(SlicerPackageManagerError):
    """The named object does not exist, or the user may not see it."""

    exit_code = 3


class Refused(SlicerPackageManagerError):
    """Credentials are missing, wrong or not sufficient."""

    exit_code = 4


class Conflict(SlicerPackageManagerError):
    """Another object has that name already."""

    exit_code = 5


class NetworkProblem(SlicerPackageManagerError):
    """A server cannot be reached, or failed, after all retries."""

    exit_code = 6


class ChecksumMismatch(SlicerPackageManagerError):
    """The bytes that arrived are not the bytes that were sent."""

    exit_code = 7


#: Exit statuses and their meanings, for the documentation.
EXIT_CODES = (
    (0, 'The command succeeded, or nothing had to be done.'),
    (1, 'Another failure, such as an error reading or writing a local file.'),
    (InvalidRequest.exit_code, 'An option or a value is wrong; nothing was changed.'),
    (NotFound.exit_code, 'The named object does not exist, or you may not see it.'),
    (Refused.exit_code, 'Credentials are missing, wrong or not sufficient.'),
    (Conflict.exit_code, 'Another object has that name already.'),
    (NetworkProblem.exit_code, 'A server cannot be reached, or failed, after all retries.'),
    (ChecksumMismatch.exit_code, 'The bytes that arrived are not the bytes that were sent.'),
    (INTERRUPTED, 'Interrupted from the keyboard; run the same command again to resume.'),
)
