"""From global options, environment and configuration file to a client that is logged in."""
from __future__ import annotations

import functools
from dataclasses import dataclass
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
    """What the global options come to."""

    values: dict[str, Any]
    sources: dict[str, int]  # how explicit each value is

    @classmethod
    def of(cls, ctx: click.Context, profile: dict[str, Any]) -> Settings:
        """Options and environment of ``ctx``, and what they leave open from ``profile``."""
        values = dict(ctx.params)
        sources = {name: _rank(ctx.get_parameter_source(name)) for name in values}
        if 'ssl_verify' in profile:
            profile = {**profile, 'no_ssl_verify': not profile['ssl_verify']}
        for name, value in profile.items():
            if name in values and sources[name] == 0:
                values[name], sources[name] = value, 1
        return cls(values, sources)

    def url(self) -> dict[str, Any]:
        """Arguments for a client: where the server is.

        :raises InvalidRequest: it is said twice.
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
        """Arguments for logging in, of the most explicit kind that was given; empty without any."""
        ranked = [(self.sources[name], -place, name)
                  for place, name in enumerate(('api_key', 'api_key_file', 'username'))
                  if self.values[name]]
        if not ranked:
            return {}
        kind = max(ranked)[2]
        if kind == 'api_key':
            return {'apiKey': self.values['api_key']}
        if kind == 'api_key_file':
            return {'apiKey': config.read_secret(self.values['api_key_file'], 'API key')}
        return {'username': self.values['username'], 'password': self._password()}

    def _password(self) -> str:
        if self.values['password']:
            return str(self.values['password'])
        if not output.interactive():
            raise InvalidRequest('--username needs --password where nobody can be asked.')
        return str(click.prompt(f'Password for {self.values["username"]}', hide_input=True, err=True))


def _rank(source: ParameterSource | None) -> int:
    return {ParameterSource.COMMANDLINE: 3, ParameterSource.ENVIRONMENT: 2}.get(source, 0) if source else 0


class Session:
    """What commands get: a client, made when it is first needed."""

    def __init__(self, settings: Settings, reporter: Reporter, ctx: click.Context) -> None:
        self._settings = settings
        self._reporter = reporter
        self._ctx = ctx

    @property
    def retries(self) -> Retries:
        """How failed requests are repeated."""
        from slicer_package_manager_client.retry import Budget, Retries

        values = self._settings.values
        return Retries(times=values['retries'], pause=values['retry_pause'], notice=self._tell_retry,
                       budget=Budget(float(values['retry_for'])))

    @property
    def timeout(self) -> float:
        """Seconds without any sign of a server after which an attempt is given up."""
        return float(self._settings.values['timeout'])

    @functools.cached_property
    def client(self) -> SlicerPackageClient:
        """A client that is logged in, if credentials were given."""
        from slicer_package_manager_client.cli.progress import reporter
        from slicer_package_manager_client.client import SlicerPackageClient

        verify = self._settings.values['certificate'] or (False if self._settings.values['no_ssl_verify'] else None)
        if verify is False:
            import urllib3

            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        client = SlicerPackageClient(**self._settings.url(), progressReporterCls=reporter(),
                                     retries=self.retries, timeout=self.timeout, verify=verify)
        self._ctx.with_resource(client.session())
        self._log_in(client)
        return client

    def print_warnings(self) -> None:
        """Print on stderr what the server, or the client on the way to it, changed in what was given."""
        if 'client' in vars(self):  # else nothing was sent
            for line in self.client.warnings:
                self._reporter.say(f'Warning: {line}')
            self.client.warnings.clear()

    def keep_secret(self, value: str) -> None:
        """Never print ``value``."""
        self._reporter.secrets.append(value)

    def _log_in(self, client: SlicerPackageClient) -> None:
        credentials = self._settings.credentials()
        for name in ('apiKey', 'password'):
            if credentials.get(name):
                self.keep_secret(credentials[name])
        client.on_token = self.keep_secret
        if credentials:
            with client.explained():
                client.authenticate(**credentials)

    def _tell_retry(self, error: BaseException, seconds: float) -> None:
        from requests import RequestException

        from slicer_package_manager_client.explain import explain

        said = explain(error, '').message if isinstance(error, RequestException) else (
            f'{type(error).__name__}: {error}')
        self._reporter.say(f'{" ".join(said.split())[:200]} Trying again in {seconds:.0f} s.')


pass_session = click.make_pass_decorator(Session)
