"""Completion of names that the server or the configuration file has. It never fails: a shell shows nothing then."""
from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from slicer_package_manager_client import config

if TYPE_CHECKING:
    import click

#: Seconds that a user waits for a list.
_PATIENCE = 5.0


def profiles(ctx: click.Context, _parameter: click.Parameter, begin: str) -> list[str]:
    """Return the profiles of the configuration file."""
    with contextlib.suppress(Exception):
        return _beginning(begin, config.profiles(ctx.params.get('config_file')))
    return []


def applications(ctx: click.Context, _parameter: click.Parameter, begin: str) -> list[str]:
    """Return the applications of the server."""
    with contextlib.suppress(Exception):
        return _beginning(begin, [one['name'] for one in _client(ctx).listApp()])
    return []


def releases(ctx: click.Context, _parameter: click.Parameter, begin: str) -> list[str]:
    """Return the releases of the application that was given before."""
    with contextlib.suppress(Exception):
        # Click does not assign arguments while the value of an option is missing.
        app_name = ctx.params.get('app_name') or ctx.args[0]
        return _beginning(begin, [one['name'] for one in _client(ctx).listRelease(app_name)])
    return []


def _client(ctx: click.Context) -> Any:
    from slicer_package_manager_client.cli.failures import Reporter
    from slicer_package_manager_client.cli.session import Session
    from slicer_package_manager_client.cli.settings import Settings

    root = ctx.find_root()
    values = config.load(root.params.get('config_file'), root.params.get('profile'))
    session = Session(lambda: Settings.of(root, values), Reporter(), root)
    session.limit_retries(0, timeout=_PATIENCE)
    return session.client


def _beginning(begin: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(begin)]
