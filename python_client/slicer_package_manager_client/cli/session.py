"""Context of commands: the client for the server of the options, logged in."""
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable

import click

from slicer_package_manager_client.cli import output
from slicer_package_manager_client.cli.settings import KEYRING, Credentials
from slicer_package_manager_client.errors import Refused

if TYPE_CHECKING:
    from slicer_package_manager_client.cli.failures import Reporter
    from slicer_package_manager_client.cli.settings import Settings
    from slicer_package_manager_client.client import SlicerPackageClient
    from slicer_package_manager_client.retry import Retries

#: Source of credentials for trusted publishing.
_BY_CI_SERVICE = 'ID token of the CI service'


class Session:
    """Context of commands: a client that is created at first use.

    :param settings: returns the settings; called at first use, too, since ``--help`` needs none.
    """

    def __init__(self, settings: Callable[[], Settings], reporter: Reporter, ctx: click.Context) -> None:
        self._read_settings = settings
        self._reporter = reporter
        self._ctx = ctx

    @functools.cached_property
    def _settings(self) -> Settings:
        return self._read_settings()

    def add_profile(self, given: dict[str, Any]) -> None:
        """Replace defaults in ``given``, the options of the current command, with the values of the profile."""
        context = click.get_current_context()
        given.update({name: value for name, value in self._settings.profile.items() if name in given
                      and context.get_parameter_source(name) is click.core.ParameterSource.DEFAULT})

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

    def credentials(self, server: str) -> list[Credentials]:
        """Return the credentials for ``server``, those that are used first."""
        found = self._settings.credentials(server)
        return [Credentials(_BY_CI_SERVICE, dict), *found] if self._is_trusted_publisher(found) else found

    def read_key(self) -> str:
        """Return an API key from a hidden prompt, or from standard input if that is no terminal.

        :raises SlicerPackageManagerError: credentials are on the command line, or there is no key.
        """
        self._settings.require_no_credentials()
        key = output.ask_secret('API key')
        self.keep_secret(key)
        return key

    def _log_in(self, client: SlicerPackageClient) -> None:
        client.on_token = self.keep_secret
        found = next(iter(self.credentials(client.urlBase)), None)
        if found is None:
            return
        with client.explained():
            if found.source == _BY_CI_SERVICE:
                self._log_in_by_id_token(client)
            else:
                self._log_in_by(client, found)
        self._warn_of_expiry(client)

    def _log_in_by(self, client: SlicerPackageClient, found: Credentials) -> None:
        """Log in; an error names the source of the credentials."""
        credentials = found.read()
        for name in ('apiKey', 'password'):
            if credentials.get(name):
                self.keep_secret(credentials[name])
        try:
            with client.explained():
                client.authenticate(**credentials)
        except Refused as error:
            again = ' Store another one with "login".' if found.source == KEYRING else ''
            raise Refused(error.message, server=client.urlBase,
                          advice=f'It comes from {found.source}.{again}') from error

    def _warn_of_expiry(self, client: SlicerPackageClient) -> None:
        """Warn before an upload if the API key expires soon."""
        from datetime import datetime, timezone

        from slicer_package_manager_client import identity

        soon = identity.expiry_warning(client.api_key, datetime.now(timezone.utc))
        if soon and click.get_current_context().info_name == 'upload':
            self._reporter.warn(soon)

    def _is_trusted_publisher(self, credentials: list[Credentials]) -> bool:
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
