"""Contents of the download page, arranged as it lists them: pure rules. :mod:`offering` reads them."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from slicer_package_manager.pages import builds, install
from slicer_package_manager.pages.previews import Changes, Stage
from slicer_package_manager.registry.catalog.extension_lists import Revision
from slicer_package_manager.registry.lookup.selection import Build

#: Operating systems and architectures in the order in which the page lists them, with the names that people know.
SYSTEMS = {'win': 'Windows', 'macosx': 'macOS', 'linux': 'Linux'}
ARCHITECTURES = {'amd64': '64-bit', 'arm64': 'ARM 64-bit', 'i386': '32-bit'}
MAC_ARCHITECTURES = {'arm64': 'Apple silicon', 'amd64': 'Intel', 'i386': '32-bit'}
_UNITS = ('bytes', 'kB', 'MB', 'GB', 'TB')
_THOUSAND = 1000


class Offer(NamedTuple):
    """One build on the page; ``record`` is that of :func:`lookup.describe`.

    :param file_name: the name under which browsers save the file.
    :param stage: how many extensions it has.
    """

    build: Build
    record: dict[str, Any]  # JSON, as `/find` answers it
    downloads: int
    file_name: str = ''
    stage: Stage = Stage()

    @property
    def name(self) -> str:
        """The name that people know."""
        build = self.build
        return builds.name(build.revision, Revision(build.release, build.version, build.built))

    @property
    def check(self) -> str:
        """The command that checks the file on its system."""
        return install.check(self.build.os, self.file_name, self.record['sha512'])

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
        """Size and number of downloads in one line."""
        count = f'{self.downloads:,} download{"" if self.downloads == 1 else "s"}'
        return ' · '.join(filter(None, [size(self.record['size']), count]))


class Preview(NamedTuple):
    """A recent preview.

    :param offers: its builds, one for each system.
    :param before: the name of the preview before; empty if there is none.
    :param changes: what its extensions differ in from those.
    """

    name: str
    offers: list[Offer]
    before: str
    changes: Changes

    @property
    def is_complete(self) -> bool:
        """Whether about as many extensions are there as usual, on all systems."""
        return all(offer.stage.is_complete for offer in self.offers)


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
    """Everything that the page lists.

    :param previews: the newest ones, newest first.
    :param notes: what the descriptions of releases link to, by the names of the releases.
    """

    systems: list[System]
    older: list[OldRelease]
    previews: Sequence[Preview] = ()
    notes: Mapping[str, str] = MappingProxyType({})

    def instead_of(self, offer: Offer) -> Offer | None:
        """The last complete preview for the same system, if ``offer`` is not complete."""
        if offer.stage.is_complete or offer.build.release:
            return None
        return next((one for preview in self.previews for one in preview.offers if one.stage.is_complete
                     and (one.build.os, one.build.arch) == (offer.build.os, offer.build.arch)), None)


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
                  [OldRelease(name, some[0].record['build_date_ymd'], sorted(some, key=position))
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


def position(offer: Offer) -> tuple[int, int, float]:
    """Key that sorts builds by system and architecture, as the page lists these, and then the newest first."""
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
