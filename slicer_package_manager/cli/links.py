"""The commands ``links``: check the files of URL-only packages."""
from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slicer_package_manager.cli import connection, tables

if TYPE_CHECKING:
    from slicer_package_manager.registry.links.checker import Finding

_GITHUB_API = 'https://api.github.com'


@click.group()
def links() -> None:
    """Check URL-only packages, whose files are hosted elsewhere."""


@links.command()
@click.argument('application', required=False)
@connection.options
@click.option('--json', 'as_json', is_flag=True, help='Print all results as JSON, also those without a problem.')
@click.option('--concurrency', type=click.IntRange(1, 32), default=4, show_default=True,
              help='Number of URLs that are requested at the same time.')
@click.option('--timeout', type=click.FloatRange(0.1), default=30, show_default=True,
              help='Time that a server may take to answer, in seconds.')
@click.option('--retries', type=click.IntRange(0, 20), default=3, show_default=True,
              help='Further attempts, with growing pauses, when a server is busy or cannot be reached.')
@click.option('--pause', type=click.FloatRange(0), default=1, show_default=True,
              help='Time before the first of them, in seconds; a time that the server states is obeyed.')
@click.option('--github-api-url', default=_GITHUB_API, show_default=True,
              help='API for the checksums of release assets. GITHUB_TOKEN, if set, raises its limits.')
def check(application: str | None, database: str | None, data_dir: Path, as_json: bool, concurrency: int,
          timeout: float, retries: int, pause: float, github_api_url: str) -> None:
    """Check whether the file of every URL of an APPLICATION (name or id), or of all, still exists and is unchanged.

    Compares the size and, for assets of GitHub releases, the checksum with that of the first check. Prints links that
    are broken, changed or unreachable, and exits with 1 if there are any.

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
        pairs = list(checker.linked_files(connection.application(application) if application else None))
        findings = list(_with_progress(checker.check(pairs, options), len(pairs)))
    _report(findings, as_json=as_json)
    sys.exit(any(finding.state != checker.OK for finding in findings))


def _with_progress(findings: Iterable[Finding], total: int) -> Iterable[Finding]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import track  # noqa: PLC0415
    console = Console(stderr=True)
    return track(findings, 'Checking links', total=total, console=console, disable=not console.is_terminal,
                 transient=True)


def _report(findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
        return
    wrong = sorted((finding for finding in findings if finding.state != 'ok'), key=lambda one: (one.state, one.name))
    if wrong:
        tables.show(('State', 'Package', 'Reason', 'URL'), [
            {'state': one.state, 'package': one.name, 'reason': one.reason, 'url': one.url} for one in wrong])
    click.echo(f'{len(findings)} links checked, {len(wrong)} of them need attention.')
