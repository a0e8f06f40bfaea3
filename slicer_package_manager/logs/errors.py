"""Why statistics from logs cannot be made, or published."""


class LogsError(Exception):
    """The message names the cause and the remedy."""


class LaterError(LogsError):
    """Another server is busy or cannot be reached: the same command may succeed later."""
