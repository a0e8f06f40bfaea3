"""Checks of a file before it is uploaded, without a server: contents, binaries and metadata."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slicer_package_manager_client.addresses import without_credentials
from slicer_package_manager_client.errors import InvalidRequest
from slicer_package_manager_client.fields import EXTENSION, PACKAGE
from slicer_package_manager_client.inspection import archives, contents
from slicer_package_manager_client.inspection.contents import ERROR, WARNING, Facts, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slicer_package_manager_client.fields import PackageType

#: Options without which an extension can be uploaded, but hardly be found or judged in the catalog.
_EXPECTED = ('repo_url', 'category', 'desc')
_WEB = ('homepage', 'icon_url', 'screenshots')
#: A build that is larger or smaller than the one before by this factor is suspicious.
_FACTOR = 2.0


def require(path: Path, *, installers: bool) -> None:
    """Check that the file at ``path`` is an archive.

    :param installers: whether installers are accepted, too.
    :raises InvalidRequest: it is neither.
    """
    with path.open('rb') as stream:
        if archives.is_archive(stream) or (installers and archives.is_installer(stream)):
            return
    raise InvalidRequest(f'"{path}" is no archive{" and no installer" if installers else ""}; nothing was sent.',
                         advice='Is it the file that the build made? --no-check sends it all the same.')


def check(path: Path, package_type: PackageType, values: dict[str, Any]) -> list[Problem]:
    """Return the problems of the file at ``path``.

    :param values: its metadata by the names of options.
    """
    try:
        require(path, installers=package_type is PACKAGE)
        with path.open('rb') as stream:
            return [*_metadata(package_type, values), *contents.check(stream, _facts(path, package_type, values))]
    except InvalidRequest as error:
        return [Problem(ERROR, error.message.partition(';')[0] + '.')]
    except OSError as error:
        return [Problem(ERROR, f'"{path}" cannot be read: {error.strerror}.')]


def _facts(path: Path, package_type: PackageType, values: dict[str, Any]) -> Facts:
    name, os, arch = (str(values.get(key) or '') for key in ('name', 'os', 'arch'))
    return Facts(package_type is EXTENSION, path.name, name, os, arch)


def compare(size: int, last: int) -> Iterator[Problem]:
    """Compare the size of a build with that of the one before."""
    if last and not last / _FACTOR <= size <= last * _FACTOR:
        yield Problem(WARNING, f'It has {size} bytes, the last build had {last}.')


def _metadata(package_type: PackageType, values: dict[str, Any]) -> Iterator[Problem]:
    yield from contents.missing(f'--{one.option}' for one in package_type.fields
                                if one.required and not values.get(one.option))
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
