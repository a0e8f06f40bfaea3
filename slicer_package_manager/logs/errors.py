"""Why statistics from logs cannot be made."""


class LogsError(Exception):
    """The message names the cause and the remedy."""
