"""Webhooks: addresses that are notified when builds begin or cease to lack an extension.

Users who may add webhooks see and remove their own. Administrators of the application see all: addresses may have a
secret.
"""
from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, TypedDict

from bson.objectid import ObjectId
from girder.models.folder import Folder
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from slicer_package_manager.registry.expected import store
from slicer_package_manager.registry.links import policy
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Conflict, Invalid, NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, settings, transactions
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: Random bytes of a secret.
_SECRET_BYTES = 32
_NEVER = datetime.fromtimestamp(0, timezone.utc)
#: The condition for all webhooks.
_ALL: Mapping[str, Any] = {}


class Delivery(TypedDict):
    """A change that is to be sent; each attempt has the same ``id`` and ``body``."""

    id: str
    body: str


class Webhook(TypedDict):
    """A webhook of the extension ``name`` of the application ``app``.

    :ivar state: what was missing when it was last examined, see :mod:`changes`; ``None`` before that.
    :ivar examined: when that was.
    :ivar pending: the deliveries that were not sent yet, oldest first, of which ``attempts`` were made at the first.
    :ivar creator: id of the user who added it; ``None`` for a command.
    :ivar due: when the next attempt is to be made.
    :ivar last: time and result of the last attempt.
    """

    _id: ObjectId
    app: ObjectId
    name: str
    url: str
    secret: str
    creator: ObjectId | None
    created: datetime
    examined: datetime
    state: str | None
    pending: list[Delivery]
    attempts: int
    due: datetime
    last: Document | None


class WebhookModel(transactions.TransactionalModel):
    """Webhooks in the collection ``slicer_package_webhook``. A document is a :class:`Webhook`."""

    stored_in = 'slicer_package_webhook'


INDEXES = [IndexModel([('app', ASCENDING), ('name', ASCENDING), ('url', ASCENDING)], name='spm_webhook', unique=True)]


def add(app: ApplicationFolder, name: str, url: str, user: UserDocument | None = None) -> Webhook:
    """Register a webhook with a new secret. The first delivery is that of the next change.

    :param user: who adds it.
    :raises Invalid: the setting does not allow the host of ``url``, or it is no URL.
    :raises NotFound: no branch of the extension index has the extension ``name``.
    :raises Conflict: there is one with the same URL.
    """
    wrong = policy.current().problem(url, settings.get(settings.WEBHOOK_HOSTS))
    if wrong:
        raise Invalid([('url', f'{wrong} (setting {settings.WEBHOOK_HOSTS})')])
    if not store.has(app, name):
        raise NotFound(f'No branch of the extension index that this server knows has an extension '
                       f'"{validators.shortened(name)}".')
    now = clock.now()
    hook = Webhook(_id=ObjectId(), app=app['_id'], name=name, url=url, secret=secrets.token_urlsafe(_SECRET_BYTES),
                   creator=user['_id'] if user else None, created=now, examined=_NEVER, state=None, pending=[],
                   attempts=0, due=now, last=None)
    try:
        WebhookModel().collection.insert_one(hook)
    except DuplicateKeyError:
        raise Conflict(f'"{name}" has a webhook with this URL already. Remove it to get a new secret.') from None
    return hook


def of(app: ApplicationFolder | None = None, condition: Mapping[str, Any] = _ALL) -> list[Webhook]:
    """The webhooks of ``app``, or of all applications, by name of the extension.

    :param condition: of those that are wanted, see :func:`managed_by`.
    """
    query = {**({'app': app['_id']} if app else {}), **condition}
    found: list[Any] = list(WebhookModel().collection.find(query).sort([('name', ASCENDING), ('_id', ASCENDING)]))
    return found


def managed_by(user: UserDocument, app: ApplicationFolder) -> Document:
    """The condition for the webhooks of ``app`` that ``user`` may see, test and remove."""
    everyone = Folder().hasAccess(app, user, access.MANAGE_ALL_WEBHOOKS.application)
    return {'app': app['_id'], **({} if everyone else {'creator': user['_id']})}


def load(identifier: str, condition: Mapping[str, Any] = _ALL) -> Webhook:
    """The webhook with this id.

    :raises NotFound: there is none that matches ``condition``.
    """
    return _found(identifier, condition, WebhookModel().collection.find_one)


def remove(identifier: str, condition: Mapping[str, Any] = _ALL) -> Webhook:
    """Remove a webhook, with the deliveries that were not sent yet; return it.

    :raises NotFound: there is none that matches ``condition``.
    """
    return _found(identifier, condition, WebhookModel().collection.find_one_and_delete)


def _found(identifier: str, condition: Mapping[str, Any], find: Any) -> Webhook:  # a method of the collection
    wanted = validators.object_id(identifier)
    hook: Webhook | None = find({**condition, '_id': wanted}) if wanted else None
    if not hook:
        raise NotFound(f'There is no webhook with the id "{validators.shortened(identifier)}".')
    return hook
