"""Accounts of people and machines, for the commands by which an administrator lists and resets them."""
from __future__ import annotations

from functools import partial

from girder.models.api_key import ApiKey
from girder.models.token import Token
from girder.models.user import User

from slicer_package_manager.registry.accounts import passwords
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions


def register() -> None:
    """Let accounts, keys and tokens belong to transactions, also in commands. Idempotent."""
    for model in (User(), ApiKey(), Token()):
        transactions.join(model)


def load(login: str) -> Document:
    """Return the user with the name ``login``.

    :raises NotFound: there is no such user.
    """
    user: Document | None = User().findOne({'login': login.lower()})
    if user is None:
        raise NotFound(f'There is no user with the login "{validators.shortened(login)}".')
    return user


def everyone() -> list[Document]:
    """Return all users by login: ``login``, ``email``, ``admin``, ``created``, and the number of their API ``keys``."""
    found = User().find({}, fields=['login', 'email', 'admin', 'created'], sort=[('login', 1)])
    keys = {one['_id']: one['number'] for one in ApiKey().collection.aggregate(
        [{'$group': {'_id': '$userId', 'number': {'$sum': 1}}}])}
    return [{**user, 'keys': keys.get(user['_id'], 0)} for user in found]


@transactions.atomic
def reset(login: str, password: str) -> int:
    """Recover the account ``login`` after another person had access; return how many API keys were deleted.

    From now on only ``password`` gives access: sessions end, API keys are deleted, one-time passwords are turned off.

    :raises NotFound: there is no such user.
    :raises Invalid: ``password`` is not valid.
    """
    passwords.require(password)
    user = load(login)
    user.pop('otp', None)
    User().setPassword(user, password)
    number: int = ApiKey().collection.count_documents({'userId': user['_id']})
    _revoke_all(user)
    # Until the commit, the old password gives new sessions and keys.
    transactions.after_commit(partial(_revoke_all, user))
    return number


def _revoke_all(user: Document) -> None:
    """Delete the API keys of ``user``, and end all sessions."""
    for key in list(ApiKey().find({'userId': user['_id']})):
        ApiKey().remove(key)
    Token().removeWithQuery({'userId': user['_id']})
