"""The download counts of the older server, as a lot without days beside the counts of this one."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.rules import counts as rules
from slicer_package_manager.migration.rules import items, texts
from slicer_package_manager.migration.rules.folders import Layout
from slicer_package_manager.registry.downloads import counts, rollup
from slicer_package_manager.registry.downloads.counts import CountKey
from slicer_package_manager.registry.schema.fields import PACKAGE
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import registration
from slicer_package_manager.registry.tree.registration import DRAFT_NAME, DRAFTS, EXTENSIONS_NAME, RELEASE

#: The keys of the values by which downloads are counted.
_KEYS = ('kind', 'revision', 'baseName', 'os', 'arch', 'release', 'day')
#: How many counts are written at once.
_BATCH = 1000
#: How many folders :func:`of_download` looks at.
DEPTH = 3
#: How many downloads by migrations the older server has counted, by the id of the folder and by the keys of the count
#: with dots between them.
Fetched: TypeAlias = Mapping[Any, Mapping[str, int]]


def of_application(app: Mapping[str, Any], sources: Iterable[Mapping[str, Any]], layout: Layout,
                   names: Mapping[str, set[str]], fetched: Fetched) -> Counter[tuple[Any, ...]]:
    """Return the downloads of ``app`` by the values of their keys, the day last.

    :param sources: the folders of the application as the source has them.
    :param layout: what these folders are here.
    :param names: the base names of the packages of each revision.
    :param fetched: downloads by migrations, which are left out.
    """
    found: Counter[tuple[Any, ...]] = Counter()
    for folder in sources:
        placed = _placed(folder, layout)
        release = placed['name'] if placed and registration.role(placed) == RELEASE else ''
        for one in _of_folder(folder, placed, fetched.get(folder['_id'], {})):
            name = _name(one.package_type is PACKAGE, one.name, names.get(one.revision), app)
            key = (one.package_type.label, one.revision, name, one.os, one.arch, release, counts.UNDATED)
            found[key] += one.number
    return found


def left_out(folders: Iterable[Mapping[str, Any]], layout: Layout, fetched: Fetched) -> Iterator[Note]:
    """Yield a note for each of ``folders`` with counts that is neither a release nor the folder of drafts."""
    for folder in folders:
        if not _is_counted(folder, _placed(folder, layout)):
            stats = (folder.get('meta') or {}).get('downloadStats')
            number = rules.total(stats, fetched.get(folder['_id'], {}))
            if number:
                yield Note(Outcome.LEFT_OUT, 'downloads', str(folder['_id']), str(folder.get('name', '')),
                           f'{number} downloads of items in no release or draft are in no total here')


def _placed(folder: Mapping[str, Any], layout: Layout) -> Document | None:
    return layout.folders.get(layout.merged.get(folder['_id'], folder['_id']))


def _is_counted(folder: Mapping[str, Any], placed: Mapping[str, Any] | None) -> bool:
    """Whether ``folder`` is one of drafts, or a release, also one that is set aside."""
    return registration.role(placed) in (DRAFTS, RELEASE) or 'revision' in (folder.get('meta') or {})


def _of_folder(folder: Mapping[str, Any], placed: Mapping[str, Any] | None, fetched: Mapping[str, int]
               ) -> Iterator[rules.Count]:
    meta, place = folder.get('meta') or {}, registration.role(placed)
    if place == DRAFTS:
        yield from rules.of_drafts(meta.get('downloadStats'), fetched)
    elif _is_counted(folder, placed):
        revision = (items.revision(placed['spm']) if placed and place == RELEASE else
                    str(texts.as_text(meta['revision'])))
        yield from rules.of_release(meta.get('downloadStats'), revision, fetched)
        yield from rules.of_early_release(meta.get('downloadExtensions'), revision)


def _name(is_package: bool, name: str, names: set[str] | None, app: Mapping[str, Any]) -> str:
    """The name by which is counted: that of a package is the only one of the revision, or that of ``app``."""
    if not is_package:
        return name
    return next(iter(names)) if names and len(names) == 1 else str(app['name'])


def of_download(item: Mapping[str, Any], folders: Sequence[Mapping[str, Any]]) -> tuple[Any, str] | None:
    """Return where the older server counts a download of a file of ``item``: the id of the folder, and the keys below
    ``downloadStats`` in its metadata. ``None`` if it counts nothing.

    It goes by names of folders and by metadata, not by what is a release or an extension. The download of a part counts
    as one of all.

    :param folders: the folder of the item, the folder of that one, and so on, :data:`DEPTH` ones if there are.
    """
    first = 1 if folders and folders[0].get('name') == EXTENSIONS_NAME else 0
    if len(folders) < first + 2 or not all(one.get('public') for one in folders[:first + 2]):
        return None  # it looks at them as an anonymous user
    folder, above = folders[first:first + 2]
    place = next((one for one in (folder, above) if one.get('name') == DRAFT_NAME), None)
    path = rules.path_of_download(item.get('meta'), in_drafts=place is not None)
    return ((place or folder)['_id'], path) if path else None


def sums_of(fetched: Fetched, folder_ids: Iterable[Any]) -> Counter[str]:
    """Return how many of the downloads ``fetched`` are counted in these folders, by the plural of their type."""
    found: Counter[str] = Counter()
    for identifier in folder_ids:
        for path, number in fetched.get(identifier, {}).items():
            package_type = rules.kind_of(path)
            found[package_type.plural if package_type else ''] += number
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
