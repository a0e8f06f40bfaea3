"""Audit log: one document for each change, kept for the number of days that the operator sets."""
from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.model_base import Model
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import OperationFailure, PyMongoError

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.pagination import Listing, Page
from slicer_package_manager.registry.schema.types import Document
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
    query: Document = {}
    problems: list[tuple[str, str]] = []
    if filters.user is not None:
        query['$or'] = [{'login': filters.user}, *(
            [{'user': ObjectId(filters.user)}] if ObjectId.is_valid(filters.user) else [])]
    if filters.kind is not None:
        query['kind'] = filters.kind
    if filters.app_id is not None:
        query['app'] = _id(filters.app_id, problems)
    moments = {operator: moment for operator, moment in (
        ('$gte', _moment('date_from', filters.date_from, problems)),
        ('$lt', _moment('date_to', filters.date_to, problems))) if moment is not None}
    if problems:
        raise Invalid(problems)
    if moments:
        query['when'] = moments
    return Listing.of(Change(), query, Page(limit, offset, (('when', DESCENDING), ('_id', DESCENDING))))


def _id(text: str, problems: list[tuple[str, str]]) -> ObjectId | None:
    if ObjectId.is_valid(text):
        return ObjectId(text)
    problems.append(('app_id', f'"{validators.shortened(text)}" is no id'))
    return None


def _moment(name: str, text: str | None, problems: list[tuple[str, str]]) -> datetime | None:
    """Return the moment that ``text`` stands for; the end of the day for ``date_to``."""
    if text is None:
        return None
    try:
        moment = validators.timestamp(text)
    except ValueError:
        problems.append((name, f'"{validators.shortened(text)}" is not a day such as 2026-11-01'))
        return None
    is_last_day = name == 'date_to' and ':' not in text
    return _next_day(moment) if is_last_day else moment


def _next_day(moment: datetime) -> datetime | None:
    """Return the moment a day later; ``None`` for the last day that a ``datetime`` can have."""
    try:
        return moment + timedelta(days=1)
    except OverflowError:
        return None
