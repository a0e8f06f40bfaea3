"""The command ``doctor``: checks of an installation."""
from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click
from girder.exceptions import GirderBaseException
from pymongo.errors import PyMongoError

from slicer_package_manager.cli import connection
from slicer_package_manager.cli.errors import ServeError

if TYPE_CHECKING:
    from slicer_package_manager.doctor.findings import Check, Finding

_FINDINGS, _NOT_CHECKED = 1, 2


class Result(TypedDict):
    """A finding as ``--json`` prints it; ``problem`` is why it could not be fixed."""

    check: str
    severity: str
    what: str
    todo: str
    fixable: bool
    fixed: bool
    problem: str | None


@click.command()
@connection.options
@click.option('--full', is_flag=True, help='Read all files to compare their checksums, not only a sample of 50.')
@click.option('--fix', is_flag=True, help='Fix what can be fixed without a loss of data.')
@click.option('--json', 'as_json', is_flag=True, help='Print the findings as JSON.')
def doctor(database: str | None, data_dir: Path, full: bool, fix: bool, as_json: bool) -> None:
    """Check an installation, and report for each finding what to do.

    --fix never deletes data that a user may want; other findings require a decision. The server may run during the
    checks.

    \b
    Examples:
      slicer-package-manager doctor
      slicer-package-manager doctor --full --json
      slicer-package-manager doctor --fix --database mongodb://db.example.org:27017/girder

    Exit codes: 0 there are no findings, or all are fixed, 1 there are findings, 2 the checks could not run (the reason
    is on standard error), or the command line is wrong.
    """  # noqa: D301 - click takes the control character as "keep these lines"
    try:
        with connection.connected(database, data_dir):
            # Girder connects when it is imported.
            from slicer_package_manager.doctor.checks import CHECKS, run  # noqa: PLC0415
            from slicer_package_manager.doctor.findings import Options  # noqa: PLC0415
            from slicer_package_manager.registry.server import data_version  # noqa: PLC0415
            if fix:
                data_version.watch()  # so that servers invalidate their caches
            options = Options(sample=None) if full else Options()
            results = [_result(check, finding, fix=fix) for check, finding in run(options)]
    except (ServeError, PyMongoError, OSError) as error:
        message = error.message if isinstance(error, ServeError) else str(error)
        click.echo(f'Error: the checks could not run: {message}', err=True)
        sys.exit(_NOT_CHECKED)
    _print(results, [check.name for check in CHECKS], as_json=as_json)
    sys.exit(_FINDINGS if any(not one['fixed'] for one in results) else 0)


def _result(check: Check, finding: Finding, *, fix: bool) -> Result:
    """Repair ``finding`` if ``fix`` is set and that is possible, and return the result."""
    fixed, problem = False, None
    if fix and finding.repair:
        try:
            finding.repair()
            fixed = True
        except (GirderBaseException, PyMongoError, RuntimeError, OSError) as error:
            problem = str(error)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            problem = f'a document is damaged ({type(error).__name__}: {error}); see what "documents" found.'
    return {'check': check.name, 'severity': finding.severity, 'what': finding.what, 'todo': finding.todo,
            'fixable': finding.repair is not None, 'fixed': fixed, 'problem': problem}


def _print(results: Sequence[Result], names: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({'checks': names, 'findings': results}, indent=2))
        return
    for one in results:
        click.echo(f'{"fixed" if one["fixed"] else one["severity"]}: {one["check"]}: {one["what"]}')
        if not one['fixed']:
            click.echo(f'    {one["todo"]}')
        if one['problem']:
            click.echo(f'    It could not be fixed: {one["problem"]}')
    fixed = sum(one['fixed'] for one in results)
    click.echo(f'{len(names)} checks, {len(results)} findings, {fixed} of them fixed.')
