"""Contents of the download page: the newest builds by system and architecture, and all older releases."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote

from slicer_package_manager.registry.downloads import counts
from slicer_package_manager.registry.lookup import lookup, selection
from slicer_package_manager.registry.lookup.selection import Build
from slicer_package_manager.registry.schema.fields import PACKAGE
from slicer_package_manager.registry.tree.types import ApplicationFolder

#: Operating systems and architectures in the order in which the page lists them, with the names that people know.
SYSTEMS = {'win': 'Windows', 'macosx': 'macOS', 'linux': 'Linux'}
ARCHITECTURES = {'amd64': '64-bit', 'arm64': 'ARM 64-bit', 'i386': '32-bit'}
MAC_ARCHITECTURES = {'arm64': 'Apple silicon', 'amd64': 'Intel', 'i386': '32-bit'}
_UNITS = ('bytes', 'kB', 'MB', 'GB', 'TB')
_THOUSAND = 1000


class Offer(NamedTuple):
    """One build on the page; ``record`` is that of :func:`lookup.describe`."""

    build: Build
    record: dict[str, Any]  # JSON, as `/find` answers it
    downloads: int

    @property
    def kind(self) -> str:
        """``Release`` or ``Preview``."""
        return 'Release' if self.build.is_final else 'Preview'

    @property
    def version(self) -> str:
        """Version, or else the revision of the application."""
        return self.build.shown_version or f'revision {self.build.revision}'

    @property
    def system(self) -> str:
        """System and architecture, such as ``macOS, Apple silicon``."""
        return system_name(self.build.os, self.build.arch)

    @property
    def facts(self) -> str:
        """Size, revision and number of downloads in one line."""
        count = f'{self.downloads:,} download{"" if self.downloads == 1 else "s"}'
        return ' · '.join(filter(None, [size(self.record['size']), f'revision {self.build.revision}', count]))


class Architecture(NamedTuple):
    """Row of a system: the newest release and the newest preview for one architecture."""

    arch: str
    name: str
    offers: list[Offer]


class System(NamedTuple):
    """Section of the page: one operating system."""

    os: str
    name: str
    architectures: list[Architecture]

    @property
    def usual(self) -> list[Architecture]:
        """What most visitors need: on a Mac, browsers do not state the architecture, so all; else the 64-bit builds."""
        usual = [one for one in self.architectures if one.arch == 'amd64'] if self.os != 'macosx' else []
        return usual or self.architectures


class OldRelease(NamedTuple):
    """Older release with its builds; ``day`` is that of the newest one."""

    name: str
    day: str
    offers: list[Offer]


class Offers(NamedTuple):
    """Everything that the page lists."""

    systems: list[System]
    older: list[OldRelease]


def of(app: ApplicationFolder, root: str) -> Offers:
    """List the public builds of ``app``, except those that are not ready.

    :param root: relative URL of the server's root.
    """
    ready = [build for build in lookup.builds(app, None) if build.ready]
    releases = selection.newest_each(build for build in ready if build.is_final)
    previews = selection.newest_each(build for build in ready if not build.is_final)
    latest = {build.id for build in releases.values()}
    older = selection.newest_first(build for build in ready if build.is_final and build.id not in latest)
    found = _described(app, root, [*releases.values(), *previews.values(), *older])
    # A build that was deleted in the meantime is not in `found`.
    newest = [found[build.id] for build in (*releases.values(), *previews.values()) if build.id in found]
    return arranged(newest, [found[build.id] for build in older if build.id in found])


def _described(app: ApplicationFolder, root: str, builds: list[Build]) -> dict[Any, Offer]:
    def browse(revision: str, os: str) -> str:
        return f'{root}catalog/All/{quote(revision, safe="")}/{os}?app={app["_id"]}'
    found = lookup.describe(builds, browse)
    counts.add_totals(PACKAGE, app, [one.item for one in found.values()])
    return {key: Offer(one.build, one.record, one.item['downloads']) for key, one in found.items()}


def arranged(newest: list[Offer], older: list[Offer]) -> Offers:
    """Arrange the builds as the page shows them, releases before previews.

    :param newest: the newest release and preview for each system and architecture.
    :param older: all older releases, newest first.
    """
    systems = [System(os, SYSTEMS[os], list(_rows(os, newest))) for os in SYSTEMS]
    by_release: dict[str, list[Offer]] = {}
    for offer in older:
        by_release.setdefault(offer.build.release, []).append(offer)
    return Offers([system for system in systems if system.architectures],
                  [OldRelease(name, some[0].record['build_date_ymd'], sorted(some, key=_position))
                   for name, some in by_release.items()])


def _rows(os: str, newest: list[Offer]) -> Iterable[Architecture]:
    for arch, name in architectures(os).items():
        offers = [offer for offer in newest if (offer.build.os, offer.build.arch) == (os, arch)]
        if offers:
            yield Architecture(arch, name, sorted(offers, key=lambda offer: not offer.build.is_final))


def architectures(os: str) -> dict[str, str]:
    """Architectures of ``os`` with their names, in the order in which the page lists them."""
    return MAC_ARCHITECTURES if os == 'macosx' else ARCHITECTURES


def system_name(os: str, arch: str) -> str:
    """Name of a system and architecture, such as ``macOS, Apple silicon``."""
    return f'{SYSTEMS[os]}, {architectures(os)[arch]}'


def _position(offer: Offer) -> tuple[int, int, float]:
    build = offer.build
    return list(SYSTEMS).index(build.os), list(architectures(build.os)).index(build.arch), -build.built.timestamp()


def size(number: int) -> str:
    """Format a number of bytes for people, such as ``382 MB``; ``''`` for an unknown size."""
    if not number:
        return ''
    value, power = float(number), 0
    while round(value) >= _THOUSAND and power < len(_UNITS) - 1:
        value, power = value / _THOUSAND, power + 1
    precise = 1 if _UNITS[power] in ('GB', 'TB') else 0
    return f'{value:.{precise}f} {_UNITS[power]}'
