"""What the download page lists: the newest builds by system, recent previews, and all older releases."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from slicer_package_manager.pages import offers, previews
from slicer_package_manager.pages.offers import Offer, Offers, Preview
from slicer_package_manager.pages.previews import Stage
from slicer_package_manager.registry.catalog import extension_lists
from slicer_package_manager.registry.catalog import releases as release_lists
from slicer_package_manager.registry.catalog.extension_lists import Members
from slicer_package_manager.registry.downloads import counts
from slicer_package_manager.registry.lookup import lookup, selection
from slicer_package_manager.registry.lookup.selection import Build
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.fields import PACKAGE
from slicer_package_manager.registry.server import clock
from slicer_package_manager.registry.tree.types import ApplicationFolder

#: How many of the newest previews the page lists.
_MOST_PREVIEWS = 6


def of(app: ApplicationFolder, root: str) -> Offers:
    """List the public builds of ``app``, except those that are not ready.

    :param root: relative URL of the server's root.
    """
    ready = [build for build in lookup.builds(app, None) if build.ready]
    releases = selection.newest_each(build for build in ready if build.is_final)
    newest_previews = selection.newest_each(build for build in ready if not build.is_final)
    latest = {build.id for build in releases.values()}
    older = selection.newest_first(build for build in ready if build.is_final and build.id not in latest)
    recent = _recent(ready)
    found = _described(app, root, [*releases.values(), *newest_previews.values(), *older,
                                   *(build for builds in recent for build in builds)])
    members = extension_lists.members(app, None, [builds[0].revision for builds in recent])
    staged = {key: offer._replace(stage=stage) for key, offer, stage in _staged(app, found, recent, members)}
    # A build that was deleted in the meantime is not there.
    newest = [staged[build.id] for build in (*releases.values(), *newest_previews.values()) if build.id in staged]
    return offers.arranged(newest, [staged[build.id] for build in older if build.id in staged])._replace(
        previews=list(_previews(recent, staged, previews.by_revision(members))),
        notes=release_lists.links(app, None))


def _recent(ready: Iterable[Build]) -> list[list[Build]]:
    """The builds of the newest drafts, one for each system, newest draft first."""
    drafts: dict[str, dict[tuple[str, str], Build]] = {}
    for build in selection.newest_first(build for build in ready if not build.release):
        drafts.setdefault(build.revision, {}).setdefault((build.os, build.arch), build)
    return [list(builds.values()) for builds in drafts.values()][:_MOST_PREVIEWS + previews.COMPARED]


def _staged(app: ApplicationFolder, found: Mapping[Any, Offer], recent: list[list[Build]], members: list[Members]
            ) -> Iterable[tuple[Any, Offer, Stage]]:
    """The offers with how many extensions they have; those of recent previews are compared with the ones before."""
    numbers = extension_lists.numbers(app, None, {offer.build.revision for offer in found.values()})
    latest = {(one.app_revision, one.os, one.arch): one.added for one in members}
    places = {build.id: place for place, builds in enumerate(recent) for build in builds}
    for key, offer in found.items():
        system = offer.build.os, offer.build.arch
        number, place = numbers.get((offer.build.revision, *system), 0), places.get(key)
        before = [] if place is None else [
            numbers.get((build.revision, *system), 0) for builds in recent[place + 1:] for build in builds
            if (build.os, build.arch) == system]
        added = latest.get((offer.build.revision, *system), offer.build.built)
        yield key, offer, previews.stage(number, before, validators.timestamp(added), clock.now())


def _previews(recent: list[list[Build]], offered: Mapping[Any, Offer], extensions: Mapping[str, previews.Extensions]
              ) -> Iterable[Preview]:
    shown = [[offered[build.id] for build in builds if build.id in offered] for builds in recent]
    for place, some in enumerate(shown[:_MOST_PREVIEWS]):
        older = next((one for one in shown[place + 1:] if one), [])
        now, then = (extensions.get(one[0].build.revision, {}) if one else {} for one in (some, older))
        if some:
            yield Preview(some[0].name, sorted(some, key=offers.position), older[0].name if older else '',
                          previews.changes(now, then))


def _described(app: ApplicationFolder, root: str, builds: list[Build]) -> dict[Any, Offer]:
    def browse(revision: str, os: str) -> str:
        return f'{root}catalog/All/{quote(revision, safe="")}/{os}?app={app["_id"]}'
    found = lookup.describe(builds, browse)
    counts.add_totals(PACKAGE, app, [one.item for one in found.values()])
    return {key: Offer(one.build, one.record, one.item['downloads'], one.file_name) for key, one in found.items()}
