"""Audit log: one document for each change, kept for the number of days that the operator sets."""
from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

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
from slicer_package_manager.registry.server import clock

logger = logging.getLogger(__name__)

_RETENTION = 'spm_audit_retention'
_MODELS: dict[str, type[Model]] = {'item': Item, 'folder': Folder, 'file': File}


class Change(Model):  # type: ignore[misc] # Girder has no types
    """Changes in the collection ``slicer_package_audit``.

    A document has ``when``, ``user`` (id), ``login``, ``kind`` (the type of what was changed), ``method``, ``path``,
    ``route``, ``address`` and ``request_id``; if known, ``key`` (id of the API key), ``app`` (id of the application)
    and ``name``; and ``given`` (values) for what belongs to an application.
    """

    def initialize(self) -> None:
        """Set the name of the collection."""
        self.name = 'slicer_package_audit'

    def validate(self, doc: Document) -> Document:
        """Accept ``doc`` as it is; only :func:`record` writes here."""
        return doc


class Query(NamedTuple):
    """Filters for changes; ``None`` leaves a filter out.

    ``user`` is a login or an id; ``date_from`` and ``date_to`` are days, both included, or moments.
    """

    user: str | None = None
    kind: str | None = None
    app_id: str | None = None
    date_from: str | None = None
    date_to: str | None = None


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


def find(filters: Query, limit: int, offset: int) -> Listing:
    """Return the changes that match ``filters``, newest first.

    :raises Invalid: a filter is not valid.
    """
    given = clean_all(**{name: Input(value, rule, required=False) for name, rule in _FILTERS.items()
                         if (value := getattr(filters, name)) is not None})
    query: Document = {}
    if filters.user is not None:
        query['$or'] = [{'login': filters.user}, *(
            [{'user': ObjectId(filters.user)}] if ObjectId.is_valid(filters.user) else [])]
    if filters.kind is not None:
        query['kind'] = filters.kind
    if 'app_id' in given:
        query['app'] = given['app_id']
    moments = {operator: given[name] for operator, name in (('$gte', 'date_from'), ('$lt', 'date_to'))
               if given.get(name) is not None}
    if moments:
        query['when'] = moments
    return Listing.of(Change(), query, Page(limit, offset, (('when', DESCENDING), ('_id', DESCENDING))))


def _id(text: str) -> ObjectId:
    if not ObjectId.is_valid(text):
        raise ValueError(f'"{validators.shortened(text)}" is no id')
    return ObjectId(text)


def _moment(text: str) -> datetime:
    try:
        return validators.timestamp(text)
    except ValueError:
        raise ValueError(f'"{validators.shortened(text)}" is not a day such as 2026-11-01') from None


def _end(text: str) -> datetime | None:
    """Return the moment that ``text`` stands for, or the end of the day; ``None`` for the last possible day."""
    moment = _moment(text)
    try:
        return moment if ':' in text else moment + timedelta(days=1)
    except OverflowError:
        return None


#: The filters that are validated.
_FILTERS: dict[str, Callable[[str], Any]] = {'app_id': _id, 'date_from': _moment, 'date_to': _end}
