"""The only place that prints errors and sets the exit status."""
from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from slicer_package_manager_client.cli import ci
from slicer_package_manager_client.cli.lazy import LazyGroup
from slicer_package_manager_client.errors import EXIT_CODES, INTERRUPTED, InvalidRequest, SlicerPackageManagerError

if TYPE_CHECKING:
    from collections.abc import Sequence

_USER_IN_URL = re.compile(r'(https?://)[^/?#\s@]+@', re.IGNORECASE)
_KEY_IN_URL = re.compile(r'([?&](?:key|token)=)[^&\s\'")]+')


@dataclass
class Reporter:
    """Print errors on stderr, without secrets.

    :param verbose: whether to print tracebacks.
    :param secrets: texts that are masked in all output.
    """

    verbose: bool = False
    secrets: list[str] = field(default_factory=list)

    def report(self, error: BaseException, about: str = '') -> int:
        """Print one line about ``error`` and return the exit status.

        :param about: the file that it is about, if the command has several.
        """
        if self.verbose and not isinstance(error, click.ClickException):
            import traceback

            self.say(''.join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip())
        if type(error).__name__ == 'NoArgsIsHelpError':  # click 8.2 or later: a group without a command
            click.echo(error.format_message(), err=True)  # type: ignore[attr-defined]
            return InvalidRequest.exit_code
        line, code = described(error)
        self.say(ci.current().error(f'{about}{" ".join(line.split())}'))
        return code

    def warn(self, line: str) -> None:
        """Print a warning on stderr."""
        self.say(ci.current().warning(line))

    def print_json(self, error: BaseException) -> None:
        """Print the error on stdout as JSON."""
        document = {key: self.redacted(text) for key, text in as_document(error).items()}
        click.echo(json.dumps({'error': document}, ensure_ascii=False, indent=2))

    def say(self, text: str) -> None:
        """Print on stderr."""
        click.echo(self.redacted(text), err=True)

    def redacted(self, text: str) -> str:
        """Return ``text`` with secrets masked."""
        for secret in self.secrets:
            text = text.replace(secret, '***')
        return _USER_IN_URL.sub(r'\1***@', _KEY_IN_URL.sub(r'\1***', text))


def described(error: BaseException) -> tuple[str, int]:
    """Return the line to print about ``error``, and the exit status."""
    if isinstance(error, SlicerPackageManagerError):
        return str(error), error.exit_code
    if isinstance(error, click.Abort):
        return 'Interrupted. Run the same command again to resume.', INTERRUPTED
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f'{error.format_message()} See "{error.ctx.command_path} --help".', error.exit_code
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, OSError):
        return str(error), SlicerPackageManagerError.exit_code
    return (f'{type(error).__name__}: {error}. This is a defect; --verbose prints details.',
            SlicerPackageManagerError.exit_code)


def as_document(error: BaseException) -> dict[str, Any]:
    """Return what JSON states about ``error``: its kind, what is wrong, on which server, and what to do."""
    if isinstance(error, SlicerPackageManagerError):
        document = {'code': error.code, 'message': error.message, 'hint': error.advice, 'server': error.server}
        return {key: value for key, value in document.items() if value}
    line, status = described(error)
    return {'code': next(code for one, code, _meaning in EXIT_CODES if one == status), 'message': line}


class Commands(LazyGroup):
    """Root group, which reports the errors of all commands."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None,
             complete_var: str | None = None, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command and exit with its status; outside of standalone mode, return it."""
        reporter = Reporter()
        try:
            result = super().main(args, prog_name, complete_var, standalone_mode=False, obj=reporter, **extra)
            code = result if isinstance(result, int) else 0
        except Exception as error:  # noqa: BLE001
            code = reporter.report(error)
            if '--json' in (sys.argv[1:] if args is None else args):
                reporter.print_json(error)
        if standalone_mode:
            sys.exit(code)
        return code
