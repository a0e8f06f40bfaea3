"""The ways in which a request to the registry can fail; each carries its HTTP status."""
from girder.exceptions import RestException, ValidationException


class NotFound(RestException):
    """The named thing does not exist, or the user may not know that it does (404)."""

    def __init__(self, message):
        super().__init__(message, code=404)


class Conflict(RestException):
    """Two different things claim one name (409)."""

    def __init__(self, message):
        super().__init__(message, code=409)


class Invalid(ValidationException):
    """Some of the given values are unusable (400); the message lists all that is wrong with them.

    :param problems: pairs of a field's name and what is wrong with its value.
    """

    def __init__(self, problems):
        self.problems = list(problems)
        message = '; '.join(f'{name}: {what}' for name, what in self.problems)
        super().__init__(f'Invalid values: {message}.', field=self.problems[0][0])


class Forbidden(RestException):
    """What is asked for is not allowed to anybody, as things are (403)."""

    def __init__(self, message):
        super().__init__(message, code=403)


class TooLarge(RestException):
    """What is sent does not fit (413)."""

    def __init__(self, message):
        super().__init__(message, code=413)


class TooMany(RestException):
    """The client asks too often (429)."""

    def __init__(self, message):
        super().__init__(message, code=429)


class BadGateway(RestException):
    """Another server, which hosts a file for us, fails (502)."""

    def __init__(self, message):
        super().__init__(message, code=502)


class OutOfStep(RestException):
    """Client and server do not agree on how much of an upload has arrived (400)."""

    def __init__(self, message):
        super().__init__(message, code=400)


class Full(RestException):
    """There is no room to store what is sent (507)."""

    def __init__(self, message):
        super().__init__(message, code=507)


class Unavailable(RestException):
    """It is not possible now, and may be possible ``after`` so many seconds."""

    def __init__(self, message, after):
        super().__init__(message, code=503)
        self.after = after
