"""The ways in which a request to the registry can fail; each carries its HTTP status."""
from girder.exceptions import RestException, ValidationException


class _Answered(RestException):
    """A failure that is answered with the HTTP status ``status``."""

    status: int

    def __init__(self, message):
        super().__init__(message, code=self.status)


class NotFound(_Answered):
    """The named thing does not exist, or the user may not know that it does (404)."""

    status = 404


class Conflict(_Answered):
    """Two different things claim one name (409)."""

    status = 409


class Invalid(ValidationException):
    """Some of the given values are unusable (400); the message lists all that is wrong with them.

    :param problems: pairs of a field's name and what is wrong with its value.
    """

    def __init__(self, problems):
        self.problems = list(problems)
        message = '; '.join(f'{name}: {what}' for name, what in self.problems)
        super().__init__(f'Invalid values: {message}.', field=self.problems[0][0])


class Forbidden(_Answered):
    """What is asked for is not allowed to anybody, as things are (403)."""

    status = 403


class TooLarge(_Answered):
    """What is sent does not fit (413)."""

    status = 413


class TooMany(_Answered):
    """The client asks too often (429)."""

    status = 429


class BadGateway(_Answered):
    """Another server, which hosts a file for us, fails (502)."""

    status = 502


class OutOfStep(_Answered):
    """Client and server do not agree on how much of an upload has arrived (400)."""

    status = 400


class Full(_Answered):
    """There is no room to store what is sent (507)."""

    status = 507


class Unavailable(_Answered):
    """It is not possible now, and may be possible ``after`` so many seconds (503)."""

    status = 503

    def __init__(self, message, after):
        super().__init__(message)
        self.after = after
