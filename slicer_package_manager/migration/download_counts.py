"""The download counts of the older server, as a lot without days beside the counts of this one."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.rules import counts as rules
from slicer_package_manager.migration.rules import items, texts
from slicer_package_manager.migration.rules.folders import Layout
from slicer_package_manager.registry.downloads import counts, rollup
from slicer_package_manager.registry.downloads.counts import CountKey
from slicer_package_manager.registry.schema.fields import PACKAGE
from slicer_package_manager.registry.tree import registration
from slicer_package_manager.registry.tree.registration import DRAFTS, RELEASE

#: The keys of the values by which downloads are counted.
_KEYS = ('kind', 'revision', 'baseName', 'os', 'arch', 'release', 'day')
#: How many counts are written at once.
_BATCH = 1000


def of_application(app: Mapping[str, Any], sources: Iterable[Mapping[str, Any]], layout: Layout,
                   names: Mapping[str, set[str]]) -> Counter[tuple[Any, ...]]:
    """Return the downloads of ``app`` by the values of their keys, the day last.

    :param sources: the folders of the application as the source has them.
    :param layout: what these folders are here.
    :param names: the base names of the packages of each revision.
    """
    found: Counter[tuple[Any, ...]] = Counter()
    for folder in sources:
        placed = layout.folders.get(layout.merged.get(folder['_id'], folder['_id']))
        release = placed['name'] if placed and registration.role(placed) == RELEASE else ''
        for one in _of_folder(folder, placed):
            name = _name(one.package_type is PACKAGE, one.name, names.get(one.revision), app)
            key = (one.package_type.label, one.revision, name, one.os, one.arch, release, counts.UNDATED)
            found[key] += one.number
    return found


def _of_folder(folder: Mapping[str, Any], placed: Mapping[str, Any] | None) -> Iterator[rules.Count]:
    meta, place = folder.get('meta') or {}, registration.role(placed)
    if place == DRAFTS:
        yield from rules.of_drafts(meta.get('downloadStats'))
    elif place == RELEASE or 'revision' in meta:  # a release that is set aside, too
        revision = (items.revision(placed['spm']) if placed and place == RELEASE else
                    str(texts.as_text(meta['revision'])))
        yield from rules.of_release(meta.get('downloadStats'), revision)
        yield from rules.of_early_release(meta.get('downloadExtensions'), revision)


def _name(is_package: bool, name: str, names: set[str] | None, app: Mapping[str, Any]) -> str:
    """The name by which is counted: that of a package is the only one of the revision, or that of ``app``."""
    if not is_package:
        return name
    return next(iter(names)) if names and len(names) == 1 else str(app['name'])


class Fetched(NamedTuple):
    """What an older server has counted when a migration downloaded a file from it.

    :param channel: the id of the folder of the release or draft.
    :param name: of an extension; ``''`` for packages, as in :class:`rules.Count`.
    """

    app: Any
    channel: Any
    kind: str
    revision: str
    name: str
    os: str
    arch: str


def of_download(item: Mapping[str, Any], folder: Mapping[str, Any] | None) -> Fetched | None:
    """Return what the older server counts when a file of ``item`` is downloaded; ``None`` if it counts nothing.

    It counts all items with one identity together, also those that no list here has.

    :param folder: the folder of the item, as it is to be here.
    """
    package_type = registration.package_type_in(folder)
    given = item.get('meta')
    meta = given if isinstance(given, Mapping) else {}
    if folder is None or package_type is None or not all(isinstance(meta.get(key), str) for key in ('os', 'arch')):
        return None
    place = folder['spm']
    name = '' if package_type is PACKAGE else str(texts.as_text(meta.get('baseName')) or '')
    return Fetched(place['app'], place['channel'], package_type.label, items.revision(place), name,
                   texts.system(meta['os']), texts.architecture(meta['arch']))


def of_fetched(numbers: Mapping[Fetched, int], app: Mapping[str, Any], layout: Layout, names: Mapping[str, set[str]]
               ) -> Counter[tuple[Any, ...]]:
    """Return those of ``numbers`` of downloads that are of ``app``, by the values of their keys; see
    :func:`of_application`.
    """
    found: Counter[tuple[Any, ...]] = Counter()
    for one, number in numbers.items():
        if one.app == app['_id']:
            placed = layout.folders.get(one.channel)  # a release may have another name and another revision now
            is_release = registration.role(placed) == RELEASE
            revision = items.revision(placed['spm']) if placed and is_release else one.revision
            name = _name(one.kind == PACKAGE.label, one.name, names.get(revision), app)
            release = placed['name'] if placed and is_release else ''
            found[one.kind, revision, name, one.os, one.arch, release, counts.UNDATED] += number
    return found


def base_names(database: AnyDatabase, folder_ids: list[Any]) -> dict[str, set[str]]:
    """Return the base names of the packages in these folders of releases and drafts, by the revision they state."""
    found: dict[str, set[str]] = {}
    for row in database['item'].aggregate([
            {'$match': {'folderId': {'$in': folder_ids}, 'meta.baseName': {'$type': 'string'}}},
            {'$group': {'_id': {'revision': '$meta.revision', 'name': '$meta.baseName'}}}]):
        found.setdefault(str(row['_id'].get('revision')), set()).add(row['_id']['name'])
    return found


def write(app_id: Any, found: Mapping[tuple[Any, ...], int], before: Iterable[tuple[Any, ...]] = ()) -> None:
    """Raise the counts of the application to ``found``, by the values of their keys, the day last.

    :param before: the keys that a migration has written before. Those of packages that have another key now, since a
        release was renamed or the name of a package has changed, are removed.
    """
    same = {_essence(values) for values in found}
    for values in before:
        if values not in found and _essence(values) in same:
            rollup.remove(_key(app_id, values))
    rows = [(_key(app_id, values), number) for values, number in found.items()]
    for start in range(0, len(rows), _BATCH):
        counts.raise_to(rows[start:start + _BATCH])


def _essence(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """What of a key stays the same: without the release and, of packages, without the name."""
    kind, revision, name, os, arch, *_ = values
    return kind, revision, '' if kind == PACKAGE.label else name, os, arch


def lower(app_id: Any, wanted: Mapping[tuple[Any, ...], int]) -> Iterator[tuple[str, int, int]]:
    """Yield the name, the wanted and the stored number of each count of the application that is lower than wanted."""
    found = {tuple(one[key] for key in _KEYS): one['count'] for one in counts.Download().collection.find(
        {'app': app_id, 'kind': counts.COUNTS})}
    for values, number in wanted.items():
        if found.get(values, 0) < number:
            yield str(values[2]), number, found.get(values, 0)


def _key(app_id: Any, values: tuple[Any, ...]) -> CountKey:
    key: CountKey = {'app': app_id, **dict(zip(_KEYS, values, strict=True))}  # type: ignore[typeddict-item]
    return key


def totals(found: Mapping[tuple[Any, ...], int]) -> Counter[str]:
    """Downloads of packages and of extensions in ``found``, for the report."""
    by_kind: Counter[str] = Counter()
    for (kind, *_), number in found.items():
        by_kind['downloads of packages' if kind == PACKAGE.label else 'downloads of extensions'] += number
    return by_kind
