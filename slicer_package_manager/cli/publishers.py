"""The commands ``publisher``: workflows of CI services that upload without a stored secret."""
from __future__ import annotations

from pathlib import Path

import click

from slicer_package_manager.cli import connection, tables

_GITHUB = 'https://token.actions.githubusercontent.com'


@click.group()
def publisher() -> None:
    """Register workflows of GitHub Actions and GitLab CI that may upload without a stored secret."""


@publisher.command()
@click.argument('application')
@connection.options
@click.option('--issuer', default=_GITHUB, show_default=True, help='Issuer of the ID tokens, such as '
              'https://gitlab.com; one of the setting slicer_package_manager.oidc_issuers.')
@click.option('--repository', required=True, metavar='OWNER/NAME', help='Repository that the workflow belongs to.')
@click.option('--repository-id', required=True, help='Number of the repository, which stays when it is renamed.')
@click.option('--workflow', required=True, metavar='FILE', help='File of the workflow: on GitHub, its name in '
              '.github/workflows; on GitLab, its path, usually .gitlab-ci.yml.')
@click.option('--environment', default='', help='Environment of the job; by default any.')
@click.option('--branch', default='', help='Branch of the run; by default any. Required without --environment.')
@click.option('--extension', 'extensions', multiple=True, metavar='NAME',
              help='Extension that it may upload, "*" for all; may be given several times.')
@click.option('--packages', is_flag=True, help='Let it upload packages of the application.')
@click.option('--login', required=True, help='User in whose name it uploads, who may write to the application.')
def add(application: str, database: str | None, data_dir: Path, **given: object) -> None:
    """Register a publisher of an APPLICATION (name or id), and print its id.

    \b
    Examples:
      slicer-package-manager publisher add Slicer --repository SlicerIGT/SlicerIGT --repository-id 12345678 \\
        --workflow package.yml --branch master --extension SlicerIGT --login buildbot
    """  # noqa: D301 - click takes the control character as "keep these lines"
    with connection.accounts('publishers', database, data_dir) as publishers:
        made = publishers.add(connection.application(application), given)
    click.echo(f'The workflow {made["workflow"]} of {made["repository"]} may upload now. The id of the publisher is:',
               err=True)
    click.echo(made['_id'])


@publisher.command('list')
@click.argument('application', required=False)
@connection.options
@click.option('--json', 'as_json', is_flag=True, help='Print the publishers as JSON.')
def list_publishers(application: str | None, database: str | None, data_dir: Path, as_json: bool) -> None:
    """List the publishers of an APPLICATION (name or id), or of all."""
    with connection.accounts('publishers', database, data_dir) as publishers:
        found = publishers.of(connection.application(application) if application else None)
    rows = found if as_json else [{
        **one, 'id': one['_id'], 'application': one['app_id'], 'uploads': _uploads(one)} for one in found]
    tables.show(('Id', 'Application', 'Repository', 'Workflow', 'Branch', 'Environment', 'Uploads', 'Login'), rows,
                as_json=as_json)


def _uploads(one: dict[str, list[str]]) -> str:
    return ', '.join([*one['extensions'], *(['(packages)'] if one['packages'] else [])])


@publisher.command()
@click.argument('publisher_id')
@connection.options
def remove(publisher_id: str, database: str | None, data_dir: Path) -> None:
    """Remove the publisher with the id PUBLISHER_ID, as "publisher list" shows it; it cannot upload from now on."""
    with connection.accounts('publishers', database, data_dir) as publishers:
        gone = publishers.remove(publisher_id)
    click.echo(f'The workflow {gone["workflow"]} of {gone["repository"]} is no publisher any more.')
