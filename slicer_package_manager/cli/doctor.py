"""The command ``doctor``: what is wrong with an installation."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from girder.exceptions import GirderBaseException
from pymongo.errors import PyMongoError

from slicer_package_manager.cli import connection
from slicer_package_manager.cli.errors import ServeError

_FINDINGS, _NOT_CHECKED = 1, 2


@click.command()
@connection.options
@click.option('--full', is_flag=True, help='Read all files to compare their checksums, not only a sample of 50.')
@click.option('--fix', is_flag=True, help='Mend what can be mended without a loss.')
@click.option('--json', 'as_json', is_flag=True, help='Print the findings as JSON.')
def doctor(database, data_dir: Path, full, fix, as_json):
    """Check an installation, and say for each finding what to do.

    Nothing that anybody may want is ever deleted: what --fix does not mend is for a person to decide. The server may
    run meanwhile.

    \b
    Examples:
      slicer-package-manager doctor
      slicer-package-manager doctor --full --json
      slicer-package-manager doctor --fix --database mongodb://db.example.org:27017/girder

    Exit codes: 0 all is well, or was mended, 1 there are findings, 2 the checks could not be made (the reason is on
    standard error), or the command line is wrong.
    """  # noqa: D301 - click takes the control character as "keep these lines"
    try:
        with connection.connected(database, data_dir):
            # Girder connects when it is imported.
            from slicer_package_manager.doctor.checks import CHECKS  # noqa: PLC0415
            from slicer_package_manager.doctor.findings import Options  # noqa: PLC0415
            from slicer_package_manager.registry.server import data_version  # noqa: PLC0415
            if fix:
                data_version.watch(lambda _: False)  # servers keep lists until they are told
            options = Options(sample=None) if full else Options()
            results = [_told(check, finding, fix=fix) for check in CHECKS for finding in check.made(options)]
    except (ServeError, PyMongoError, OSError) as error:
        message = error.message if isinstance(error, ServeError) else str(error)
        click.echo(f'Error: the checks could not be made: {message}', err=True)
        sys.exit(_NOT_CHECKED)
    _report(results, [check.name for check in CHECKS], as_json=as_json)
    sys.exit(_FINDINGS if any(not one['fixed'] for one in results) else 0)


def _told(check, finding, *, fix):
    """The finding as it is reported, after it was mended if that is wanted and possible."""
    fixed, problem = False, None
    if fix and finding.mend:
        try:
            finding.mend()
            fixed = True
        except (GirderBaseException, PyMongoError, RuntimeError, OSError) as error:
            problem = str(error)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            problem = f'a document is damaged ({type(error).__name__}: {error}); see what "documents" found.'
    return {'check': check.name, 'severity': finding.severity, 'what': finding.what, 'todo': finding.todo,
            'fixable': finding.mend is not None, 'fixed': fixed, 'problem': problem}


def _report(results, names, *, as_json):
    if as_json:
        click.echo(json.dumps({'checks': names, 'findings': results}, indent=2))
        return
    for one in results:
        click.echo(f'{"mended" if one["fixed"] else one["severity"]}: {one["check"]}: {one["what"]}')
        if not one['fixed']:
            click.echo(f'    {one["todo"]}')
        if one['problem']:
            click.echo(f'    It could not be mended: {one["problem"]}')
    mended = sum(one['fixed'] for one in results)
    click.echo(f'{len(names)} checks, {len(results)} findings, {mended} of them mended.')
