"""Checks of an archive before it is uploaded, without a server: contents, binaries and metadata."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slicer_package_manager_client import archives, binaries, filenames
from slicer_package_manager_client.addresses import without_credentials
from slicer_package_manager_client.errors import InvalidRequest
from slicer_package_manager_client.fields import EXTENSION, PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slicer_package_manager_client.fields import PackageType

ERROR, WARNING = 'error', 'warning'
#: Options without which an extension can be uploaded, but hardly be found or judged in the catalog.
_EXPECTED = ('repo_url', 'category', 'desc')
_WEB = ('homepage', 'icon_url', 'screenshots')
#: A build that is larger or smaller than the one before by this factor is suspicious.
_FACTOR = 2.0


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file; a warning is no reason to refuse it."""

    level: str
    message: str


@dataclass
class Contents:
    """What is in an archive."""

    tops: set[str] = field(default_factory=set)
    builds: Counter[tuple[str, frozenset[str]]] = field(default_factory=Counter)
    examples: dict[tuple[str, frozenset[str]], str] = field(default_factory=dict)
    files: int = 0


def check(path: Path, package_type: PackageType, values: dict[str, Any]) -> list[Problem]:
    """Return the problems of the file at ``path``.

    :param values: its metadata by the names of options.
    """
    try:
        archives.require(path, installers=package_type is PACKAGE)
    except InvalidRequest as error:
        return [Problem(ERROR, error.message.partition(';')[0] + '.')]
    except OSError as error:
        return [Problem(ERROR, f'"{path}" cannot be read: {error.strerror}.')]
    return [*_metadata(package_type, values), *_archive(path, package_type, values)]


def compare(size: int, last: int) -> Iterator[Problem]:
    """Compare the size of a build with that of the one before."""
    if last and not last / _FACTOR <= size <= last * _FACTOR:
        yield Problem(WARNING, f'It has {size} bytes, the last build had {last}.')


def _metadata(package_type: PackageType, values: dict[str, Any]) -> Iterator[Problem]:
    missing = [f'--{one.option}' for one in package_type.fields if one.required and not values.get(one.option)]
    if missing:
        yield Problem(ERROR, f'Not given, or empty: {", ".join(missing)}.')
    expected = [f'--{option}' for option in _EXPECTED if package_type is EXTENSION and not values.get(option)]
    if expected:
        yield Problem(WARNING, f'Without {", ".join(expected)}, the catalog shows little about it.')
    for option in _WEB:
        for url in str(values.get(option) or '').replace(',', ' ').split():
            if not _is_web(url):
                yield Problem(WARNING, f'--{option} "{without_credentials(url)}" is no http or https URL; the server '
                                       'leaves it out.')
    for option in ('repo_url', *_WEB):
        text = str(values.get(option) or '')
        if without_credentials(text) != text:
            yield Problem(WARNING, f'--{option} has a user name or a password, which is cut off.')


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {'http', 'https'} and bool(parts.hostname)
    except ValueError:
        return False


def _archive(path: Path, package_type: PackageType, values: dict[str, Any]) -> Iterator[Problem]:
    try:
        contents = read(path)
    except archives.UNREADABLE as error:
        if package_type is EXTENSION:
            yield Problem(WARNING, f'Its contents cannot be read: {error}.')
        return
    if package_type is EXTENSION:
        yield from _folder(path, contents, str(values.get('name') or ''))
    yield from _binaries(contents, values.get('os'), values.get('arch'))


def read(path: Path) -> Contents:
    """Return what is in the archive at ``path``.

    :raises Exception: one of :data:`archives.UNREADABLE`.
    """
    contents = Contents()
    for member in archives.members(path):
        parts = PurePosixPath(member.name).parts
        contents.tops.add(parts[0] if len(parts) > 1 else '')
        contents.files += 1
        found = binaries.systems(member.read(binaries.HEAD))
        if found:
            contents.builds[found] += 1
            contents.examples.setdefault(found, member.name)
    return contents


def _folder(path: Path, contents: Contents, name: str) -> Iterator[Problem]:
    """Check the top folder: Slicer installs only archives whose single top folder is named as the archive."""
    if not contents.files:
        yield Problem(ERROR, 'It has no files.')
        return
    if len(contents.tops) > 1 or '' in contents.tops:
        yield Problem(ERROR, 'Its files are not all in one top folder, so Slicer cannot install it.')
        return
    [top], stem = contents.tops, filenames.stem(path.name)
    if top != stem:
        yield Problem(ERROR, f'Its top folder is "{top}", not "{stem}", so Slicer cannot install it.')
    elif name not in top:
        yield Problem(ERROR, f'Its top folder "{top}" does not have the name "{name}" in it.')


def _binaries(contents: Contents, os: Any, arch: Any) -> Iterator[Problem]:
    """Check whether binaries fit the system; files for others, such as plug-ins of a tool, may be there too."""
    if not contents.builds or not os or not arch:
        return
    fitting = sum(count for (system, archs), count in contents.builds.items() if system == os and arch in archs)
    for (system, archs), count in contents.builds.items():
        if system == os and arch in archs:
            continue
        others = (f'{count} binaries are for {system} {"/".join(sorted(archs))}, such as '
                  f'"{contents.examples[system, archs]}"')
        yield Problem(WARNING, f'{others}.') if fitting else Problem(ERROR, f'{others}, and none is for {os} {arch}.')
