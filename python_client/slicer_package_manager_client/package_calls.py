"""Calls for packages and for extensions, which take the package type as an argument."""
from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, TypeVar, cast

from slicer_package_manager_client import provenance, registry
from slicer_package_manager_client.addresses import without_credentials
from slicer_package_manager_client.attestations import Verification
from slicer_package_manager_client.connection import Connection
from slicer_package_manager_client.download import Download, file_of, local_name
from slicer_package_manager_client.errors import InvalidRequest, SlicerPackageManagerError
from slicer_package_manager_client.localfile import LocalFile
from slicer_package_manager_client.publish import Outcome, Publication
from slicer_package_manager_client.registry import DRAFT, Document, given

if TYPE_CHECKING:
    import os

    from slicer_package_manager_client.fields import PackageType

    Path_ = str | os.PathLike[str]

_Method = TypeVar('_Method', bound=Callable[..., Any])


def explained(method: _Method) -> _Method:
    """Make ``method`` raise :class:`SlicerPackageManagerError` for failed requests."""
    @functools.wraps(method)
    def wrapper(self: Connection, *args: Any, **kwargs: Any) -> Any:
        with self.explained():
            return method(self, *args, **kwargs)
    return cast('_Method', wrapper)


class PackageCalls(Connection):
    """A client that finds, lists, publishes, downloads and deletes packages of either type."""

    @explained
    def publication(self, package_type: PackageType, app: str | Document, options: Document, *,
                    coll_id: str | None = None, clear: tuple[str, ...] = ()) -> Publication:
        """Return the publication of a package or extension.

        :param app: the application, or its name or id.
        :param options: values by the names of the command's options.
        :param clear: options whose values are removed on the server.
        :raises InvalidRequest: required options are missing.
        """
        values = {**package_type.by_option(options),
                  **{field.key: '' for field in package_type.fields if field.option in clear}}
        document = registry.application(self, app, coll_id) if isinstance(app, str) else app
        return Publication(self, package_type, document,
                           {key: self._without_credentials(package_type, key, value) for key, value in values.items()})

    def _without_credentials(self, package_type: PackageType, key: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        field = next(one for one in package_type.fields if one.key == key)
        clean = without_credentials(value, is_address=field.address)
        if clean != value:
            self.warn(f'The credentials in --{field.option} were cut off: "{clean}" is sent.')
        return clean

    @explained
    def publishFile(self, package_type: PackageType, filepath: Path_, app_name: str, options: Document, *,
                    coll_id: str | None = None, force: bool = False) -> Outcome:
        """Upload a package or extension; return the item and the status."""
        with LocalFile(filepath) as source:
            return self.publication(package_type, app_name, options, coll_id=coll_id).send(source, force=force)

    @explained
    def provenanceOf(self, package_type: PackageType, app_name: str, item: Document,
                     coll_id: str | None = None) -> Document:
        """Return what the server states about the origin of the file of a package or extension.

        ``build`` is the run of a CI service that has uploaded it, and ``attestation`` has the ``url`` of its
        attestation; either is ``None`` if there is none. A server that is too old for that states nothing.
        """
        app = registry.application(self, app_name, coll_id)
        found = provenance.of_item(self, package_type, app, item)
        if found.get('attestation'):
            found['attestation']['url'] = provenance.attestation_url(self.urlBase, package_type, app, item)
        return found

    @explained
    def find(self, package_type: PackageType, app_name: str, id_or_name: str, coll_id: str | None = None, *,
             release: str | None = None, **filters: Any) -> Document:
        """Return the package or extension with that id or name; see :func:`registry.package`."""
        app = registry.application(self, app_name, coll_id)
        if release and release != DRAFT:
            release = registry.release(self, app, release)['_id']
        return registry.package(self, package_type, app, id_or_name, **{package_type.release_filter: release},
                                **filters)

    @explained
    def fileOf(self, item: Document) -> Document:
        """Return the file of a package or extension, with its expected checksum."""
        return file_of(self, item)

    @explained
    def findApp(self, name: str, coll_id: str | None = None) -> Document:
        """Return the application with that name or id."""
        return registry.application(self, name, coll_id)

    @explained
    def findRelease(self, app_name: str, name: str, coll_id: str | None = None) -> Document:
        """Return the release with that name or id."""
        return registry.release(self, registry.application(self, app_name, coll_id), name)

    @explained
    def findDraft(self, app_name: str, revision: str, coll_id: str | None = None) -> Document:
        """Return the draft of that revision."""
        return registry.draft(self, registry.application(self, app_name, coll_id), revision)

    @explained
    def releaseNames(self, package_type: PackageType, app_name: str, items: list[Document],
                     coll_id: str | None = None) -> dict[str, str]:
        """Return the name of the release, or "draft", for each folder of ``items``."""
        return registry.release_names(self, registry.application(self, app_name, coll_id), package_type, items)

    @explained
    def downloadStatistics(self, app_name: str, coll_id: str | None = None, **filters: Any) -> Any:
        """Return download counts: nested totals, or rows if ``filters`` are given."""
        app = registry.application(self, app_name, coll_id)
        answer = self.get(f'app/{app["_id"]}/downloadstats', parameters=given(
            **filters, limit=0 if any(filters.values()) else None))
        if any(filters.values()) and not isinstance(answer, list):
            raise SlicerPackageManagerError('The server has no statistics by period.',
                                            server=self.urlBase, advice='It is too old for that.')
        return answer

    @explained
    def fetch(self, package_type: PackageType, app_name: str, id_or_name: str, *, coll_id: str | None = None,
              dir_path: Path_ | None = None, output: Path_ | None = None, force: bool = False,
              dry_run: bool = False, verify_provenance: str | None = None, **filters: Any
              ) -> tuple[Document, Path, str]:
        """Download a package or extension; return its item, the local path and the status.

        :param filters: those of :meth:`find`.
        :param output: the path of the local file, instead of its own name in ``dir_path``.
        :param force: overwrite a different file.
        :param dry_run: return the status without downloading.
        :param verify_provenance: the repository on GitHub that must have built the file, see :mod:`attestations`.
        :raises Unverified: no attestation proves that it has.
        """
        if dir_path and output:
            raise InvalidRequest('Give a directory or a path for the file, not both.')
        item = self.find(package_type, app_name, id_or_name, coll_id, **filters)
        file = file_of(self, item)
        target = Path(output) if output else Path(dir_path or '.') / local_name(file['name'])
        accept = (self._acceptance(package_type, app_name, coll_id, item, verify_provenance) if verify_provenance
                  else None)
        download = Download(self, file, target, force=force, accept=accept)
        return item, target, download.plan() if dry_run else download.run()

    def _acceptance(self, package_type: PackageType, app_name: str, coll_id: str | None, item: Document,
                    repository: str) -> Callable[[str], None]:
        """Return the function that refuses another file than one that ``repository`` has built."""
        verification = Verification(repository)
        content = provenance.attestation_of(self, package_type, registry.application(self, app_name, coll_id), item)
        attested = verification.attested(content)
        return lambda sha256: verification.require(attested, sha256, item['name'])

    @explained
    def listPackages(self, package_type: PackageType, app_name: str, *, coll_id: str | None = None,
                   release: str | None = None, limit: int = 50, query: str | None = None,
                   name: str | None = None, all: bool = False,  # noqa: A002
                   **filters: Any) -> list[Document]:
        """Return packages or extensions, newest first; ``limit`` 0 means all."""
        app = registry.application(self, app_name, coll_id)
        if all:
            release = None
        if release and release != DRAFT:
            release = registry.release(self, app, release)['_id']
        return registry.packages(self, package_type, app, **{package_type.release_filter: release}, limit=limit,
                                 q=query, baseName=name, **filters)

    @explained
    def deletePackage(self, package_type: PackageType, app_name: str, id_or_name: str,
                    coll_id: str | None = None) -> Document:
        """Delete a package or extension."""
        app = registry.application(self, app_name, coll_id)
        item = registry.package(self, package_type, app, id_or_name)
        self.delete(f'app/{app["_id"]}/{package_type.label}/{item["_id"]}')
        return item
