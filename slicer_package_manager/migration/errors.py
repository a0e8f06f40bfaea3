"""Why a migration is not done."""


class MigrationError(Exception):
    """The migration cannot begin or go on; the message names the cause and the remedy."""


class LostBytesError(Exception):
    """The source does not have the bytes of a file, or has others than it states."""


class AnswerError(MigrationError):
    """A server answers a request with an error."""
