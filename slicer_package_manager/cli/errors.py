"""The error of all commands."""
import click


class ServeError(click.ClickException):
    """A command cannot do its work; the message names the cause and the remedy. The exit code is 1."""
