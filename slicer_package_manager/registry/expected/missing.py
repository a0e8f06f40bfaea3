"""The expected extensions that builds do not have: since when, and which build had them last."""
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from slicer_package_manager.registry.expected import builds, store
from slicer_package_manager.registry.expected.builds import ChannelBuild
from slicer_package_manager.registry.expected.entries import Entry
from slicer_package_manager.registry.expected.present import System
from slicer_package_manager.registry.expected.store import ExpectedBranch
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree.types import ApplicationFolder, UserDocument

#: How many builds the status of one extension has.
_BUILDS = 10
PRESENT, MISSING, UNFINISHED = 'present', 'missing', 'unfinished'


class Gap(NamedTuple):
    """An extension that a build does not have for a system.

    :param since: the first of the builds in a row that lack it.
    :param last_good: the build before; ``None`` if no build here had it.
    """

    name: str
    system: System
    build: ChannelBuild
    since: ChannelBuild
    last_good: ChannelBuild | None


class Comparison(NamedTuple):
    """The builds of an application, beside what is expected.

    :param builds: those for which something is expected, from old to new.
    :param gaps: of each build, by its place in ``builds``.
    """

    branches: dict[str, ExpectedBranch]
    builds: list[ChannelBuild]
    gaps: list[list[Gap]]

    def newest(self) -> Iterator[Gap]:
        """The gaps of the newest build of each branch and system to which no extensions are being added."""
        seen: set[tuple[str | None, System]] = set()
        for build, gaps in zip(reversed(self.builds), reversed(self.gaps), strict=True):
            finished = {(build.branch, system) for system in build.names if system not in build.unfinished} - seen
            yield from (gap for gap in gaps if (build.branch, gap.system) in finished)
            seen |= finished

    def unfinished(self) -> Iterator[tuple[ChannelBuild, System]]:
        """The newest build of each branch and system for which no build is finished yet."""
        finished = {(build.branch, system) for build in self.builds for system in build.names
                    if system not in build.unfinished}
        newest = {(build.branch, system): build for build in self.builds for system in build.names}
        yield from ((build, system) for (branch, system), build in newest.items() if (branch, system) not in finished)


@transactions.atomic
def compare(app: ApplicationFolder, user: UserDocument | None) -> Comparison:
    """Compare the builds of ``app`` that ``user`` may see with what is expected."""
    branches = store.of_app(app)
    found = [build for build in builds.read(app, user, branches) if build.branch] if branches else []
    return Comparison(branches, found, list(_gaps(branches, found)))


def _gaps(branches: dict[str, ExpectedBranch], ordered: Iterable[ChannelBuild]) -> Iterator[list[Gap]]:
    last_good: dict[tuple[str | None, System, str], ChannelBuild] = {}
    since: dict[tuple[str | None, System, str], ChannelBuild] = {}
    names = {branch: [entry['name'] for entry in one['entries']] for branch, one in branches.items()}
    for build in ordered:
        gaps = []
        for system, present in build.names.items():
            for name in names[build.branch or '']:
                key = build.branch, system, name
                if name in present:
                    last_good[key] = build
                    since.pop(key, None)
                else:
                    gaps.append(Gap(name, system, build, since.get(key, build), last_good.get(key)))
                    if system not in build.unfinished:
                        since.setdefault(key, build)
        yield gaps


def matrix(comparison: Comparison, limit: int, offset: int) -> Document:
    """All builds of one page, newest first, with what each lacks on each system.

    :param limit: number of builds, 0 for all.
    """
    pairs = list(zip(comparison.builds, comparison.gaps, strict=True))[::-1]
    page = pairs[offset:offset + limit] if limit else pairs[offset:]
    return {'branches': [{'branch': name, 'synced': one['synced'], 'extensions': len(one['entries'])}
                         for name, one in comparison.branches.items()],
            'builds': [_row(comparison, build, gaps) for build, gaps in page],
            'extensions': _described(comparison, {gap.name for _, gaps in page for gap in gaps})}


def _described(comparison: Comparison, names: set[str]) -> dict[str, Entry]:
    return {entry['name']: entry for one in comparison.branches.values() for entry in one['entries']
            if entry['name'] in names}


def _row(comparison: Comparison, build: ChannelBuild, gaps: list[Gap]) -> Document:
    expected = len(comparison.branches[build.branch or '']['entries'])
    missing: defaultdict[System, list[Document]] = defaultdict(list)
    for gap in gaps:
        missing[gap.system].append({'name': gap.name, **_history(gap)})
    systems: Document = {}
    for os, arch in sorted(build.names):
        lacking = missing[os, arch]
        systems.setdefault(os, {})[arch] = {
            'present': expected - len(lacking), 'unfinished': (os, arch) in build.unfinished, 'missing': lacking}
    return {**_build(build), 'branch': build.branch, 'expected': expected, 'systems': systems}


def _build(build: ChannelBuild) -> Document:
    return {'revision': build.revision, 'release': build.release, 'version': build.version, 'created': build.created}


def _history(gap: Gap) -> Document:
    return {'since': gap.since.revision, 'since_created': gap.since.created,
            'last_good': gap.last_good and gap.last_good.revision}


def status(comparison: Comparison, name: str) -> Document:
    """The status of the extension ``name``: what its newest builds lack, and its presence in the last builds.

    :raises NotFound: no branch expects it.
    """
    expected = {branch: entry for branch, one in comparison.branches.items() for entry in one['entries']
                if entry['name'] == name}
    if not expected:
        raise NotFound(f'No branch of the extension index that this server knows has an extension "{name}".')
    lacking = [gap for gap in comparison.newest() if gap.name == name]
    coming = [one for one in comparison.unfinished() if one[0].branch in expected and name not in one[0].names[one[1]]]
    rows = [build for build in reversed(comparison.builds) if build.branch in expected]
    numbers = Counter(build.branch for build in rows)
    return {'name': name,
            'expected': [{**entry, 'branch': branch, 'builds': numbers[branch]} for branch, entry in expected.items()],
            'missing': [{'branch': gap.build.branch, 'os': gap.system[0], 'arch': gap.system[1],
                         'revision': gap.build.revision, **_history(gap)} for gap in lacking],
            'unfinished': [{'branch': build.branch, 'os': os, 'arch': arch, 'revision': build.revision}
                           for build, (os, arch) in coming],
            'builds': [{**_build(build), 'branch': build.branch, 'systems': _presence(build, name)}
                       for build in rows[:_BUILDS]]}


def _presence(build: ChannelBuild, name: str) -> Document:
    found: Document = {}
    for os, arch in sorted(build.names):
        is_there = name in build.names[os, arch]
        absent = UNFINISHED if (os, arch) in build.unfinished else MISSING
        found.setdefault(os, {})[arch] = PRESENT if is_there else absent
    return found
