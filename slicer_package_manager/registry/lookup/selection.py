"""Which build of an application is meant by a request for one: rules without a database.

They are those of the download site that Slicer, package managers and scripts were written for, but for what was
wrong there: a version with more parts than a package's was an error, builds of the asked day were left out, and
among the builds of one revision the architecture was left to chance.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

RELEASE, NIGHTLY, ANY = STABILITIES = ('release', 'nightly', 'any')
#: What a request that names no architecture is answered with, where there is such a build: those who ask so
#: know of no other.
USUAL_ARCHITECTURE = 'amd64'
_INTEGER = re.compile('[0-9]{1,255}')
_DATED = re.compile(r'(.+?)-[0-9]{4}-[0-9]{2}-[0-9]{2}')
_VERSION = re.compile(r'[0-9]+(\.[0-9]+)*')


@dataclass(frozen=True)
class Build:
    """What tells one package of an application from the others.

    :param built: when, in UTC.
    :param version: as it was given with the package, such as ``5.9.0-2026-11-01``; may be empty.
    :param release: name of the release, ``''`` for a draft.
    :param id: something to order by what is equal in all else.
    :param held_back: whether it is not to be offered as the latest one.
    """

    id: Any
    os: str
    arch: str
    revision: str
    built: datetime
    version: str = ''
    release: str = ''
    pre_release: bool = False
    held_back: bool = False

    @property
    def stability(self) -> str:
        """What the build is called: one in a release is ``release``, also while that is a preview."""
        return RELEASE if self.release else NIGHTLY

    @property
    def shown_version(self) -> str:
        """The name of the release, else the version without its date."""
        return self.release or _undated(self.version)

    @property
    def is_final(self) -> bool:
        """Whether the build is a release and not just a preview of one."""
        return bool(self.release) and not self.pre_release


def _undated(version):
    dated = _DATED.match(version)
    return dated[1] if dated else version


def order(build: Build):
    """A key to sort builds by, the newest last: by revision, then by when they were built.

    Revisions that are whole numbers are compared as such and go after, thus count as newer than, all others.
    """
    return revision_order(build.revision), build.built, build.id


def revision_order(revision: str):
    """A key to sort revisions by, the newest last."""
    return (1, int(revision), '') if _INTEGER.fullmatch(revision) else (0, 0, revision)


def newest_first(builds: Iterable[Build]) -> list[Build]:
    """``builds`` in the order in which the first one that fits is the answer."""
    return sorted(builds, key=order, reverse=True)


def newest_each(builds: Iterable[Build]) -> dict[tuple[str, str], Build]:
    """The newest of ``builds`` for each system and architecture."""
    newest: dict[tuple[str, str], Build] = {}
    for build in newest_first(builds):
        newest.setdefault((build.os, build.arch), build)
    return newest


def is_stable(build: Build, stability: str) -> bool:
    """Whether ``build`` is one of those that ``stability``, one of :data:`STABILITIES`, asks for."""
    return stability == ANY or (build.is_final if stability == RELEASE else not build.release)


def has_revision(build: Build, revision: str) -> bool:
    """Whether ``revision`` is the build's; whole numbers are compared as such."""
    return revision_order(build.revision) == revision_order(revision)


def is_not_after(build: Build, revision: str) -> bool:
    """Whether the build's revision is a whole number up to ``revision``, which is one."""
    return revision_order('0') <= revision_order(build.revision) <= revision_order(revision)


def was_built_by(build: Build, moment: date) -> bool:
    """Whether the build was there at ``moment``, a ``datetime`` in UTC or, meant as its end, a day."""
    return (build.built if isinstance(moment, datetime) else build.built.date()) <= moment


def is_named(build: Build, version: str) -> bool:
    """Whether ``version`` is all of the build's."""
    return version in _spellings(build)


def has_version(build: Build, version: str) -> bool:
    """Whether all dotted parts of ``version`` are the first ones of the build's: ``5`` and ``5.8`` are ``5.8.1``."""
    return any(_begins(spelling, version) for spelling in _spellings(build))


def _begins(version, start):
    parts = start.split('.')
    return version.split('.')[:len(parts)] == parts


def _spellings(build):
    """The versions by which a build is known: with and without its date, and the name of the release.

    A release that is named like another version replaces what the package says.
    """
    plain = _undated(build.version)
    if _VERSION.fullmatch(build.release) and not _begins(plain, build.release):
        return (build.release,)
    return tuple(one for one in (build.release, build.version, plain) if one)


def choose(builds: Iterable[Build], fits: Callable[[Build], bool], arch: str | None = None,
           offset: int = 0) -> Build | None:
    """The newest of ``builds`` that ``fits``, or the newest one that is ``offset`` revisions away from it.

    :param arch: the wanted architecture; ``None`` takes the usual one and, if nothing there fits, any other.
    :param offset: -1 for the revision before, 1 for the one after. Revisions are those of ``builds``, whether
        they fit or not.
    :returns: ``None`` where nothing fits, or there are not as many revisions.
    """
    ordered = newest_first(builds)
    usual = arch or USUAL_ARCHITECTURE
    groups = [[one for one in ordered if one.arch == usual]]
    if arch is None:
        groups.append([one for one in ordered if one.arch != usual])
    for group in groups:
        first = next((one for one in group if fits(one)), None)
        if first:
            return _moved(group, first, offset)
    return None


def _moved(ordered: Sequence[Build], first, offset):
    if offset == 0:
        return first
    newest = [next(same) for _, same in groupby(ordered, lambda one: revision_order(one.revision))]
    revisions = [revision_order(one.revision) for one in newest]
    # What is newer stands before.
    place = revisions.index(revision_order(first.revision)) - offset
    return newest[place] if 0 <= place < len(newest) else None
