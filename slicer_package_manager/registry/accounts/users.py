"""Accounts of people and machines, as far as who runs the server has to take them back."""
from __future__ import annotations

from typing import Any

from girder.models.api_key import ApiKey
from girder.models.token import Token
from girder.models.user import User

from slicer_package_manager.registry.accounts import passwords
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import NotFound


def load(login: str) -> dict[str, Any]:
    """The user ``login``.

    :raises NotFound: there is no such user.
    """
    user = User().findOne({'login': login.lower()})
    if user is None:
        raise NotFound(f'There is no user with the login "{validators.shortened(login)}".')
    return user


def everyone() -> list[dict[str, Any]]:
    """All users by login: ``login``, ``email``, ``admin``, ``created``, and the numbers of their ``keys``."""
    found = User().find({}, fields=['login', 'email', 'admin', 'created'], sort=[('login', 1)])
    keys = {one['_id']: one['number'] for one in ApiKey().collection.aggregate(
        [{'$group': {'_id': '$userId', 'number': {'$sum': 1}}}])}
    return [{**user, 'keys': keys.get(user['_id'], 0)} for user in found]


def reset(login: str, password: str) -> int:
    """Take the account ``login`` back from whoever has got hold of it; returns how many API keys are gone.

    From now on only ``password`` opens it: its sessions end, its API keys are deleted, one-time passwords are off.

    :raises NotFound: there is no such user.
    :raises Invalid: ``password`` cannot be one.
    """
    passwords.require(password)
    user = load(login)
    user.pop('otp', None)
    User().setPassword(user, password)
    # After the password, so that nobody gets another session or key by the old one meanwhile.
    keys = list(ApiKey().find({'userId': user['_id']}))
    for key in keys:
        ApiKey().remove(key)
    Token().removeWithQuery({'userId': user['_id']})
    return len(keys)
