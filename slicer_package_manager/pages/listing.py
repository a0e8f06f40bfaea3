"""The extensions of one build, as the catalog lists them: which build, what of it, and why it may be nothing."""
from __future__ import annotations

from typing import NamedTuple

import orjson

from slicer_package_manager.pages import builds, extensions, page_cache, popular
from slicer_package_manager.pages.addresses import ALL, Place
from slicer_package_manager.pages.builds import Build
from slicer_package_manager.pages.extensions import Category, Extension
from slicer_package_manager.registry.catalog import extension_lists, package_lists, summary
from slicer_package_manager.registry.catalog.extension_lists import Revision
from slicer_package_manager.registry.catalog.package_lists import Candidates
from slicer_package_manager.registry.downloads import counts
from slicer_package_manager.registry.news import recent
from slicer_package_manager.registry.schema.fields import EXTENSION, OPERATING_SYSTEMS
from slicer_package_manager.registry.schema.pagination import Page
from slicer_package_manager.registry.schema.validators import SEARCH_CHARACTERS, SEARCH_WORDS
from slicer_package_manager.registry.tree.types import ApplicationFolder

_ALL_OF_IT = Page(0, 0, (('meta.baseName', 1), ('created', 1), ('_id', 1)), by_relevance=True)
#: How many builds of other revisions a search examines, and how many extensions of them are listed.
_NEWEST, _MOST_ELSEWHERE = Page(200, 0, (('updated', -1), ('_id', -1))), 10
_OF_BUILDS = ('name', 'revision', 'version', 'built', 'extensions', 'ready_for')


class Choice(NamedTuple):
    """What the query of an address chooses; see ``place.js``."""

    q: str = ''
    tier: int | None = None
    sort: str = extensions.BY_NAME


class Listing(NamedTuple):
    """The extensions of one build.

    :param place: with the architecture that is shown.
    :param systems: the number of extensions by system and architecture, for this revision.
    :param every: the extensions for the architecture.
    :param matching: those that the search finds, the most relevant first; all without a search.
    :param found: those of them that the filter leaves, in all categories.
    :param shown: those of the category, in order.
    :param revisions: all of the application.
    :param news: ``new`` or ``changed``, by the names of extensions.
    :param suggestion: a search that the visitor has probably meant; empty without one.
    """

    place: Place
    choice: Choice
    systems: dict[tuple[str, str], int]
    every: list[Extension]
    matching: list[Extension]
    found: list[Extension]
    shown: list[Extension]
    revisions: dict[str, Revision]
    news: dict[str, str]
    suggestion: str = ''

    @property
    def name(self) -> str:
        """The name of the build."""
        return builds.name(self.place.revision, self.revisions.get(self.place.revision, Revision()))

    @property
    def is_known(self) -> bool:
        """Whether there is what the address names; there may still be no extensions in it."""
        place = self.place
        return (place.os in OPERATING_SYSTEMS and (place.revision in self.revisions or bool(self.systems))
                and (place.category == ALL or not self.every or place.category in self.all_categories))

    @property
    def all_categories(self) -> set[str]:
        """Categories and subcategories of the build."""
        return {part for one in self.every for part in (one.category, one.category.split('.')[0])}

    @property
    def categories(self) -> list[Category]:
        """What the visitor may choose: with a search, only categories in which something was found."""
        return [Category(ALL, len(self.found)), *extensions.categories(self.found)]

    @property
    def summary(self) -> str:
        """How many extensions are shown, in words."""
        category = '' if self.place.category == ALL else f' in {self.place.category}'
        words = f' for “{self.choice.q}”' if self.choice.q else ''
        return f'{extensions.counted(len(self.shown))}{category}{words}'

    @property
    def build_name(self) -> str:
        """The build with its system in words."""
        return f'{self.name} · {builds.system_name(self.place.os, self.place.arch)}'


def all_builds(app: ApplicationFolder) -> list[Build]:
    """The builds of ``app`` that have extensions, newest first; cached until the data changes."""
    found: list[Build] = page_cache.value(
        ('builds', app['_id']), lambda: builds.of_summary(summary.of(app, None, 0, 0, _OF_BUILDS)))
    return found


def complete(app: ApplicationFolder, place: Place, visitors_os: str) -> Place | None:
    """Return ``place`` with a revision and a system: by default the latest build for the visitor.

    :returns: ``None`` if there are no extensions at all.
    """
    os = place.os or visitors_os
    if place.revision:
        return place._replace(category=place.category or ALL, os=os)
    latest = builds.latest(all_builds(app), os)
    if latest is None:
        return None
    there = os if any(one.os == os for one in latest.systems) else latest.systems[0].os
    return place._replace(category=place.category or ALL, revision=latest.revision, os=there)


def read(app: ApplicationFolder, place: Place, choice: Choice) -> Listing:
    """Read the extensions of a build that everyone may see.

    :param place: complete, perhaps without an architecture.
    """
    revisions = extension_lists.revisions(app, None)
    systems = extension_lists.systems(app, None, place.revision)
    arch = place.arch or builds.usual_architecture(arch for os, arch in systems if os == place.os)
    candidates = package_lists.candidates(
        EXTENSION, app, None, _ALL_OF_IT, app_revision=place.revision, os=place.os, arch=arch)
    items = list(map(orjson.loads, candidates.matching('').documents))
    counts.add_totals(EXTENSION, app, items)
    every = list(map(Extension, items))
    matching, suggestion = _searched(candidates, every, choice.q)
    found = extensions.at_least(matching, choice.tier)
    names = popular.names(app, choice.sort)
    shown = extensions.in_order(extensions.in_category(found, place.category), choice.sort, names)
    return Listing(place._replace(arch=arch), choice, systems, every, matching, found, shown,
                   revisions, recent.of_extensions(app, None), suggestion)


def _searched(candidates: Candidates, every: list[Extension], q: str) -> tuple[list[Extension], str]:
    """Those of ``every`` that the search finds, the most relevant first, and the search that was probably meant."""
    if not q:
        return every, ''
    known, found = {one.id: one for one in every}, candidates.matching(q)
    return [known[orjson.loads(one)['_id']] for one in found.documents], found.suggestion


class Elsewhere(NamedTuple):
    """An extension that a search finds for another build, with the name of the newest one that has it."""

    one: Extension
    build: str


def elsewhere(app: ApplicationFolder, listing: Listing) -> list[Elsewhere]:
    """What the search of ``listing``, which finds nothing there, finds for other revisions and systems."""
    found = package_lists.find(EXTENSION, app, None, _NEWEST, q=listing.choice.q)
    known = {one.name for one in listing.every}
    newest: dict[str, Extension] = {}
    for one in map(Extension, map(orjson.loads, found.documents)):
        if one.name not in known:
            newest.setdefault(one.name, one)
    return [Elsewhere(one, f'{builds.name(one.build, listing.revisions.get(one.build, Revision()))}, '
                      f'{builds.system_name(one.os, one.arch)}') for one in list(newest.values())[:_MOST_ELSEWHERE]]


def choice_of(q: str, tier: str, sort: str) -> Choice:
    """Parse the query of an address. What is unknown is ignored, and a search is shortened to what may be searched."""
    words = ' '.join(q[:SEARCH_CHARACTERS].split()[:SEARCH_WORDS])
    level = next((one for one in extensions.LEVELS if str(one) == tier), None)
    is_known = sort in extensions.SORTS and (words or sort != extensions.RELEVANCE)
    return Choice(words, level, sort if is_known else extensions.usual_sort(words))
