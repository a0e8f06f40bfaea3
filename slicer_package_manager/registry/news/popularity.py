"""How often extensions were downloaded lately, and when they were new or changed, over all builds and systems."""
from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypedDict, cast

from bson.objectid import ObjectId

from slicer_package_manager.registry.downloads import by_day, sealing
from slicer_package_manager.registry.expected import present
from slicer_package_manager.registry.news.history import CHANGED, NEW, EventModel
from slicer_package_manager.registry.schema.pagination import BATCH, Listing
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: First and last day before today of each period, both included.
PERIODS = {'last_30_days': (29, 0), 'previous_30_days': (59, 30), 'last_90_days': (89, 0), 'last_365_days': (364, 0)}
_LONGEST = max(first for first, _ in PERIODS.values())


class Popularity(TypedDict):
    """One extension: its downloads in each of the :data:`PERIODS`, and when it was first seen and last changed."""

    baseName: str
    last_30_days: int
    previous_30_days: int
    last_90_days: int
    last_365_days: int
    new: datetime | None
    changed: datetime | None


def _latest(key: str) -> Callable[[Any], datetime]:
    never = datetime.min.replace(tzinfo=timezone.utc)
    return lambda row: row[key] or never


#: What extensions can be sorted by: a key of which the largest value comes first.
SORTS: dict[str, Callable[[Popularity], Any]] = {
    'downloads': lambda row: row['last_30_days'], 'new': _latest('new'), 'changed': _latest('changed'),
    'trending': lambda row: row['last_30_days'] - row['previous_30_days']}


@transactions.atomic
def of_extensions(app: ApplicationFolder, user: UserDocument | None, sort: str, limit: int, offset: int) -> Listing:
    """The extensions of ``app`` that ``user`` may see, by one of :data:`SORTS`, and then by name.

    :param limit: number of extensions, 0 for all.
    """
    visible = present.revisions(app, user)
    counts = _counts(app, *sealing.visible_counts(app, user))
    news = _news(app['_id'], visible)
    rows = [_row(name, counts.get(name, {}), news.get(name, {})) for name in sorted({name for name, _ in visible})]
    rows.sort(key=SORTS[sort], reverse=True)
    return Listing(rows[offset:offset + limit if limit else None], len(rows))


def _counts(app: ApplicationFolder, hidden_revisions: Collection[str], sealed: Sequence[ObjectId]
            ) -> dict[str, Document]:
    """The downloads in each period by the name of the extension."""
    ends = {period: (_day(first), _day(last)) for period, (first, last) in PERIODS.items()}
    found: dict[str, Document] = {}
    for day, numbers in by_day.read([app['_id'], *sealed], hidden_revisions, _day(_LONGEST)).items():
        periods = [period for period, (first, last) in ends.items() if first <= day <= last]
        for name, number in numbers.items():
            row = found.setdefault(name, dict.fromkeys(PERIODS, 0))
            for period in periods:
                row[period] += number
    return found


def _day(before: int) -> str:
    return f'{clock.now() - timedelta(days=before):%Y-%m-%d}'


def _news(app_id: ObjectId, visible: Collection[tuple[str, str]]) -> dict[str, dict[str, datetime]]:
    """The last events of each kind that concern a visible revision, by the name of the extension."""
    found: dict[str, dict[str, datetime]] = {}
    for event in EventModel().collection.find({'app': app_id}, sort=[('since', 1)], batch_size=BATCH):
        if event['kind'] == NEW or (event['baseName'], event['revision']) in visible:
            found.setdefault(event['baseName'], {})[event['kind']] = event['since']
    return found


def _row(name: str, counts: Document, news: dict[str, datetime]) -> Popularity:
    numbers = {period: counts.get(period, 0) for period in PERIODS}
    return cast(Popularity, {'baseName': name, **numbers, 'new': news.get(NEW), 'changed': news.get(CHANGED)})
