"""The first account: rules that are checked before anything is created."""
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
    """The account for ``login``, with a new password when ``password`` is empty.

    :raises ServeError: Girder would not take the login or the password.
    """
    if not _LOGIN.fullmatch(login):
        raise ServeError(f'The admin login "{login}" is not possible: it needs at least 4 characters, begins '
                         'with a letter, and has only lower case letters, digits, dashes and dots.')
    if not password:
        return Admin(login, secrets.token_urlsafe(15), generated=True)
    if not re.match(os.environ.get('GIRDER_PASSWORD_REGEX', '.{6}.*'), password):
        description = os.environ.get('GIRDER_VALID_PASSWORD_DESCRIPTION', 'It needs at least 6 characters.')
        raise ServeError(f'The admin password is not possible: {description}')
    wrong = passwords.problem(password)
    if wrong:
        raise ServeError(f'The admin password {wrong}.')
    return Admin(login, password, generated=False)
