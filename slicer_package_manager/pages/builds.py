"""Builds of an application for which there are extensions: which one is shown by default, and how people name them."""
from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from slicer_package_manager.pages import days
from slicer_package_manager.registry.catalog.extension_lists import Revision
from slicer_package_manager.registry.schema.revisions import revision_order
from slicer_package_manager.registry.schema.types import Document

_SYSTEMS = {'linux': 'Linux', 'win': 'Windows', 'macosx': 'macOS'}
_PROCESSORS = {'amd64': 'x86-64', 'arm64': 'ARM', 'i386': '32-bit'}
_MACS = {'amd64': 'Intel', 'arm64': 'Apple silicon'}
_DATED = re.compile(r'(.+?)-([0-9]{4}-[0-9]{2}-[0-9]{2})')
#: Architectures in the order of preference where an address names none.
USUAL = ('amd64', 'arm64', 'i386')


class SystemBuild(NamedTuple):
    """The number of extensions of a build for one system."""

    os: str
    arch: str
    number: int
    ready: bool


class Build(NamedTuple):
    """A release or a draft, with the systems for which it has extensions."""

    revision: str
    known: Revision
    systems: tuple[SystemBuild, ...]

    @property
    def release(self) -> str:
        """The name of the release; empty for a draft."""
        return self.known.release

    @property
    def name(self) -> str:
        """The name that people know."""
        return name(self.revision, self.known)


def name(revision: str, known: Revision) -> str:
    """The name that people know, such as ``5.8.1 (r33241)`` or ``5.11.0 preview, Nov 27, 2026 (r34108)``."""
    if known.release:
        return f'{known.release} ({short(revision)})'
    version, day = _parts(known)
    words = ', '.join(filter(None, [f'{version} preview'.strip().capitalize() if version or day else '', day]))
    return f'{words} ({short(revision)})' if words else f'Revision {revision}'


def _parts(known: Revision) -> tuple[str, str]:
    """The version of a preview, and the day of its sources, which versions have at their end, or of the build."""
    dated = _DATED.fullmatch(known.version)
    with contextlib.suppress(ValueError):
        if dated:
            return dated[1], days.shown(dated[2])
    return known.version, days.shown(f'{known.built:%Y-%m-%d}') if known.built else ''


def short(revision: str) -> str:
    """A revision as people write it: ``r33241``."""
    return f'r{revision}' if revision.isdecimal() else revision


def system_name(os: str, arch: str = '') -> str:
    """The name that people know for an operating system and, if given, an architecture."""
    known = _SYSTEMS.get(os, os)
    if not arch or (arch == 'amd64' and os != 'macosx'):
        return known
    return f'{known} ({(_MACS if os == "macosx" else _PROCESSORS).get(arch) or _PROCESSORS.get(arch, arch)})'


def of_summary(summary: Document) -> list[Build]:
    """The builds in the summary of an application that have extensions, newest revision first."""
    found = [*(_build(row, row['name']) for row in summary['releases']),
             *(_build(row, '') for row in summary['drafts'])]
    return sorted((one for one in found if one.systems), key=lambda one: revision_order(one.revision), reverse=True)


def _build(row: Document, release: str) -> Build:
    return Build(row['revision'], Revision(release, row['version'], row['built']), tuple(
        SystemBuild(os, arch, number, bool(row['ready_for'].get(os, {}).get(arch)))
        for os, by_arch in row['extensions'].items() for arch, number in by_arch.items()))


def latest(builds: list[Build], os: str) -> Build | None:
    """The build to show by default: the latest release for the system, else the latest build.

    :param builds: newest first.
    """
    ready = [one for one in builds if _has(one, os, ready=True)]
    candidates = [*(one for one in ready if one.release), *ready, *(one for one in builds if _has(one, os)), *builds]
    return candidates[0] if candidates else None


def _has(build: Build, os: str, *, ready: bool = False) -> bool:
    return any(one.os == os and (one.ready or not ready) for one in build.systems)


def usual_architecture(available: Iterable[str]) -> str:
    """The architecture to show where an address names none; empty if there is none."""
    found = set(available)
    return next((one for one in USUAL if one in found), '')
