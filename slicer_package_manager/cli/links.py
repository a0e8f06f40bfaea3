"""The commands ``links``: what URL-only packages link to."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from slicer_package_manager.cli import connection, tables
from slicer_package_manager.cli.errors import ServeError

_GITHUB_API = 'https://api.github.com'


@click.group()
def links():
    """Look after URL-only packages, whose files are hosted elsewhere."""


@links.command()
@click.argument('application', required=False)
@connection.options
@click.option('--json', 'as_json', is_flag=True, help='Print all results as JSON, those in order too.')
@click.option('--concurrency', type=click.IntRange(1, 32), default=4, show_default=True,
              help='URLs that are asked at the same time.')
@click.option('--timeout', type=click.FloatRange(0.1), default=30, show_default=True,
              help='Seconds that a server may take to answer.')
@click.option('--retries', type=click.IntRange(0, 20), default=3, show_default=True,
              help='Further attempts, with growing pauses, when a server is busy or away.')
@click.option('--pause', type=click.FloatRange(0), default=1, show_default=True,
              help='Seconds before the first of them; servers that name a time are obeyed.')
@click.option('--github-api-url', default=_GITHUB_API, show_default=True,
              help='API that tells the checksums of release assets. GITHUB_TOKEN, when set, raises its limits.')
def check(application, database, data_dir: Path, as_json, concurrency, timeout, retries, pause, github_api_url):
    """Ask every URL of an APPLICATION (name or id), or of all, whether its file is still there and the same.

    Compares the size and, for assets of GitHub releases, the checksum that was seen at the first check. Prints what
    is broken, changed or unreachable, and exits with 1 if anything is.

    \b
    Examples:
      slicer-package-manager links check
      slicer-package-manager links check Slicer --json
      slicer-package-manager links check --database mongodb://db.example.org:27017/girder
    """  # noqa: D301 - click takes the control character as "keep these lines"
    with connection.connected(database, data_dir):
        # Girder connects when it is imported.
        from slicer_package_manager.registry.links import checker  # noqa: PLC0415
        options = checker.Options(concurrency, timeout, retries + 1, pause, github_api_url.rstrip('/'))
        pairs = list(checker.linked_files(_application(application)))
        findings = list(_with_progress(checker.check(pairs, options), len(pairs)))
    _report(findings, as_json=as_json)
    sys.exit(any(finding.state != checker.OK for finding in findings))


def _application(name_or_id):
    from slicer_package_manager.registry.catalog import applications  # noqa: PLC0415
    if name_or_id is None:
        return None
    found = applications.by_id_or_name(name_or_id)
    if len(found) != 1:
        what = 'There is no application' if not found else 'Several applications have the name'
        raise ServeError(f'{what} "{name_or_id}". Give the id of one.')
    return found[0]


def _with_progress(findings, total):
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import track  # noqa: PLC0415
    console = Console(stderr=True)
    return track(findings, 'Checking links', total=total, console=console, disable=not console.is_terminal,
                 transient=True)


def _report(findings, *, as_json):
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
        return
    wrong = sorted((finding for finding in findings if finding.state != 'ok'), key=lambda one: (one.state, one.name))
    if wrong:
        tables.show(('State', 'Package', 'Reason', 'URL'), [
            {'state': one.state, 'package': one.name, 'reason': one.reason, 'url': one.url} for one in wrong])
    click.echo(f'{len(findings)} links checked, {len(wrong)} of them need attention.')
