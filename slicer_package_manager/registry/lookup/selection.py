"""Selection of the build that a query asks for. Pure: no database.

The rules are those of the former download site, on which Slicer, package managers and scripts rely, with three
corrections: a version with more parts than that of a package is not an error, builds of the requested day are included,
and the architecture among the builds of one revision is not arbitrary.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, TypeAlias

from bson.objectid import ObjectId

from slicer_package_manager.registry.lookup.parameters import ANY, NIGHTLY, RELEASE, Query
from slicer_package_manager.registry.schema.revisions import RevisionKey, revision_order

#: Architecture for queries that name none. Clients that name none know of no other.
DEFAULT_ARCHITECTURE = 'amd64'
_DATED = re.compile(r'(.+?)-[0-9]{4}-[0-9]{2}-[0-9]{2}')
_VERSION = re.compile(r'[0-9]+(\.[0-9]+)*')


@dataclass(frozen=True)
class Build:
    """The properties of a package that the selection depends on.

    :param id: of the item; makes the order total.
    :param built: time of the build in UTC.
    :param version: version in the metadata, such as ``5.9.0-2026-11-01``; may be empty.
    :param release: name of the release; ``''`` for a draft.
    :param ready: whether it may be selected as the latest build; see :mod:`catalog.readiness`.
    """

    id: ObjectId
    os: str
    arch: str
    revision: str
    built: datetime
    version: str = ''
    release: str = ''
    pre_release: bool = False
    ready: bool = True

    @property
    def stability(self) -> str:
        """``release`` for a build in a release, also if it is a preview; otherwise ``nightly``."""
        return RELEASE if self.release else NIGHTLY

    @property
    def shown_version(self) -> str:
        """The name of the release; for a draft the version without its date."""
        return self.release or _without_date(self.version)

    @property
    def is_final(self) -> bool:
        """Whether the build is in a release and not a preview."""
        return bool(self.release) and not self.pre_release


def _without_date(version: str) -> str:
    dated = _DATED.match(version)
    return dated[1] if dated else version


def select(builds: Iterable[Build], query: Query, os: str | None, stability: str) -> Build | None:
    """Select the build that ``query`` asks for among those of one operating system and stability.

    A build that is not ready counts only if the query names it.
    """
    candidates = [build for build in builds if build.os == os and is_stable(build, stability)
                  and (build.ready or _is_named(build, query))]
    return choose(candidates, lambda build: _matches(build, query), query.arch, query.offset)


def choose(builds: Iterable[Build], matches: Callable[[Build], bool], arch: str | None = None,
           offset: int = 0) -> Build | None:
    """Return the newest match, or the newest build ``offset`` revisions away from it.

    :param arch: the architecture; by default :data:`DEFAULT_ARCHITECTURE` or, if none of its builds match, any other.
    :param offset: -1 for the previous revision, 1 for the next one, among all revisions of ``builds``.
    :returns: ``None`` if nothing matches, or there is no such revision.
    """
    ordered = newest_first(builds)
    preferred = arch or DEFAULT_ARCHITECTURE
    groups = [[build for build in ordered if build.arch == preferred]]
    if arch is None:
        groups.append([build for build in ordered if build.arch != preferred])
    for group in groups:
        match = next(filter(matches, group), None)
        if match:
            return _moved(group, match, offset)
    return None


def _moved(ordered: Sequence[Build], match: Build, offset: int) -> Build | None:
    if offset == 0:
        return match
    newest = [next(same) for _, same in groupby(ordered, lambda build: revision_order(build.revision))]
    revisions = [revision_order(build.revision) for build in newest]
    place = revisions.index(revision_order(match.revision)) - offset  # newer revisions come first
    return newest[place] if 0 <= place < len(newest) else None


def newest_first(builds: Iterable[Build]) -> list[Build]:
    """Sort ``builds`` by :func:`order`, the newest first."""
    return sorted(builds, key=order, reverse=True)


def newest_each(builds: Iterable[Build]) -> dict[tuple[str, str], Build]:
    """Return the newest of ``builds`` for each operating system and architecture."""
    newest: dict[tuple[str, str], Build] = {}
    for build in newest_first(builds):
        newest.setdefault((build.os, build.arch), build)
    return newest


def order(build: Build) -> tuple[RevisionKey, datetime, ObjectId]:
    """Key that sorts builds from old to new: by revision, then by the time of the build."""
    return revision_order(build.revision), build.built, build.id


def is_stable(build: Build, stability: str) -> bool:
    """Whether a query with ``stability`` may select ``build``."""
    return stability == ANY or (build.is_final if stability == RELEASE else not build.release)


def has_revision(build: Build, revision: str) -> bool:
    """Whether the build has this revision; whole numbers are compared as numbers."""
    return revision_order(build.revision) == revision_order(revision)


def is_not_after(build: Build, revision: str) -> bool:
    """Whether the revision of the build is a whole number up to the number ``revision``."""
    return revision_order('0') <= revision_order(build.revision) <= revision_order(revision)


def was_built_by(build: Build, moment: date) -> bool:
    """Whether the build is from before ``moment``: a ``datetime`` in UTC, or a ``date``, up to its end."""
    return (build.built if isinstance(moment, datetime) else build.built.date()) <= moment


def has_version(build: Build, version: str) -> bool:
    """Whether the version of the build begins with the dotted parts of ``version``: 5 and 5.8 include 5.8.1."""
    return any(_begins(spelling, version) for spelling in _spellings(build))


def is_whole_version(build: Build, version: str) -> bool:
    """Whether ``version`` is the complete version of the build."""
    return version in _spellings(build)


def _begins(version: str, start: str) -> bool:
    parts = start.split('.')
    return version.split('.')[:len(parts)] == parts


def _spellings(build: Build) -> tuple[str, ...]:
    """The versions of a build: the name of the release, and the version with and without its date.

    If the release is named like another version, only its name counts.
    """
    plain = _without_date(build.version)
    if _VERSION.fullmatch(build.release) and not _begins(plain, build.release):
        return (build.release,)
    return tuple(one for one in (build.release, build.version, plain) if one)


_Rules: TypeAlias = dict[str, Callable[[Build, Any], bool]]  # the value has the type of its criterion

#: For each criterion, whether a build has a value.
MATCHES: _Rules = {'revision': has_revision, 'closest-revision': is_not_after, 'version': has_version,
                   'date': was_built_by}
#: For the criteria that can name one build, whether a value names it.
_NAMES: _Rules = {'revision': has_revision, 'version': is_whole_version}


def _matches(build: Build, query: Query) -> bool:
    return query.criterion is None or MATCHES[query.criterion](build, query.value)


def _is_named(build: Build, query: Query) -> bool:
    rule = _NAMES.get(query.criterion or '')
    return rule is not None and rule(build, query.value)
