import click


class ServeError(click.ClickException):
    """The server cannot run; the message names the fact and the remedy. The exit code is 1."""
