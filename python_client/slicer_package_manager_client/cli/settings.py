"""Settings from options, environment and configuration file, with the precedence of each."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

import click
from click.core import ParameterSource

from slicer_package_manager_client import config
from slicer_package_manager_client.cli import output
from slicer_package_manager_client.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Source of credentials that "login" has stored.
KEYRING = 'keyring'
_PARTS = ('host', 'scheme', 'port', 'api_root')
_COMMAND_LINE, _ENVIRONMENT, _PROFILE, _DEFAULT = 3, 2, 1, 0
#: Options with credentials and the variables that set them, in the order of their precedence at the same place.
_VARIABLES = {'api_key': 'GIRDER_API_KEY', 'api_key_file': 'GIRDER_API_KEY_FILE', 'username': ''}


@dataclass(frozen=True)
class Credentials:
    """Credentials that are given.

    :param source: where they come from, as users know it.
    :param read: returns the arguments of a login.
    """

    source: str
    read: Callable[[], dict[str, Any]]


@dataclass
class Settings:
    """Values of the global options, with the precedence of each."""

    values: dict[str, Any]
    sources: dict[str, int]  # a higher number has precedence
    profile: dict[str, Any]

    @classmethod
    def of(cls, ctx: click.Context, profile: dict[str, Any]) -> Settings:
        """Merge the options and environment of ``ctx`` with the values of ``profile``."""
        values = dict(ctx.params)
        sources = {name: _rank(ctx.get_parameter_source(name)) for name in values}
        if 'ssl_verify' in profile:
            profile = {**profile, 'no_ssl_verify': not profile['ssl_verify']}
        for name, value in profile.items():
            if name in values and sources[name] == _DEFAULT:
                values[name], sources[name] = value, _PROFILE
        return cls(values, sources, profile)

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

    def credentials(self, server: str) -> list[Credentials]:
        """Return the credentials that are given for ``server``, those with the highest precedence first."""
        from slicer_package_manager_client import logins

        found = [Credentials(source, getattr(self, f'_by_{name}')) for name, source in self._given()]
        if logins.is_recorded(server):
            found.append(Credentials(KEYRING, lambda: {'apiKey': logins.key(server)}))
        return found

    def require_no_credentials(self) -> None:
        """Check that the command line has no credentials.

        :raises click.UsageError: it has.
        """
        for name in (*_VARIABLES, 'password'):
            if self.values[name] and self.sources[name] == _COMMAND_LINE:
                raise click.UsageError(f'Leave out {_option(name)}: the key is asked for, or read from standard input.',
                                       click.get_current_context())

    def _given(self) -> Iterator[tuple[str, str]]:
        """Yield the options with credentials, and where their values come from; an option may have several values."""
        for name in _VARIABLES:
            if self.values[name] and self.sources[name] == _COMMAND_LINE:
                yield name, _option(name)
        for name, variable in _VARIABLES.items():
            if variable and config.environment(variable):
                yield name, variable
        for name in _VARIABLES:
            if self.profile.get(name):
                yield name, f'{name} of the profile'

    def _by_api_key(self) -> dict[str, Any]:
        return {'apiKey': self.values['api_key']}

    def _by_api_key_file(self) -> dict[str, Any]:
        config.require_private(self.values['api_key_file'], output.note)
        return {'apiKey': config.read_secret(self.values['api_key_file'], 'API key')}

    def _by_username(self) -> dict[str, Any]:
        return {'username': self.values['username'], 'password': self._password()}

    def _password(self) -> str:
        if self.values['password']:
            return str(self.values['password'])
        if not output.interactive():
            raise InvalidRequest('--username requires --password if there is no terminal.')
        return str(click.prompt(f'Password for {self.values["username"]}', hide_input=True, err=True))


def _option(name: str) -> str:
    return f'--{name.replace("_", "-")}'


def _rank(source: ParameterSource | None) -> int:
    return {ParameterSource.COMMANDLINE: _COMMAND_LINE, ParameterSource.ENVIRONMENT: _ENVIRONMENT}.get(
        source, _DEFAULT) if source else _DEFAULT
