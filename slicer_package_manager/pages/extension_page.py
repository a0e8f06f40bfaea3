"""The page of one extension: ``/extension/NAME``, and what the catalog shows at ``/catalog/…?extension=NAME``."""
from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from markupsafe import Markup

from slicer_package_manager.pages import (
    about,
    builds,
    charts,
    days,
    extensions,
    html,
    install,
    origin,
    page_cache,
    readme,
    shares,
    visitors,
)
from slicer_package_manager.pages.about import About
from slicer_package_manager.pages.addresses import Place
from slicer_package_manager.pages.application import application, require_reader, shown_app
from slicer_package_manager.pages.assets import modules_of
from slicer_package_manager.pages.charts import Chart
from slicer_package_manager.pages.extensions import Extension
from slicer_package_manager.pages.html import Page
from slicer_package_manager.pages.install import Commands
from slicer_package_manager.pages.links import Links
from slicer_package_manager.pages.origin import Origin
from slicer_package_manager.pages.shares import Share
from slicer_package_manager.registry.catalog import extension_lists, package_lists
from slicer_package_manager.registry.catalog.extension_lists import Built, Revision
from slicer_package_manager.registry.catalog.search_patterns import plain
from slicer_package_manager.registry.downloads import counts, overview, statistics
from slicer_package_manager.registry.downloads.logged import Days
from slicer_package_manager.registry.expected import store
from slicer_package_manager.registry.news import recent
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.schema.pagination import Page as Part
from slicer_package_manager.registry.schema.revisions import revision_order
from slicer_package_manager.registry.tree.types import ApplicationFolder
from slicer_package_manager.rest.handlers import site

_ONE = Part(1, 0, (('_id', 1),))
#: How many similar names are suggested, and how similar they are.
_MOST_SIMILAR, _SIMILAR = 8, 0.6
#: How many of the newest previews the table of builds shows at once, besides all releases.
_MOST_PREVIEWS = 5
_MOST_MONTHS = 36


class Row(NamedTuple):
    """A line of the table of builds: a revision of the application, and the days of its builds by system."""

    revision: str
    name: str
    days: list[tuple[str, str, str]]  # system, architecture, day; empty if there is none


class Downloads(NamedTuple):
    """The downloads of an extension.

    :param months: by month, the oldest first, of at most three years.
    :param chart: of them; ``None`` without downloads.
    :param logs: the days of the logs that the countries are from; ``None`` if there are none.
    :param notice: what has to be shown with countries.
    """

    months: list[tuple[str, int]]
    chart: Chart | None
    systems: list[Share]
    countries: list[Share]
    logs: Days | None
    notice: str


class Detail(NamedTuple):
    """What the page shows.

    :param name: of the extension.
    :param one: the extension as it was built for ``place``; ``None`` if it was not.
    :param place: the build of the application.
    :param build: its name.
    :param present: the names of all extensions of this build.
    :param required_by: those of them that require this one.
    :param rows: builds of releases, and of the newest previews.
    :param older: builds of other previews.
    :param downloads: of all its builds.
    :param origin: of its file.
    :param commands: that install it.
    :param check: the command that checks its file; empty without a checksum.
    :param readme: its README, as safe HTML; empty without one.
    :param is_expected: whether the extension index has it.
    """

    name: str
    one: Extension | None
    place: Place
    build: str
    present: set[str]
    required_by: list[str]
    columns: list[str]
    rows: list[Row]
    older: list[Row]
    downloads: Downloads
    origin: Origin
    commands: Commands
    check: str
    readme: Markup
    is_expected: bool


class OneExtension:
    """``/extension/NAME?os=&revision=&arch=``: the page of an extension; ``/extension?name=`` for unusual names."""

    exposed = True

    def GET(self, *name: str, **query: str) -> bytes:
        """Return the page, by default for the latest release and the system of the visitor."""
        given = {key: value for key, value in query.items() if isinstance(value, str)}
        wanted = Place(given.get('category', ''), given.get('revision', ''), given.get('os', ''),
                       given.get('arch', '').lower(), '/'.join(name) or given.get('name', ''))
        return respond(wanted, given)


def respond(place: Place, query: Mapping[str, str]) -> bytes:
    """Respond with the page of the extension that ``place`` names."""
    require_reader()
    agent = visitors.agent()
    os, in_slicer = '' if place.os else visitors.system(agent), visitors.is_in_slicer(agent)
    return page_cache.respond(lambda: _page(place, query, os, in_slicer=in_slicer), os, in_slicer)


def _page(place: Place, query: Mapping[str, str], visitors_os: str, *, in_slicer: bool) -> Page:
    app = application(query.get('app'))
    built = extension_lists.builds(app, None, place.extension)
    others = {key: query.get(key, '') for key in ('app', 'q', 'tier', 'sort')}
    shown = {**shown_app(app, query.get('app')), 'current': 'catalog', 'sorts': extensions.SORTS,
             'levels': extensions.LEVELS, 'modules': modules_of('catalog/main.js'), 'listing': None,
             'words': others['q']}
    if not built:
        return html.render('extension_unknown.html', status=404, title=f'There is no extension “{place.extension}”.',
                           name=place.extension, similar=similar(place.extension, extension_lists.names(app, None)),
                           link=Links(Place(), others), **shown)
    revisions = extension_lists.revisions(app, None)
    chosen = choose(built, place, visitors_os, revisions)
    detail = _detail(app, place, built, chosen, revisions)
    data = {'place': {'revision': detail.place.revision, 'os': detail.place.os, 'arch': detail.place.arch},
            'items': [detail.one.for_scripts] if detail.one else [], 'extension': detail.name,
            'news': recent.of_extensions(app, None),
            'architectures': [one.arch for one in built if (one.app_revision, one.os) == detail.place[1:3]]}
    return html.render(
        'catalog.html', status=200 if chosen or in_slicer else 404, detail=detail, data=data,
        news=data['news'],
        link=Links(detail.place._replace(category=place.category, extension=''), others),
        about=_about(app, detail, others['app']), readable_size=extensions.readable_size, **shown)


def choose(built: Sequence[Built], wanted: Place, visitors_os: str, revisions: Mapping[str, Revision]) -> Built | None:
    """The build to show: one that is named, by default that for the visitor's system and the latest release.

    :param revisions: of the application.
    """
    def rank(one: Built) -> tuple[Any, ...]:
        usual = builds.USUAL.index(one.arch) if one.arch in builds.USUAL else len(builds.USUAL)
        is_release = bool(revisions.get(one.app_revision, Revision()).release)
        return one.os == visitors_os, is_release, revision_order(one.app_revision), -usual, one.updated
    return max((one for one in built if wanted.revision in ('', one.app_revision) and wanted.os in ('', one.os)
                and wanted.arch in ('', one.arch)), key=rank, default=None)


def similar(name: str, names: Sequence[str]) -> list[str]:
    """The names that people may have meant, the most similar ones first."""
    by_plain = {plain(one): one for one in names}
    wanted = plain(name)
    within = [one for one in by_plain if wanted and (wanted in one or one in wanted)]
    close = difflib.get_close_matches(wanted, by_plain, _MOST_SIMILAR, _SIMILAR)
    return [by_plain[one] for one in dict.fromkeys([*close, *within])][:_MOST_SIMILAR]


def _detail(app: ApplicationFolder, wanted: Place, built: list[Built], chosen: Built | None,
            revisions: Mapping[str, Revision]) -> Detail:
    place = wanted if chosen is None else wanted._replace(
        revision=chosen.app_revision, os=chosen.os, arch=chosen.arch)
    related = extension_lists.related(app, None, place.revision, place.os, place.arch)
    rows = _rows(built, revisions)
    previews = [row for row in rows if not revisions.get(row.revision, Revision()).release][_MOST_PREVIEWS:]
    name = builds.name(place.revision, revisions.get(place.revision, Revision())) if place.revision else 'this build'
    published = origin.published(app, chosen.id) if chosen else None
    found = origin.of(published)
    return Detail(
        wanted.extension, chosen and _extension(app, chosen.id), place,
        f'{name}, {builds.system_name(place.os, place.arch)}' if place.os else name,
        {one.name for one in related},
        sorted(one.name for one in related if wanted.extension in extensions.names(one.dependency)),
        [builds.system_name(*system) for system in _systems(built)],
        [row for row in rows if row not in previews], previews,
        _downloads(app, wanted.extension), found, install.commands(wanted.extension, app['name']),
        install.check(place.os, found.file_name, found.sha512) if found.sha512 else '',
        readme.of(published),
        store.has(app, wanted.extension))


def _extension(app: ApplicationFolder, item_id: str) -> Extension | None:
    items = list(map(orjson.loads, package_lists.find(EXTENSION, app, None, _ONE, item_id=item_id).documents))
    counts.add_totals(EXTENSION, app, items)
    return Extension(items[0]) if items else None


def _systems(built: Sequence[Built]) -> list[tuple[str, str]]:
    return sorted({(one.os, one.arch) for one in built})


def _rows(built: Sequence[Built], revisions: Mapping[str, Revision]) -> list[Row]:
    built_on: dict[str, dict[tuple[str, str], str]] = {}
    for one in sorted(built, key=lambda one: one.updated):
        built_on.setdefault(one.app_revision, {})[one.os, one.arch] = one.updated[:10]
    systems = _systems(built)
    return [Row(revision, builds.name(revision, revisions.get(revision, Revision())),
                [(os, arch, built_on[revision].get((os, arch), '')) for os, arch in systems])
            for revision in sorted(built_on, key=revision_order, reverse=True)]


def _downloads(app: ApplicationFolder, name: str) -> Downloads:
    """Downloads over all builds that everyone may see."""
    found = overview.of(app, None, statistics.Question(kind=EXTENSION.label, name=name))
    numbers = {one['period']: one['count'] for one in found.months}
    every = list(days.months(f'{min(numbers)}-01', f'{max(numbers)}-01')) if numbers else []
    months = [(days.shown(month), numbers.get(month, 0)) for month in every[-_MOST_MONTHS:]]
    return Downloads(months, charts.chart(months) if months else None,
                     shares.of_systems(found.systems), shares.of_countries(found.countries), found.logs,
                     found.notice)


def _about(app: ApplicationFolder, detail: Detail, wanted: str) -> About:
    root, one = site.root(), detail.one
    url = f'{root}/{Place(extension=detail.name).address({"app": wanted} if wanted else {})}'
    title = f'{detail.name} · {app["name"]} extensions'
    if one is None:
        return About(title, f'{detail.name}, an extension for {app["name"]}: the builds that there are.', url)
    text = about.short(one.text) or f'{detail.name}, an extension for {app["name"]}.'
    data = about.linked({
        '@type': 'SoftwareApplication', 'name': one.name, 'description': text, 'url': url,
        'applicationCategory': one.category, 'operatingSystem': builds.system_name(one.os, one.arch),
        'softwareVersion': one.revision, 'dateModified': one.updated, 'image': one.icon,
        'screenshot': one.screenshots, 'license': one.license, 'keywords': one.keywords, 'sameAs': one.homepage,
        'author': one.contributors and {'@type': 'Person', 'name': one.contributors},
        'downloadUrl': f'{root}/api/v1/item/{one.id}/download', 'fileSize': one.size and str(one.size),
        'softwareRequirements': app['name'], 'isAccessibleForFree': True,
        'offers': {'@type': 'Offer', 'price': 0, 'priceCurrency': 'USD'}})
    return About(title, text, url, (one.screenshots or [one.icon])[0], (data,))
