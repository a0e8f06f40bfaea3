"""The admin account of a new database: its rules, which are checked before anything is created."""
import os
import re
import secrets
from dataclasses import dataclass

from slicer_package_manager.cli.errors import ServeError
from slicer_package_manager.registry.accounts import passwords

_LOGIN = re.compile(r'[a-z][\da-z\-.]{3,}')


@dataclass(frozen=True)
class Admin:
    """The account to create when a database has no administrator."""

    login: str
    password: str
    generated: bool


def choose_admin(login: str, password: str | None) -> Admin:
    """The account for ``login``, with a generated password when ``password`` is empty.

    :raises ServeError: Girder would refuse the login or the password.
    """
    if not _LOGIN.fullmatch(login):
        raise ServeError(f'The admin login "{login}" is not valid: it must have at least 4 characters, begin with a '
                         'letter, and have only lower case letters, digits, dashes and dots.')
    if not password:
        return Admin(login, secrets.token_urlsafe(15), generated=True)
    if not re.match(os.environ.get('GIRDER_PASSWORD_REGEX', '.{6}.*'), password):
        description = os.environ.get('GIRDER_VALID_PASSWORD_DESCRIPTION', 'It needs at least 6 characters.')
        raise ServeError(f'The admin password is not valid: {description}')
    wrong = passwords.problem(password)
    if wrong:
        raise ServeError(f'The admin password {wrong}.')
    return Admin(login, password, generated=False)
