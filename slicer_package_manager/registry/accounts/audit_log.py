"""Who changed what: one document for each change, kept for as many days as the operator wants."""
from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, NamedTuple

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
from slicer_package_manager.registry.server import clock

logger = logging.getLogger(__name__)

_RETENTION = 'spm_audit_retention'
_DAY_LENGTH = len('2026-11-01')
_MODELS: dict[str, type[Model]] = {'item': Item, 'folder': Folder, 'file': File}


class Change(Model):
    """Changes in the collection ``slicer_package_audit``.

    A document holds ``when``, ``user`` (id), ``login``, ``kind`` (what was changed), ``method``, ``path``, ``route``,
    ``address`` and ``request_id``, and where they are known ``key`` (id of the API key that was used), ``app`` (id of
    the application), ``name`` and, of what belongs to an application, ``given`` (values).
    """

    def initialize(self):
        """Name the collection."""
        self.name = 'slicer_package_audit'

    def validate(self, doc):
        """Take ``doc`` as it is; only :func:`record` writes here."""
        return doc


class Question(NamedTuple):
    """Which changes are asked for; ``None`` leaves a filter out.

    ``user`` is a login or an id; ``date_from`` and ``date_to`` are days, both included, or moments.
    """

    user: str | None = None
    kind: str | None = None
    app_id: str | None = None
    date_from: str | None = None
    date_to: str | None = None


def ensure(days: int) -> None:
    """Create the indexes, one of which removes what is older than ``days``."""
    collection = Change().collection
    seconds = int(timedelta(days=days).total_seconds())
    collection.create_indexes([
        IndexModel([(key, ASCENDING), ('when', DESCENDING), ('_id', DESCENDING)], name=f'spm_audit_{key}')
        for key in ('login', 'kind', 'app')])
    try:
        collection.create_index('when', name=_RETENTION, expireAfterSeconds=seconds)
    except OperationFailure:  # it is there, with another number of days
        Change().database.command('collMod', Change().name, index={
            'name': _RETENTION, 'expireAfterSeconds': seconds})


def record(change: dict[str, Any]) -> None:
    """Store ``change`` by one write; the change is made already, so a failure is only logged."""
    try:
        Change().collection.insert_one({'when': clock.now(), **change})
    except PyMongoError:
        logger.exception('The change %s %s by %s is not in the audit log.', change['method'], change['path'],
                         change['login'])


def subject(model: str, identifier: ObjectId | None) -> dict[str, Any]:
    """The name, and the application if any, of the item, folder or file with the id ``identifier``."""
    document = identifier and _MODELS[model]().findOne({'_id': identifier}, fields=['name', 'spm', 'itemId'])
    if not document:
        return {}
    owner = Item().findOne({'_id': document['itemId']}, fields=['spm']) if model == 'file' else document
    app = ((owner or {}).get('spm') or {}).get('app')
    return {'name': document['name'], **({'app': app} if app else {})}


def find(question: Question, limit: int, offset: int) -> Listing:
    """The changes that answer ``question``, newest first.

    :raises Invalid: a filter makes no sense.
    """
    query: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    if question.user is not None:
        query['$or'] = [{'login': question.user}, *(
            [{'user': ObjectId(question.user)}] if ObjectId.is_valid(question.user) else [])]
    if question.kind is not None:
        query['kind'] = question.kind
    if question.app_id is not None:
        query['app'] = _id(question.app_id, problems)
    moments = {operator: moment for operator, moment in (
        ('$gte', _moment('date_from', question.date_from, problems)),
        ('$lt', _moment('date_to', question.date_to, problems))) if moment is not None}
    if problems:
        raise Invalid(problems)
    if moments:
        query['when'] = moments
    return Listing.of(Change(), query, Page(limit, offset, (('when', DESCENDING), ('_id', DESCENDING))))


def _id(text, problems):
    if ObjectId.is_valid(text):
        return ObjectId(text)
    problems.append(('app_id', f'"{validators.shortened(text)}" is no id'))
    return None


def _moment(name, text, problems):
    """The moment that ``text`` means; the end of a day for ``date_to``."""
    if text is None:
        return None
    try:
        moment = validators.timestamp(text)
    except ValueError:
        problems.append((name, f'"{validators.shortened(text)}" is not a day such as 2026-11-01'))
        return None
    return moment + timedelta(days=1) if name == 'date_to' and len(text) == _DAY_LENGTH else moment
