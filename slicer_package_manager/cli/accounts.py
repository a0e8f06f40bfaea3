"""The commands ``account``: list accounts, and recover one."""
from __future__ import annotations

import secrets
from pathlib import Path

import click

from slicer_package_manager.cli import connection, tables


@click.group()
def account() -> None:
    """List accounts, and recover one that was stolen or whose password is lost."""


@account.command('list')
@connection.options
@click.option('--json', 'as_json', is_flag=True, help='Print the accounts as JSON.')
def list_accounts(database: str | None, data_dir: Path, as_json: bool) -> None:
    """List all accounts, which of them are site administrators, and how many API keys they have."""
    with connection.accounts('users', database, data_dir) as accounts:
        rows = [{'login': one['login'], 'administrator': 'yes' if one['admin'] else 'no', 'keys': one['keys'],
                 'created': f'{one["created"]:%Y-%m-%d}', 'email': one['email']} for one in accounts.everyone()]
    tables.show(('Login', 'Administrator', 'Keys', 'Created', 'Email'), rows, as_json=as_json)


@account.command()
@click.argument('login')
@connection.options
def reset(login: str, database: str | None, data_dir: Path) -> None:
    """Give the account LOGIN a new password, and print it on standard output. It is not shown again.

    All sessions of the account end, its API keys are deleted, and one-time passwords are switched off.
    """
    password = secrets.token_urlsafe(15)
    with connection.accounts('users', database, data_dir) as accounts:
        keys = accounts.reset(login, password)
    click.echo(f'All sessions of {login} have ended, and {keys} API keys are deleted. The new password is not shown '
               'again:', err=True)
    click.echo(password)
