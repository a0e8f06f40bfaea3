"""Settings from options, environment and configuration file, and the client that uses them."""
from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from slicer_package_manager_client import config
from slicer_package_manager_client.cli import output
from slicer_package_manager_client.errors import InvalidRequest

if TYPE_CHECKING:
    from slicer_package_manager_client.cli.failures import Reporter
    from slicer_package_manager_client.client import SlicerPackageClient
    from slicer_package_manager_client.retry import Retries

_PARTS = ('host', 'scheme', 'port', 'api_root')


@dataclass
class Settings:
    """Values of the global options, with the precedence of each."""

    values: dict[str, Any]
    sources: dict[str, int]  # 3: command line, 2: environment, 1: configuration file, 0: default

    @classmethod
    def of(cls, ctx: click.Context, profile: dict[str, Any]) -> Settings:
        """Merge the options and environment of ``ctx`` with the values of ``profile``."""
        values = dict(ctx.params)
        sources = {name: _rank(ctx.get_parameter_source(name)) for name in values}
        if 'ssl_verify' in profile:
            profile = {**profile, 'no_ssl_verify': not profile['ssl_verify']}
        for name, value in profile.items():
            if name in values and sources[name] == 0:
                values[name], sources[name] = value, 1
        return cls(values, sources)

    def url(self) -> dict[str, Any]:
        """Return the arguments of a client for the address of the server.

        :raises InvalidRequest: two addresses have the same precedence.
        """
        parts = {name: self.values[name] for name in _PARTS if self.values[name]}
        api_url = self.values['api_url']
        if not parts or (api_url and self.sources['api_url'] < max(self.sources[name] for name in parts)):
            api_url = api_url if not parts else None
        elif api_url:
            raise InvalidRequest('Give --api-url, or --host with --scheme, --port and --api-root, not both.')
        if api_url:
            return {'apiUrl': api_url}
        return {'host': parts.get('host'), 'scheme': parts.get('scheme'), 'port': parts.get('port'),
                'apiRoot': parts.get('api_root')}

    def credentials(self) -> dict[str, Any]:
        """Return the arguments for a login, from the source with the highest precedence; empty without any."""
        ranked = [(self.sources[name], -place, name)
                  for place, name in enumerate(('api_key', 'api_key_file', 'username'))
                  if self.values[name]]
        if not ranked:
            return {}
        kind = max(ranked)[2]
        if kind == 'api_key':
            return {'apiKey': self.values['api_key']}
        if kind == 'api_key_file':
            config.require_private(self.values['api_key_file'], output.note)
            return {'apiKey': config.read_secret(self.values['api_key_file'], 'API key')}
        return {'username': self.values['username'], 'password': self._password()}

    def _password(self) -> str:
        if self.values['password']:
            return str(self.values['password'])
        if not output.interactive():
            raise InvalidRequest('--username requires --password if there is no terminal.')
        return str(click.prompt(f'Password for {self.values["username"]}', hide_input=True, err=True))


def _rank(source: ParameterSource | None) -> int:
    return {ParameterSource.COMMANDLINE: 3, ParameterSource.ENVIRONMENT: 2}.get(source, 0) if source else 0


class Session:
    """Context of commands: a client that is created at first use."""

    def __init__(self, settings: Settings, reporter: Reporter, ctx: click.Context) -> None:
        self._settings = settings
        self._reporter = reporter
        self._ctx = ctx

    @property
    def retries(self) -> Retries:
        """Retry policy from the options."""
        from slicer_package_manager_client.retry import Budget, Retries

        values = self._settings.values
        return Retries(times=values['retries'], pause=values['retry_pause'], notice=self.print_retry,
                       budget=Budget(float(values['retry_for'])))

    @property
    def timeout(self) -> float:
        """Seconds without data from a server after which an attempt fails."""
        return float(self._settings.values['timeout'])

    @functools.cached_property
    def client(self) -> SlicerPackageClient:
        """Client, logged in if credentials were given."""
        from slicer_package_manager_client.cli.progress import reporter

        client = self._new_client(reporter())
        self._ctx.with_resource(client.session())
        self._log_in(client)
        return client

    def client_without_login(self) -> SlicerPackageClient:
        """Another client, which is not logged in."""
        from slicer_package_manager_client.cli.progress import reporter

        return self._new_client(reporter())

    def limit_retries(self, times: int, timeout: float | None = None) -> None:
        """Retry no request more often than this, and wait no longer than ``timeout`` seconds for data."""
        self._settings.values['retries'] = times
        self._settings.values['timeout'] = timeout or self._settings.values['timeout']

    def client_for_thread(self, progress: Any) -> SlicerPackageClient:
        """Another client with the same login, for one thread.

        :param progress: class of its progress reporters.
        """
        client = self._new_client(progress)
        client.share_login(self.client)
        return client

    def _new_client(self, progress: Any) -> SlicerPackageClient:
        from slicer_package_manager_client.client import SlicerPackageClient

        verify = self._settings.values['certificate'] or (False if self._settings.values['no_ssl_verify'] else None)
        if verify is False:
            import urllib3

            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        return SlicerPackageClient(**self._settings.url(), progressReporterCls=progress,
                                   retries=self.retries, timeout=self.timeout, verify=verify)

    def print_warnings(self, client: SlicerPackageClient | None = None, about: str = '') -> None:
        """Print on stderr which given values the server, or the client, changed.

        :param about: the file that they are about.
        """
        client = client or vars(self).get('client')  # None: no request was sent
        if client is not None:
            for line in client.warnings:
                self._reporter.warn(f'{about}{line}')
            client.warnings.clear()

    def keep_secret(self, value: str) -> None:
        """Mask ``value`` in all output."""
        self._reporter.secrets.append(value)

    def print_error(self, error: BaseException, about: str = '') -> int:
        """Print on stderr why one of several files failed; return the exit status."""
        return self._reporter.report(error, about)

    def redacted(self, text: str) -> str:
        """Return ``text`` with secrets masked."""
        return self._reporter.redacted(text)

    def _log_in(self, client: SlicerPackageClient) -> None:
        credentials = self._settings.credentials()
        for name in ('apiKey', 'password'):
            if credentials.get(name):
                self.keep_secret(credentials[name])
        client.on_token = self.keep_secret
        with client.explained():
            if self._is_trusted_publisher(credentials):
                self._log_in_by_id_token(client)
            elif credentials:
                client.authenticate(**credentials)
        self._warn_of_expiry(client)

    def _warn_of_expiry(self, client: SlicerPackageClient) -> None:
        """Warn before an upload if the API key expires soon."""
        from slicer_package_manager_client import identity

        soon = identity.expiry_warning(client.api_key, datetime.now(timezone.utc))
        if soon and click.get_current_context().info_name == 'upload':
            self._reporter.warn(soon)

    def _is_trusted_publisher(self, credentials: dict[str, Any]) -> bool:
        """Whether to log in with an ID token of the CI service; by default, only to upload without credentials."""
        from slicer_package_manager_client import oidc

        when = self._settings.values['trusted_publishing']
        if when == 'auto':
            return not credentials and click.get_current_context().info_name == 'upload' and oidc.is_available()
        return bool(when == 'always')

    def _log_in_by_id_token(self, client: SlicerPackageClient) -> None:
        from slicer_package_manager_client import oidc

        app = click.get_current_context().params.get('app_name')
        oidc.log_in(client, app, self._settings.values['oidc_audience'])

    def print_retry(self, error: BaseException, seconds: float, about: str = '') -> None:
        """Print on stderr why a request is repeated in ``seconds``."""
        from requests import RequestException

        from slicer_package_manager_client.explain import explain

        reason = explain(error, '').message if isinstance(error, RequestException) else (
            f'{type(error).__name__}: {error}')
        self._reporter.say(f'{about}{" ".join(reason.split())[:200]} Trying again in {seconds:.0f} s.')


pass_session = click.make_pass_decorator(Session)
