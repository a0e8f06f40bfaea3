"""Audit log: one document for each change, kept for the number of days that the operator sets."""
from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.model_base import Model
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import OperationFailure, PyMongoError

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.pagination import Listing, Page
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all
from slicer_package_manager.registry.server import clock, transactions

logger = logging.getLogger(__name__)

_RETENTION = 'spm_audit_retention'
_MODELS: dict[str, type[Model]] = {'item': Item, 'folder': Folder, 'file': File}


class Change(transactions.TransactionalModel):
    """Changes in the collection ``slicer_package_audit``.

    A document has ``when``, ``user`` (id), ``login``, ``kind`` (the type of what was changed), ``method``, ``path``,
    ``route``, ``address`` and ``request_id``; if known, ``key`` (id of the API key) or ``build`` (the run of a CI
    service that uploads as a publisher), ``app`` (id of the application) and ``name``; and ``given`` (values) for what
    belongs to an application.
    """

    stored_in = 'slicer_package_audit'


def ensure(days: int) -> None:
    """Create the indexes, one of which removes changes after ``days``."""
    collection = Change().collection
    seconds = int(timedelta(days=days).total_seconds())
    collection.create_indexes([
        IndexModel([(key, ASCENDING), ('when', DESCENDING), ('_id', DESCENDING)], name=f'spm_audit_{key}')
        for key in ('login', 'kind', 'app')])
    try:
        collection.create_index('when', name=_RETENTION, expireAfterSeconds=seconds)
    except OperationFailure:  # the index exists, with another number of days
        Change().database.command('collMod', Change().name, index={
            'name': _RETENTION, 'expireAfterSeconds': seconds})


def record(change: Document) -> None:
    """Store ``change`` by one write. It has already been made, so a failure is only logged."""
    try:
        Change().collection.insert_one({'when': clock.now(), **change})
    except PyMongoError:
        logger.exception('The change %s %s by %s is not in the audit log.', change['method'], change['path'],
                         change['login'])


def subject(model: str, identifier: ObjectId | None) -> Document:
    """Return the ``name``, and the ``app`` if any, of the item, folder or file with the id ``identifier``."""
    document = identifier and _MODELS[model]().findOne({'_id': identifier}, fields=['name', 'spm', 'itemId'])
    if not document:
        return {}
    owner = Item().findOne({'_id': document['itemId']}, fields=['spm']) if model == 'file' else document
    app = ((owner or {}).get('spm') or {}).get('app')
    return {'name': document['name'], **({'app': app} if app else {})}


def find(limit: int, offset: int, **filters: str | None) -> Listing:
    """Return the changes that match ``filters``, see :data:`_CONDITIONS`, newest first; ``None`` leaves a filter out.

    :raises Invalid: a filter is not valid.
    """
    conditions = clean_all(**{name: Input(value, _CONDITIONS[name], required=False) for name, value in filters.items()
                              if value is not None})
    query = {'$and': list(conditions.values())} if conditions else {}
    return Listing.of(Change(), query, Page(limit, offset, (('when', DESCENDING), ('_id', DESCENDING))))


def _by_user(text: str) -> Document:
    return {'$or': [{'login': text}, *([{'user': ObjectId(text)}] if ObjectId.is_valid(text) else [])]}


def _in_application(text: str) -> Document:
    if not ObjectId.is_valid(text):
        raise ValueError(f'"{validators.shortened(text)}" is no id')
    return {'app': ObjectId(text)}


def _moment(text: str) -> datetime:
    try:
        return validators.timestamp(text)
    except ValueError:
        raise ValueError(f'"{validators.shortened(text)}" is not a day such as 2026-11-01') from None


def _until(text: str) -> Document:
    """The condition for changes before the moment that ``text`` stands for, or before the end of that day."""
    moment = _moment(text)
    try:
        return {'when': {'$lt': moment if ':' in text else moment + timedelta(days=1)}}
    except OverflowError:  # the last possible day
        return {}


#: Each filter with the function that makes its condition; ``user`` is a login or an id.
_CONDITIONS: dict[str, Callable[[str], Document]] = {
    'user': _by_user, 'kind': lambda text: {'kind': text}, 'app_id': _in_application,
    'date_from': lambda text: {'when': {'$gte': _moment(text)}}, 'date_to': _until}
