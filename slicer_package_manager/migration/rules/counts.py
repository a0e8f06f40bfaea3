"""Download counts as the older server stores them: nested keys in the metadata of folders."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from slicer_package_manager.migration.rules import texts, values
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PackageType

#: Metadata of folders with the download counts of the older server.
STATS = ('downloadStats', 'downloadExtensions')
_OF = {PACKAGE.plural: PACKAGE, EXTENSION.plural: EXTENSION}
#: The metadata that an item needs, so that the older server counts its downloads.
_COUNTED = ('baseName', 'revision', 'os', 'arch')
#: The last keys of a count: the operating system and the architecture.
_SYSTEM = 2


class Count(NamedTuple):
    """Downloads of one package; ``name`` is ``''`` for packages, whose name the older server does not store."""

    package_type: PackageType
    revision: str
    name: str
    os: str
    arch: str
    number: int


def of_release(stats: object, revision: str, less: Mapping[str, int] | None = None) -> Iterator[Count]:
    """Yield the counts in the metadata ``downloadStats`` of a release of ``revision``.

    :param less: by how much each count is lower than stated, by its keys with dots between them.
    """
    for path, number in _leaves(stats, less or {}):
        yield from _count(revision, path, number)


def of_drafts(stats: object, less: Mapping[str, int] | None = None) -> Iterator[Count]:
    """Yield the counts in the metadata ``downloadStats`` of the folder of drafts, which have the revision first.

    :param less: see :func:`of_release`.
    """
    for path, number in _leaves(stats, less or {}):
        begin = next((place for place, key in enumerate(path) if key in _OF), 0)
        yield from _count('.'.join(path[:begin]), path[begin:], number)


def of_early_release(stats: object, revision: str) -> Iterator[Count]:
    """Yield the counts in the metadata ``downloadExtensions`` that early versions stored in a release."""
    for path, number in _leaves(stats, {}):
        yield from _count(revision, (EXTENSION.plural, *path), number)


def total(stats: object, less: Mapping[str, int]) -> int:
    """Return the sum of all counts below ``stats``; see :func:`of_release`."""
    return sum(number for _, number in _leaves(stats, less))


def _count(revision: str, path: tuple[str, ...], number: int) -> Iterator[Count]:
    package_type = _OF.get(path[0]) if len(path) > _SYSTEM else None
    name = '.'.join(path[1:-_SYSTEM])  # a dot in a name has nested the keys
    if package_type and revision and (package_type is PACKAGE) == (not name):
        os, arch = path[-_SYSTEM:]
        yield Count(package_type, revision, name, texts.system(os), texts.architecture(arch), number)


def unusable(stats: object) -> Iterator[tuple[str, object]]:
    """Yield the place and the value of each count below ``stats`` that is no number of downloads."""
    for path, value in _values(stats):
        if value is not None and values.whole(value) is None and not _is_fraction(value):
            yield '.'.join(path), value


def path_of_download(meta: object, *, in_drafts: bool) -> str | None:
    """Return the keys, with dots between them, by which the older server counts a download of an item with ``meta``.

    It takes their values for text as they are. It counts nothing if one is missing, or if a part is empty, which is no
    key of its database.

    :param in_drafts: it counts in the folder of drafts.
    """
    if not isinstance(meta, Mapping) or any(key not in meta for key in _COUNTED):
        return None
    is_extension = 'app_revision' in meta
    revision = (meta['app_revision' if is_extension else 'revision'],) if in_drafts else ()
    kind = (EXTENSION.plural, meta['baseName']) if is_extension else (PACKAGE.plural,)
    path = '.'.join(map(str, (*revision, *kind, meta['os'], meta['arch'])))
    return path if all(path.split('.')) else None


def kind_of(path: str) -> PackageType | None:
    """Return the type of packages that is counted by ``path``, keys with dots between them."""
    return next((_OF[key] for key in path.split('.') if key in _OF), None)


def _leaves(stats: object, less: Mapping[str, int]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the keys and the number of each positive number below ``stats``, without what it is lower by."""
    for path, value in _values(stats):
        number = int(value) if _is_fraction(value) else values.whole(value)  # type: ignore[call-overload] # a number
        rest = (number or 0) - less.get('.'.join(path), 0)
        if rest > 0:
            yield path, rest


def _values(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _values(below, (*path, str(key)))
    else:
        yield path, value


def _is_fraction(value: object) -> bool:
    return isinstance(value, float) and 0 <= value <= values.LARGEST
