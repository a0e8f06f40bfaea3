"""Builds of an application for which there are extensions: which one is shown by default, and how people name them."""
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from slicer_package_manager.registry.schema.revisions import revision_order
from slicer_package_manager.registry.schema.types import Document

_SYSTEMS = {'linux': 'Linux', 'win': 'Windows', 'macosx': 'macOS'}
_PROCESSORS = {'amd64': 'x86-64', 'arm64': 'ARM', 'i386': '32-bit'}
_MACS = {'amd64': 'Intel', 'arm64': 'Apple silicon'}
#: Architectures in the order of preference where an address names none.
USUAL = ('amd64', 'arm64', 'i386')


class SystemBuild(NamedTuple):
    """The number of extensions of a build for one system."""

    os: str
    arch: str
    number: int
    ready: bool


class Build(NamedTuple):
    """A release, or a draft, whose ``release`` is empty, with the systems for which it has extensions."""

    revision: str
    release: str
    systems: tuple[SystemBuild, ...]

    @property
    def name(self) -> str:
        """The release with its revision, or just the revision."""
        return name(self.revision, self.release)


def name(revision: str, release: str) -> str:
    """The name of a build: the release with its revision, or just the revision."""
    return f'{release} ({revision})' if release else revision


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
    return Build(row['revision'], release, tuple(
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
