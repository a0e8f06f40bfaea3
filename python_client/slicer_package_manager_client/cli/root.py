"""Root command with the global options."""
from __future__ import annotations

from typing import Any

import click

from slicer_package_manager_client import __version__, config
from slicer_package_manager_client.cli import completion, help_texts
from slicer_package_manager_client.cli.failures import Commands, Reporter
from slicer_package_manager_client.cli.options import Duration, option
from slicer_package_manager_client.cli.session import Session
from slicer_package_manager_client.cli.settings import Settings

_HERE = __name__.rpartition('.')[0]
#: For each command its module, its name there, and its summary.
COMMANDS = {name: (f'{_HERE}.{module}', attribute, summary) for name, module, attribute, summary in (
    ('app', 'channels', 'app', 'Create, list and delete applications'),
    ('release', 'channels', 'release', 'Create, list, promote and delete releases of an application'),
    ('draft', 'channels', 'draft', 'List and delete drafts, the revisions of an application that are no releases'),
    ('package', 'packages', 'package', 'Upload, list, show, download and delete application packages'),
    ('extension', 'packages', 'extension', 'Upload, list, show, download and delete extensions'),
    ('stats', 'statistics', 'stats', 'Print how often packages and extensions of an application were downloaded'),
    ('sync', 'sync', 'sync', 'Mirror the packages and extensions of a release or draft in DIRECTORY'),
    ('check', 'check', 'check', 'Check archives before an upload, without a server unless --against is given'),
    ('verify', 'verify', 'verify', 'Verify that the server has local files, or that a release or draft is as recorded'),
    ('login', 'account', 'login', 'Store an API key in the keyring of the system, for the server of --api-url'),
    ('logout', 'account', 'logout', 'Remove the API key for the server of --api-url from the keyring of the system'),
    ('whoami', 'account', 'whoami',
     'Print the user, the API key with its scopes and expiry, and whether it may upload to an application'),
    ('doctor', 'account', 'doctor',
     'Check address, proxy, TLS, server, clock, credentials, login and, for APP_NAME, the permission to upload'),
    ('open', 'open_page', 'open_page',
     'Open the catalog of an application, or the page of a package or extension, in the browser'),
)}


@click.command(cls=Commands, table=COMMANDS, epilog=help_texts.statuses(), context_settings={
    'help_option_names': ['-h', '--help'], 'max_content_width': 100})
@option('--api-url', envvar='SLICER_PACKAGE_MANAGER_API_URL', show_envvar=True,
        help='RESTful API URL (e.g. https://girder.example.com:443/api/v1)')
@option('--api-key', envvar='GIRDER_API_KEY', show_envvar=True, help='API key to log in with')
@option('--api-key-file', envvar='GIRDER_API_KEY_FILE', show_envvar=True, type=click.Path(dir_okay=False),
        help='File whose first word is the API key')
@option('--username', help='User to log in as, instead of an API key')
@option('--password', help='Password of that user  [default: asked for on a terminal]')
@option('--trusted-publishing', type=click.Choice(['auto', 'always', 'never']), default='auto', show_default=True,
        envvar='SLICER_PACKAGE_MANAGER_TRUSTED_PUBLISHING', show_envvar=True,
        help='Log in with the ID token of GitHub Actions or GitLab CI; auto: to upload, without other credentials')
@option('--oidc-audience', metavar='URL', envvar='SLICER_PACKAGE_MANAGER_OIDC_AUDIENCE', show_envvar=True,
        help='Audience of the ID token  [default: address of the server]')
@option('--host', help='[default: localhost]')
@option('--scheme', help='[default: http if localhost else https]')
@option('--port', type=click.IntRange(1, 65535), help='[default: 443 if https; 8080 if localhost else 80]')
@option('--api-root', help='Relative path to the Girder REST API  [default: api/v1]')
@option('--no-ssl-verify', is_flag=True, help='Disable SSL verification')
@option('--certificate', type=click.Path(exists=True),
        help='File or directory with the certificates of trusted authorities')
@option('--timeout', type=click.FloatRange(min=0, min_open=True), default=120.0, show_default=True,
        envvar='SLICER_PACKAGE_MANAGER_TIMEOUT', show_envvar=True,
        help='Seconds without data from the server after which an attempt fails')
@option('--retry-for', type=Duration(), default=config.RETRY_FOR, metavar='SECONDS',
        envvar='SLICER_PACKAGE_MANAGER_RETRY_FOR', show_envvar=True,
        help='How long failed requests are retried, for each file: seconds, or a number with s, m or h  '
             '[default: 15m]')
@option('--retries', type=click.IntRange(min=0), envvar='SLICER_PACKAGE_MANAGER_RETRIES', show_envvar=True,
        help='Maximum number of retries of one request  [default: as --retry-for allows]')
@option('--retry-pause', type=click.FloatRange(min=0), default=1.0, show_default=True,
        help='Seconds before the first retry; each later pause is twice as long')
@option('--config', 'config_file', envvar='SLICER_PACKAGE_MANAGER_CONFIG', show_envvar=True,
        type=click.Path(dir_okay=False),
        help='Configuration file  [default: client.toml in the configuration directory of the user]')
@option('--profile', envvar='SLICER_PACKAGE_MANAGER_PROFILE', show_envvar=True,
        shell_complete=completion.profiles, help='Profile of the configuration file  [default: the one it names]')
@option('--verbose', is_flag=True, help='Print requests, and tracebacks of failures, on stderr')
@click.version_option(__version__, prog_name='slicer_package_manager_client')
@click.pass_context
def cli(ctx: click.Context, /, config_file: str | None, profile: str | None, verbose: bool,
        **_options: Any) -> None:
    """Upload, list and download packages of applications and their extensions.

    To log in, create an API key on the server. ``login`` stores it in the keyring of the system. Scripts give it in the
    environment variable ``GIRDER_API_KEY``, or with ``--api-key-file`` or ``--api-key``. Builds on GitHub Actions and
    GitLab CI can upload without one: see ``--trusted-publishing``.

    The client also accepts ``--username`` and ``--password``. If only ``--username`` is given, the client asks for the
    password on a terminal.
    """
    reporter = ctx.obj if isinstance(ctx.obj, Reporter) else Reporter()
    reporter.verbose = verbose
    if verbose:
        from slicer_package_manager_client.cli import request_log

        ctx.with_resource(request_log.printed(reporter.say))
    ctx.obj = Session(lambda: Settings.of(ctx, config.load(config_file, profile)), reporter, ctx)
