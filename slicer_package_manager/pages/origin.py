"""Where the file of an extension is from: the run of a CI service, and an attestation of how it was built."""
from __future__ import annotations

from typing import NamedTuple

from slicer_package_manager.registry.catalog import attesting, packages
from slicer_package_manager.registry.schema import urls
from slicer_package_manager.registry.schema.errors import NotFound
from slicer_package_manager.registry.schema.fields import EXTENSION
from slicer_package_manager.registry.tree import access, builds
from slicer_package_manager.registry.tree.types import ApplicationFolder, Build, PackageItem, StoredFile

#: Digits of a commit or checksum that people read.
_SHORT = 7


class Link(NamedTuple):
    """A text with what it links to; ``url`` may be empty. ``whole`` is the text that ``text`` is short for."""

    text: str
    url: str
    whole: str = ''


class Origin(NamedTuple):
    """The origin of a file.

    :param run: repository, commit and run of the CI service that uploaded the file; empty if it was none.
    :param attested: the SHA-256 that an attestation is about; empty if there is none.
    :param file_name: of the file; empty without one.
    :param sha512: of the file; may be empty.
    """

    run: tuple[Link, ...] = ()
    attested: str = ''
    file_name: str = ''
    sha512: str = ''


class Published(NamedTuple):
    """An extension that everyone may see, with its file."""

    item: PackageItem
    file: StoredFile


def published(app: ApplicationFolder, item_id: str) -> Published | None:
    """Read an extension that everyone may see; ``None`` if it was deleted meanwhile."""
    try:
        item = packages.load(EXTENSION, app, item_id, None, access.GET_PROVENANCE)
        return Published(item, packages.file_of(item))
    except NotFound:
        return None


def of(found: Published | None) -> Origin:
    """The origin of the file of an extension."""
    if found is None:
        return Origin()
    item, file = found
    build, attestation = builds.of_file(file), attesting.described(item, file)
    return Origin(_run(build) if build else (), attestation['sha256'] if attestation else '', str(file['name']),
                  str(item['meta'].get('sha512') or ''))


def _run(build: Build) -> tuple[Link, ...]:
    return (Link(build['repository'], _web(build['repository_url'])),
            Link(build['commit'][:_SHORT], _web(build['commit_url']), build['commit']),
            Link(f'run {build["run"]}', _web(build['run_url'])))


def _web(url: str) -> str:
    return url if urls.is_url(url, ('http', 'https')) else ''
