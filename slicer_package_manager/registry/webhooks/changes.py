"""Changes that webhooks report: an extension begins or ceases to be missing in the newest builds.

1. :func:`examine` compares the builds that everyone may see with what is expected, as ``/status`` does.
2. The state of a webhook is the branches and systems that lack its extension, as text. Only a new build that lacks the
   extension, too, is no change.
3. One atomic update replaces the state and appends the delivery, if the state is still the one that was compared. So
   one of several processes does that, and each change has one delivery.
"""
from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import orjson
from bson.objectid import ObjectId
from girder.models.folder import Folder
from girder.models.setting import Setting
from girder.settings import SettingKey

from slicer_package_manager.registry.expected import missing
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.registration import APPLICATION
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.registry.webhooks.hooks import Delivery, Webhook, WebhookModel

#: How often the builds of an application are compared, whatever the number of processes.
INTERVAL = timedelta(minutes=5)
#: How many deliveries wait for one address at most; older ones are dropped.
_WAITING = 20


def examine() -> None:
    """Find the changes of all webhooks that were not examined in the last minutes."""
    collection = WebhookModel().collection
    due = {'examined': {'$lt': clock.now() - INTERVAL}}
    for app_id in collection.distinct('app', due):
        if collection.update_many({'app': app_id, **due}, {'$set': {'examined': clock.now()}}).modified_count:
            _examine(app_id)


def _examine(app_id: ObjectId) -> None:
    app = Folder().findOne({'_id': app_id, keys.ROLE: APPLICATION})
    if app is None:
        WebhookModel().collection.delete_many({'app': app_id})
        return
    comparison = missing.compare(app, None)
    for hook in WebhookModel().collection.find({'app': app_id}):
        _compare(app, hook, _status(comparison, hook['name']))


def _status(comparison: missing.Comparison, name: str) -> Document:
    try:
        return missing.status(comparison, name)
    except NotFound:
        return {'expected': [], 'missing': []}


def _compare(app: ApplicationFolder, hook: Webhook, status: Document) -> None:
    state = _state(status)
    if state == hook['state']:
        return
    update: Document = {'$set': {'state': state}}
    if hook['state'] is not None:
        update['$push'] = {'pending': {'$each': [_delivery(app, hook['name'], status)], '$slice': -_WAITING}}
    WebhookModel().collection.update_one({'_id': hook['_id'], 'state': hook['state']}, update)


def _state(status: Document) -> str:
    systems = sorted(f'{one["branch"]} {one["os"]} {one["arch"]}' for one in status['missing'])
    return '\n'.join(systems) if status['expected'] else 'not expected'


def _delivery(app: ApplicationFolder, name: str, status: Document) -> Delivery:
    identifier = str(ObjectId())
    return Delivery(id=identifier, body=body('status', identifier, app, {
        'extension': name, 'expected': bool(status['expected']), 'missing': status['missing'],
        **_status_url(name)}))


def body(event: str, identifier: str, app: ApplicationFolder, values: Document) -> str:
    """The JSON of a delivery."""
    content: dict[str, Any] = {'event': event, 'delivery': identifier, 'created': clock.now(),
                               'application': app['name'], 'app_id': str(app['_id']), **values}
    return orjson.dumps(content).decode()


def _status_url(name: str) -> dict[str, str]:
    """The page with the status of the extension, if an administrator has stated the address of the server."""
    root = (Setting().get(SettingKey.SERVER_ROOT) or '').rstrip('/')
    return {'status_url': f'{root}/status/{quote(name, safe="")}'} if root else {}
