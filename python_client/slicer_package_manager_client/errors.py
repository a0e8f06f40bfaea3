"""Errors of the client, each with the exit status of the command.

``SlicerPackageManagerError`` and its subclasses::

    SlicerPackageManagerError   1   anything else: a local file cannot be read or written, ...
    +-- InvalidRequest          2   an option or a value is wrong
    +-- NotFound                3   the named object does not exist, or you may not see it
    +-- Refused                 4   credentials are missing, wrong or not sufficient
    +-- Conflict                5   another object has that name already, or another process uses the file
    +-- NetworkProblem          6   the server cannot be reached, or failed, after all retries
    +-- ChecksumMismatch        7   the bytes that arrived are not the bytes that were sent
    +-- Unverified              8   no attestation proves where a file comes from
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
    #: Name of the kind of failure in JSON.
    code = 'failed'

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
    code = 'invalid_request'


class NotFound(SlicerPackageManagerError):
    """The named object does not exist, or the user may not see it."""

    exit_code = 3
    code = 'not_found'


class Refused(SlicerPackageManagerError):
    """Credentials are missing, wrong or not sufficient."""

    exit_code = 4
    code = 'refused'


class Conflict(SlicerPackageManagerError):
    """Another object has that name already, or another process uses the file."""

    exit_code = 5
    code = 'conflict'


class NetworkProblem(SlicerPackageManagerError):
    """A server cannot be reached, or failed, after all retries."""

    exit_code = 6
    code = 'network'


class ChecksumMismatch(SlicerPackageManagerError):
    """The bytes that arrived are not the bytes that were sent."""

    exit_code = 7
    code = 'checksum_mismatch'


class Unverified(SlicerPackageManagerError):
    """No attestation proves that a file was built where it should have been."""

    exit_code = 8
    code = 'unverified'


#: Exit statuses, their names in JSON and their meanings, for the documentation.
EXIT_CODES = (
    (0, '', 'The command succeeded, or nothing had to be done.'),
    (1, SlicerPackageManagerError.code, 'Another failure, such as an error reading or writing a local file.'),
    (InvalidRequest.exit_code, InvalidRequest.code, 'An option or a value is wrong; nothing was changed.'),
    (NotFound.exit_code, NotFound.code, 'The named object does not exist, or you may not see it.'),
    (Refused.exit_code, Refused.code, 'Credentials are missing, wrong or not sufficient.'),
    (Conflict.exit_code, Conflict.code, 'Another object has that name already, or another process uses the file.'),
    (NetworkProblem.exit_code, NetworkProblem.code, 'A server cannot be reached, or failed, after all retries.'),
    (ChecksumMismatch.exit_code, ChecksumMismatch.code, 'The bytes that arrived are not the bytes that were sent.'),
    (Unverified.exit_code, Unverified.code, 'No attestation proves where the file was built; it was not stored.'),
    (INTERRUPTED, 'interrupted', 'Interrupted from the keyboard; run the same command again to resume.'),
)
