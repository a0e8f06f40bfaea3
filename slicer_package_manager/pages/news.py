"""The contents of the feeds: news of an application as entries."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from html import escape
from typing import NamedTuple
from urllib.parse import quote

import cherrypy

from slicer_package_manager.pages import offers
from slicer_package_manager.pages.addresses import ALL, Place
from slicer_package_manager.pages.feed_formats import Entry, Feed, identifier
from slicer_package_manager.registry.expected import missing
from slicer_package_manager.registry.expected.missing import Gap
from slicer_package_manager.registry.news import history, latest
from slicer_package_manager.registry.news.latest import ExtensionEvent, Publication
from slicer_package_manager.registry.schema import contributors
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.tree.types import ApplicationFolder

#: Characters of the revision that people read: Git's abbreviation has 7.
_SHORT = 12


class Subject(NamedTuple):
    """What a feed is about.

    :param app: the application.
    :param root: URL of the server, without a slash at its end.
    :param name: of the extension or author; ``''`` for the other feeds.
    """

    app: ApplicationFolder
    root: str
    name: str

    @property
    def id(self) -> str:
        """The id of the application."""
        return str(self.app['_id'])


def of_builds(subject: Subject) -> Feed:
    """Releases and previews of the application."""
    found = latest.publications(subject.app)
    return _feed(subject, 'builds', f'{subject.app["name"]}: new builds', f'download?app={subject.id}',
                 [_build_entry(subject, one) for one in found])


def of_new(subject: Subject) -> Feed:
    """Extensions that did not exist before."""
    return _of_events(subject, 'new', f'{subject.app["name"]}: new extensions',
                      latest.extension_events(subject.app, history.NEW))


def of_changed(subject: Subject) -> Feed:
    """Extensions with another revision than before."""
    return _of_events(subject, 'changed', f'{subject.app["name"]}: changed extensions',
                      latest.extension_events(subject.app, history.CHANGED))


def of_extension(subject: Subject) -> Feed:
    """All revisions of one extension.

    :raises cherrypy.HTTPError: everyone may see none (404).
    """
    events = latest.extension_events(subject.app, name=subject.name)
    return _of_events(subject, 'extension', f'{subject.name} for {subject.app["name"]}',
                      _found(events, f'There is no extension "{subject.name}".'))


def of_author(subject: Subject) -> Feed:
    """All revisions of the extensions of one author.

    :raises cherrypy.HTTPError: everyone may see none (404).
    """
    events = latest.events_of_author(subject.app, subject.name)
    return _of_events(subject, 'author', f'Extensions by {subject.name} for {subject.app["name"]}',
                      _found(events, f'There is no extension by "{subject.name}".'))


def of_missing(subject: Subject) -> Feed:
    """Expected extensions that the newest builds lack: all, or the one with the name of the subject.

    :raises cherrypy.HTTPError: the one is not expected (404).
    """
    comparison = missing.compare(subject.app, None)
    if subject.name:
        try:
            missing.status(comparison, subject.name)
        except NotFound as error:
            raise cherrypy.HTTPError(404, str(error)) from None
    found: dict[tuple[str, str, str], list[Gap]] = {}
    for gap in comparison.newest():
        if subject.name in ('', gap.name):
            found.setdefault((gap.name, gap.build.branch or '', gap.since.revision), []).append(gap)
    latest_first = sorted(found.values(), key=lambda gaps: (gaps[0].since.created, gaps[0].name), reverse=True)
    what = f'{subject.name}: missing' if subject.name else 'missing extensions'
    return _feed(subject, 'missing', f'{subject.app["name"]}: {what}', _status_address(subject, subject.name),
                 [_gap_entry(subject, gaps) for gaps in latest_first[:latest.MOST]])


def _status_address(subject: Subject, name: str) -> str:
    return f'status{"/" if name else ""}{_escaped(name)}?app={subject.id}'


def _gap_entry(subject: Subject, gaps: list[Gap]) -> Entry:
    gap, since = gaps[0], _aware(gaps[0].since.created)
    items = ''.join(f'<li>{escape(offers.system_name(*one.system))}: {escape(_last_good(one))}</li>' for one in gaps)
    return Entry(
        id=identifier(subject.id, 'missing', gap.name, gap.build.branch or '', gap.since.revision),
        title=f'{gap.name} is missing since {subject.app["name"]} r{gap.since.revision}',
        url=f'{subject.root}/{_status_address(subject, gap.name)}', published=since, updated=since,
        content=f'<ul>{items}</ul>', tags=[gap.build.branch or ''])


def _last_good(gap: Gap) -> str:
    return f'last built for r{gap.last_good.revision}' if gap.last_good else 'no build on this server has it'


#: The feeds by the first part of their address, and those that have a name as the second part.
FEEDS: dict[str, Callable[[Subject], Feed]] = {'builds': of_builds, 'new': of_new, 'changed': of_changed,
                                                'missing': of_missing}
NAMED: dict[str, Callable[[Subject], Feed]] = {'extension': of_extension, 'author': of_author, 'missing': of_missing}


def _found(events: list[ExtensionEvent], message: str) -> list[ExtensionEvent]:
    if not events:
        raise cherrypy.HTTPError(404, message)
    return events


def _of_events(subject: Subject, place: str, title: str, events: list[ExtensionEvent]) -> Feed:
    return _feed(subject, place, title, f'catalog?app={subject.id}', [_event_entry(subject, one) for one in events])


def _feed(subject: Subject, place: str, title: str, home: str, entries: Sequence[Entry]) -> Feed:
    path = f'{place}/{_escaped(subject.name)}' if subject.name else place
    updated = max((entry.updated for entry in entries), default=subject.app['created'])
    return Feed(id=identifier(subject.id, 'feed', place, subject.name), title=title, author=subject.app['name'],
                url=(f'{subject.root}/feeds/{path}', f'?app={subject.id}'), home=f'{subject.root}/{home}',
                updated=_aware(updated), entries=entries)


def _escaped(name: str) -> str:
    # Servers and proxies decode an escaped slash, so a slash stays one.
    return quote(name, safe='/')


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _event_entry(subject: Subject, event: ExtensionEvent) -> Entry:
    meta = event.meta
    place = Place(ALL, meta['app_revision'], meta['os'], meta['arch'], event.name)
    title = (f'{event.name} is new' if event.kind == history.NEW
             else f'{event.name} has changed: revision {event.revision[:_SHORT]}')
    since = _aware(event.since)
    return Entry(
        id=identifier(subject.id, 'extension', event.name, event.revision), title=title,
        url=f'{subject.root}/{place.address({"app": subject.id})}', published=since, updated=since,
        content=meta.get('description') or '', authors=contributors.names(meta.get('contributors') or ''),
        tags=[meta['category']] if meta.get('category') else [])


def _build_entry(subject: Subject, found: Publication) -> Entry:
    build = found.builds[0]
    kind = '' if build.is_final else ' preview'
    items = ''.join(f'<li><a href="{escape(f"{subject.root}/bitstream/{one.id}")}">'
                    f'{escape(offers.system_name(one.os, one.arch))}</a></li>' for one in found.builds)
    return Entry(
        id=identifier(subject.id, 'build', build.release, build.revision),
        title=f'{subject.app["name"]} {build.shown_version}{kind} (r{build.revision})',
        url=f'{subject.root}/download?app={subject.id}', published=_aware(found.since), updated=_aware(found.updated),
        content=f'<ul>{items}</ul>', tags=['preview' if kind else 'release'])
