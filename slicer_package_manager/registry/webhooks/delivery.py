"""Send the deliveries of webhooks, in the background of each server process.

1. An atomic update takes the next attempt of a webhook: it sets ``due`` to the time at which the attempt is given up,
   and counts it. So one process makes it, and a process that is killed meanwhile delays it only.
2. The body is signed with the secret of the webhook (HMAC-SHA256), and sent to a public address only.
3. After a status below 300 the delivery is removed. Otherwise it is repeated after growing pauses, and finally dropped.
"""
from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import timedelta

from bson.objectid import ObjectId
from girder.models.folder import Folder
from pymongo import ReturnDocument

from slicer_package_manager.registry.links import fetch
from slicer_package_manager.registry.schema.errors import BadGateway
from slicer_package_manager.registry.server import background, clock, settings
from slicer_package_manager.registry.webhooks import changes
from slicer_package_manager.registry.webhooks.hooks import Webhook, WebhookModel

logger = logging.getLogger(__name__)

#: Pauses after failed attempts; after the last one, the delivery is dropped.
RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
#: When an attempt whose process has ended is repeated; an attempt takes less time.
_GIVEN_UP = timedelta(minutes=5)
_PAUSE = 30
#: How long a test may take, for which a person waits.
_PING_SECONDS = 15
_REDIRECTION = 300


def start() -> None:
    """Start a thread that finds and sends changes as long as this process runs."""
    background.repeat(step, _PAUSE, 'webhooks', 'Webhooks could not be sent. The next attempt is in half a minute.')


def step() -> None:
    """Find changes, and send what is due."""
    changes.examine()
    while hook := _take():
        _attempt(hook)


def _take() -> Webhook | None:
    now = clock.now()
    taken: Webhook | None = WebhookModel().collection.find_one_and_update(
        {'pending.0': {'$exists': True}, 'due': {'$lte': now}},
        {'$set': {'due': now + _GIVEN_UP}, '$inc': {'attempts': 1}},
        sort=[('due', 1)], return_document=ReturnDocument.AFTER)
    return taken


def _attempt(hook: Webhook) -> None:
    delivery = hook['pending'][0]
    problem = send(hook, delivery['id'], delivery['body'])
    last = {'last': {'time': clock.now(), 'delivery': delivery['id'], 'problem': problem}}
    same = {'_id': hook['_id'], 'pending.0.id': delivery['id']}
    if problem and hook['attempts'] <= len(RETRIES):
        due = clock.now() + RETRIES[hook['attempts'] - 1]
        WebhookModel().collection.update_one(same, {'$set': {'due': due, **last}})
        return
    if problem:
        logger.warning('The webhook %s of "%s" is not notified of a change: %s', hook['_id'], hook['name'], problem)
    WebhookModel().collection.update_one(
        same, {'$pop': {'pending': -1}, '$set': {'attempts': 0, 'due': clock.now(), **last}})


def send(hook: Webhook, identifier: str, body: str, seconds: float = fetch.POST_SECONDS) -> str:
    """Send ``body`` to ``hook``; return the problem, or an empty text.

    :param seconds: how long it may take.
    """
    content = body.encode()
    headers = {'Content-Type': 'application/json', 'User-Agent': 'slicer-package-manager webhook',
               'Slicer-Package-Delivery': identifier, 'X-Hub-Signature-256': signature(hook['secret'], content)}
    try:
        status = fetch.post(hook['url'], content, headers, settings.get(settings.WEBHOOK_HOSTS), seconds)
    except BadGateway as error:
        return str(error)
    return '' if status < _REDIRECTION else f'status {status}'


def signature(secret: str, content: bytes) -> str:
    """The signature of ``content`` in the form of GitHub's webhooks, which many libraries verify."""
    return f'sha256={hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()}'


def ping(hook: Webhook) -> str:
    """Send a delivery without a change now; return the problem, or an empty text."""
    identifier = str(ObjectId())
    app = Folder().load(hook['app'], force=True, exc=True)
    return send(hook, identifier, changes.body('ping', identifier, app, {'extension': hook['name']}), _PING_SECONDS)
