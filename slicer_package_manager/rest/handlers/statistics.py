"""Calls for download counts."""
from __future__ import annotations

from typing import Any

import cherrypy
from bson.objectid import ObjectId
from girder.api.rest import setRawResponse, setResponseHeader

from slicer_package_manager.registry.catalog import applications
from slicer_package_manager.registry.downloads import affected, logged_statistics, overview, rollup, sealing, statistics
from slicer_package_manager.registry.downloads.logged_statistics import CLIENTS, Clients
from slicer_package_manager.registry.news import popularity
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import Listing, check_numbers
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import access
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.handlers.call import Response, call, current_user
from slicer_package_manager.rest.handlers.parameters import of_application, with_filters
from slicer_package_manager.rest.http.semantics import content_disposition
from slicer_package_manager.rest.middleware.response_cache import live_response, record_response

_PAGE = 50
_CLASSES = ', '.join(f'"{one}"' for one in CLIENTS)


@call(access.GET_STATISTICS, (
    with_filters(of_application('Get the download counts of packages and extensions.'))
    .notes('Without parameters, all counts by revision of the application, as an object. With any parameter, rows with '
           '`period`, `kind`, `baseName`, `os`, `arch`, `revision`, `release` and `count`, sorted by these keys. With '
           '`country`, `client` or `columns`, the numbers are from the logs that were loaded, and not the counts of '
           'the server itself. Robots are left out unless `client` is a column.')
    .param('date_from', 'First day to count, such as 2026-11-01 (UTC).', required=False)
    .param('date_to', 'Last day to count, inclusive.', required=False)
    .param('granularity', 'Length of a period; by default a day.', required=False,
           enum=list(statistics.GRANULARITIES))
    .param('kind', 'Only packages or only extensions.', required=False, enum=sorted(PACKAGE_TYPES))
    .param('name', 'Only this base name.', required=False)
    .param('revision', 'Only this revision of the application.', required=False)
    .param('release', 'Only the release with this name; "draft" for downloads of drafts.', required=False)
    .param('limit', f'Maximum number of rows; 0 for all; by default {_PAGE}.', required=False, dataType='integer')
    .param('offset', 'Number of rows to skip.', required=False, dataType='integer')
    .param('format', 'Format of the rows: JSON, or CSV for spreadsheets.', required=False, enum=['json', 'csv'])
    .param('country', 'Only downloads from this country, according to logs: a code of ISO 3166 such as DE, "unknown", '
           'or "other" for countries with few clients.', required=False)
    .param('client', f'Only downloads by this class of clients, according to logs: {_CLASSES}.', required=False)
    .param('columns', 'What rows distinguish besides: "country", "client", or both, separated by a comma, according to '
           'logs. A filter by one of them makes it a column, too.', required=False)
    .errorResponse()
    .errorResponse('A parameter is about clients, and no statistics from logs were loaded into the server.', 404)
))
def downloadStats(app_id: str, limit: int | None, offset: int | None, format: str | None, country: str | None,  # noqa: A002 - the name of the parameter
                  client: str | None, columns: str | None, **question: Any) -> Response:
    filters = {key: value for key, value in question.items() if key != 'params' and value is not None}
    clients = Clients(country, client, columns)
    if not filters and limit is None and offset is None and format is None and not clients.are_asked_for:
        return live_response(lambda: rollup.Totals(*_visible(app_id)).as_json)
    limit, offset = _PAGE if limit is None else limit, offset or 0
    check_numbers(limit, offset)
    wanted = statistics.Question(**filters)
    if clients.are_asked_for:
        app = applications.load(app_id, user := current_user(), access.GET_STATISTICS)
        return _rows(logged_statistics.rows(app, user, wanted, clients, limit, offset), format)
    app, hidden, sealed = _visible(app_id)
    return _rows(statistics.rows(app, wanted, limit, offset, hidden, sealed), format)


@call(access.GET_STATISTICS, (
    with_filters(of_application('Get the downloads by month, by system and by country.'))
    .notes('`months` and `systems` are counts of the server itself, `systems` of what was downloaded. `countries` are '
           'from logs, without robots, each with its `name`; `logs` states their days, and is `null` if none were '
           'loaded. `notice` is what the license of the database of countries requires wherever they are shown.')
    .param('kind', 'Only packages or only extensions.', required=False, enum=sorted(PACKAGE_TYPES))
    .param('name', 'Only this base name.', required=False)
    .param('revision', 'Only this revision of the application.', required=False)
    .param('release', 'Only the release with this name; "draft" for downloads of drafts.', required=False)
    .param('date_from', 'First day to count, such as 2026-11-01 (UTC).', required=False)
    .param('date_to', 'Last day to count, inclusive.', required=False)
    .errorResponse()
))
def getOverview(app_id: str, **question: Any) -> Response:
    app = applications.load(app_id, user := current_user(), access.GET_STATISTICS)
    wanted = {key: value for key, value in question.items() if key != 'params' and value is not None}
    found = overview.of(app, user, statistics.Question(**wanted))
    return {**found._asdict(), 'logs': found.logs and found.logs._asdict()}


@call(access.FIND_AFFECTED, (
    of_application('Get the downloads of one file by day, country and operating system of the client, from logs.')
    .notes('For any content that was ever published, also if it was replaced or deleted. `files` are those that have '
           'or had it; `removed` states when it was replaced or deleted. `requests` are downloads, without `robots`; '
           '`clients` are distinct on each day. On the day of a replacement, logs do not show which content a client '
           'got: `replacements` has such days with the downloads of the newer content that may be of this one. Rare '
           'combinations of country and system are "other". Packages that not everyone may download are in no '
           'statistics from logs.')
    .param('checksum', 'SHA-512 of the file in hexadecimal, or the MD5 that MIDAS has stated.', paramType='path')
    .errorResponse('The checksum is malformed.')
    .errorResponse('No file with this checksum was published in the application, or no statistics from logs were '
                   'loaded into the server.', 404)
))
def findAffected(app_id: str, checksum: str) -> Response:
    app = applications.load(app_id, current_user(), access.FIND_AFFECTED)
    found = affected.find(checksum, app)
    return {**found._asdict(), 'logs': found.logs._asdict()}


@call(access.GET_STATISTICS, (
    of_application('Get the downloads of extensions in the last 30, 90 and 365 days, and what is new or has changed.')
    .notes('Over all builds and systems. Rows have `baseName`, the downloads in each period, `new`, the time when the '
           'extension was first seen, and `changed`, the time when a build had a new revision of it; both may be '
           '`null`. With `sort=trending`, extensions come first that have more downloads than in the 30 days before. '
           'Days are in UTC, and today is included. The response may be a minute old.')
    .param('sort', 'What comes first.', required=False, enum=list(popularity.SORTS), default='downloads')
    .param('limit', f'Maximum number of rows; 0 for all; by default {_PAGE}.', required=False, dataType='integer',
           default=_PAGE)
    .param('offset', 'Number of rows to skip.', required=False, dataType='integer', default=0)
    .errorResponse('A number is negative or too large, or the order does not exist.')
))
def getPopularity(app_id: str, sort: str, limit: int, offset: int) -> Response:
    user = current_user()
    check_numbers(limit, offset)
    total = 0

    def read() -> list[Document]:
        nonlocal total
        app = applications.load(app_id, user, access.GET_STATISTICS)
        found = popularity.of_extensions(app, user, sort, limit, offset)
        total = found.total
        return found.documents
    return record_response((cherrypy.request.path_info, sort, limit, offset), read, total=lambda _: total)


def _visible(app_id: str) -> tuple[ApplicationFolder, list[str], list[ObjectId]]:
    """Load the application, the revisions whose counts the user may not see, and the seals whose counts are visible."""
    user = current_user()
    app = applications.load(app_id, user, access.GET_STATISTICS)
    return (app, *sealing.visible_counts(app, user))


def _rows(found: Listing, wanted: str | None) -> Response:
    setResponseHeader('Girder-Total-Count', found.total)
    if wanted != 'csv':
        return found.documents
    setRawResponse()
    setResponseHeader('Content-Type', 'text/csv;charset=utf-8')
    setResponseHeader('Content-Disposition', content_disposition('downloads.csv'))
    return statistics.as_csv(found.documents).encode()
