"""Calls for webhooks, which notify authors when builds begin or cease to lack their extension."""
from __future__ import annotations

from girder.api.rest import setResponseHeader

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.webhooks import delivery, hooks
from slicer_package_manager.registry.webhooks.hooks import Webhook
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application


@call(access.MANAGE_WEBHOOKS, (
    of_application('List the webhooks of an application by the names of their extensions, without their secrets.')
    .notes('Those who administer the application get all, others those that they have added. `waiting` is the number '
           'of deliveries that were not accepted yet. `last` is the last attempt, with `time` and `problem` (empty if '
           'it was accepted), or `null`.')
))
def listWebhooks(app_id: str) -> Response:
    return [_shown(hook) for hook in hooks.of(condition=_managed(app_id))]


@call(access.MANAGE_WEBHOOKS, (
    of_application('Add a webhook: an address that is notified when the newest builds begin to lack an extension, and '
                   'when they have it again.')
    .notes('The response has the `secret` with which deliveries are signed. It is in no other response.')
    .param('name', 'Base name of the extension, which must be expected.')
    .param('url', 'Address that deliveries are sent to, by https, on a host of the setting '
           '`slicer_package_manager.webhook_hosts`.')
    .errorResponse('The address is not allowed.')
    .errorResponse('The extension is not expected.', 404)
    .errorResponse('The extension has a webhook with this address.', 409)
))
def addWebhook(app_id: str, name: str, url: str) -> Response:
    user = access.require_user(current_user())
    made = hooks.add(applications.load(app_id, user, access.MANAGE_WEBHOOKS), name, url, user)
    setResponseHeader('Cache-Control', 'no-store')
    return {**_shown(made), 'secret': made['secret']}


@call(access.MANAGE_WEBHOOKS, (
    of_application('Send a test to a webhook now.')
    .notes('`problem` states why it was not accepted; it is empty if it was.')
    .param('webhook_id', 'Id of the webhook.', paramType='path')
))
def pingWebhook(app_id: str, webhook_id: str) -> Response:
    return {'problem': delivery.ping(hooks.load(webhook_id, _managed(app_id)))}


@call(access.MANAGE_WEBHOOKS, (
    of_application('Remove a webhook, and what waits for it.')
    .param('webhook_id', 'Id of the webhook.', paramType='path')
))
def removeWebhook(app_id: str, webhook_id: str) -> Response:
    return _shown(hooks.remove(webhook_id, _managed(app_id)))


def _managed(app_id: str) -> Document:
    """Return the condition for the webhooks of the application that the current user may see."""
    user = access.require_user(current_user())
    return hooks.managed_by(user, applications.load(app_id, user, access.MANAGE_WEBHOOKS))


def _shown(hook: Webhook) -> Document:
    last = hook['last']
    return {'_id': hook['_id'], 'app_id': hook['app'], 'name': hook['name'], 'url': hook['url'],
            'created': hook['created'], 'waiting': len(hook['pending']),
            'last': last and {'time': last['time'], 'problem': last['problem']}}
