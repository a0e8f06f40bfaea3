"""Python interface, with the method and parameter names of release 0.11."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from slicer_package_manager_client import registry
from slicer_package_manager_client.errors import Conflict
from slicer_package_manager_client.fields import EXTENSION, PACKAGE
from slicer_package_manager_client.package_calls import PackageCalls, explained
from slicer_package_manager_client.registry import DRAFT, Document, given

if TYPE_CHECKING:
    import os

    Path_ = str | os.PathLike[str]


class SlicerPackageClient(PackageCalls):
    """A :class:`girder_client.GirderClient` with methods for applications, releases, packages and extensions.

    The methods return documents of the server, or raise
    :class:`~slicer_package_manager_client.errors.SlicerPackageManagerError`.

    :param retries: the :class:`~slicer_package_manager_client.retry.Retries` of failed requests.
    :param timeout: seconds without data from the server after which an attempt fails.
    """

    def __init__(self, host: str | None = None, port: int | None = None, apiRoot: str | None = None,
                 scheme: str | None = None, apiUrl: str | None = None,
                 progressReporterCls: Any = None, **kwargs: Any) -> None:
        super().__init__(host=host, port=port, apiRoot=apiRoot, scheme=scheme, apiUrl=apiUrl,
                         progressReporterCls=progressReporterCls, **kwargs)

    # Applications

    @explained
    def createApp(self, name: str, desc: str | None = None, coll_id: str | None = None,
                  coll_name: str | None = None, coll_desc: str | None = None,
                  public: bool | None = None) -> Document:
        """Create an application.

        :raises Conflict: an application of that name exists.
        """
        if not coll_name and self.listApp(name, coll_id):
            raise Conflict(f'The application "{name}" exists already.', server=self.urlBase)
        return cast('Document', self.post('app', data=given(
            name=name, app_description=desc, collection_id=coll_id, collection_name=coll_name,
            collection_description=coll_desc, public=None if public is None else str(public).lower())))

    @explained
    def listApp(self, name: str | None = None, coll_id: str | None = None) -> list[Document]:
        """Return the applications, or the one of that name, in a collection."""
        found = self.get('app', parameters=given(name=name, collection_id=coll_id))
        return [app for app in found if not name or app['name'] == name]

    @explained
    def deleteApp(self, name: str, coll_id: str | None = None) -> Document:
        """Delete an application with all its releases, drafts and packages."""
        app = registry.application(self, name, coll_id)
        self.delete(f'app/{app["_id"]}')
        return app

    # Releases and drafts

    @explained
    def createRelease(self, app_name: str, name: str, revision: str, coll_id: str | None = None,
                      desc: str | None = None) -> Document:
        """Create a release for a revision of an application.

        :raises Conflict: the name is in use, or another release has that revision.
        """
        app = registry.application(self, app_name, coll_id)
        releases = self.get(f'app/{app["_id"]}/release', parameters={'limit': 0})
        for release in releases:
            if release['name'].lower() == name.lower() or release['meta'].get('revision') == revision:
                raise Conflict(f'The release "{release["name"]}" of revision '
                               f'{release["meta"].get("revision")} exists already.', server=self.urlBase)
        return cast('Document', self.post(f'app/{app["_id"]}/release', data=given(
            name=name, app_revision=revision, description=desc)))

    @explained
    def listRelease(self, app_name: str, name: str | None = None, coll_id: str | None = None) -> Any:
        """Return the releases of an application, newest first; with ``name`` that one, or ``None``."""
        app = registry.application(self, app_name, coll_id)
        return self.get(f'app/{app["_id"]}/release', parameters=given(
            release_id_or_name=name, limit=None if name else 0))

    @explained
    def deleteRelease(self, app_name: str, name: str, coll_id: str | None = None) -> Document:
        """Delete a release with its packages and extensions."""
        app = registry.application(self, app_name, coll_id)
        release = registry.release(self, app, name)
        self.delete(f'app/{app["_id"]}/release/{release["_id"]}')
        return release

    @explained
    def listDraftRelease(self, app_name: str, coll_id: str | None = None, revision: str | None = None,
                         limit: int = 50, offset: int = 0) -> list[Document]:
        """Return the drafts of an application, newest first; ``limit`` 0 means all."""
        app = registry.application(self, app_name, coll_id)
        return cast('list[Document]', self.get(f'app/{app["_id"]}/draft', parameters=given(
            revision=revision, limit=limit, offset=offset)))

    @explained
    def deleteDraftRelease(self, app_name: str, revision: str, coll_id: str | None = None) -> Document:
        """Delete the draft of a revision with its packages and extensions."""
        app = registry.application(self, app_name, coll_id)
        draft = registry.draft(self, app, revision)
        self.delete(f'app/{app["_id"]}/release/{draft["_id"]}')
        return draft

    @explained
    def promoteDraft(self, app_name: str, name: str, coll_id: str | None = None) -> Document:
        """Move all packages and extensions of a release's revision from the draft to the release."""
        app = registry.application(self, app_name, coll_id)
        release = registry.release(self, app, name)
        return cast('Document', self.post(f'app/{app["_id"]}/release/{release["_id"]}/promote',
                                          data={'revision': release['meta'].get('revision', '')}))

    @explained
    def setReleaseReady(self, app_name: str, name: str, ready: str = 'true', coll_id: str | None = None) -> Document:
        """Set whether a release is offered as the latest one: ``true``, ``false``, or ``auto``: the server decides."""
        app = registry.application(self, app_name, coll_id)
        return self._set_ready(app, f'release/{registry.release(self, app, name)["_id"]}', ready)

    @explained
    def setDraftReady(self, app_name: str, revision: str, ready: str = 'true', coll_id: str | None = None) -> Document:
        """Set whether a draft is offered as the latest one, as :meth:`setReleaseReady` does."""
        app = registry.application(self, app_name, coll_id)
        return self._set_ready(app, f'draft/{registry.draft(self, app, revision)["_id"]}', ready)

    def _set_ready(self, app: Document, folder: str, ready: str) -> Document:
        return cast('Document', self.put(f'app/{app["_id"]}/{folder}/ready', parameters={'ready': ready}))

    # Packages

    def uploadApplicationPackage(self, filepath: Path_, app_name: str, pkg_os: str, arch: str, name: str,
                                 repo_type: str, repo_url: str, revision: str, version: str,
                                 build_date: str | None = None, coll_id: str | None = None,
                                 desc: str | None = None, pre_release: bool | None = None,
                                 **fields: Any) -> Document:
        """Upload a package of an application, or update the one with the same identity.

        In an update, parameters that are ``None`` keep their values.

        :param fields: further metadata, by the names of the options of ``package upload``.
        """
        PACKAGE.check_options(fields)
        options = {'os': pkg_os, 'arch': arch, 'name': name, 'repo_type': repo_type, 'repo_url': repo_url,
                   'revision': revision, 'version': version, 'build_date': build_date or None, 'desc': desc,
                   'pre_release': pre_release, **fields}
        return self.publishFile(PACKAGE, filepath, app_name, options, coll_id=coll_id).item

    def listApplicationPackage(self, app_name: str, coll_id: str | None = None, name: str | None = None,
                               pkg_os: str | None = None, arch: str | None = None,
                               revision: str | None = None, version: str | None = None,
                               release: str | None = None, limit: int = 50) -> list[Document]:
        """Return packages of an application, newest first; ``limit`` 0 means all."""
        return self.listPackages(PACKAGE, app_name, coll_id=coll_id, release=release, limit=limit, name=name,
                               os=pkg_os, arch=arch, revision=revision, version=version)

    def downloadApplicationPackage(self, app_name: str, id_or_name: str, coll_id: str | None = None,
                                   dir_path: Path_ | None = None) -> Document:
        """Download a package to a directory, by default to the current one."""
        return self.fetch(PACKAGE, app_name, id_or_name, coll_id=coll_id, dir_path=dir_path)[0]

    def deleteApplicationPackage(self, app_name: str, id_or_name: str,
                                 coll_id: str | None = None) -> Document:
        """Delete a package."""
        return self.deletePackage(PACKAGE, app_name, id_or_name, coll_id)

    # Extensions

    def uploadExtension(self, filepath: Path_, app_name: str, ext_os: str, arch: str, name: str,
                        repo_type: str, repo_url: str, revision: str, app_revision: str,
                        desc: str | None = None, icon_url: str | None = None,
                        category: str | None = None, tier: int | None = None,
                        homepage: str | None = None, screenshots: str | None = None,
                        contributors: str | None = None, dependency: str | None = None,
                        recommends: str | None = None, dicom_support_rule: str | None = None,
                        keywords: str | None = None, coll_id: str | None = None,
                        force: bool = False, **fields: Any) -> Document:
        """Upload an extension, or update the one with the same identity.

        In an update, parameters that are ``None`` keep their values.

        :param force: send the file even if the server has the same one.
        :param fields: further metadata, by the names of the options of ``extension upload``, such as ``license``.
        """
        EXTENSION.check_options(fields)
        options = {
            'os': ext_os, 'arch': arch, 'name': name, 'repo_type': repo_type, 'repo_url': repo_url,
            'revision': revision, 'app_revision': app_revision, 'desc': desc, 'icon_url': icon_url,
            'category': category, 'tier': tier, 'homepage': homepage, 'screenshots': screenshots,
            'contributors': contributors, 'dependency': dependency, 'recommends': recommends,
            'dicom_support_rule': dicom_support_rule, 'keywords': keywords, **fields}
        return self.publishFile(EXTENSION, filepath, app_name, options, coll_id=coll_id, force=force).item

    def listExtension(self, app_name: str, coll_id: str | None = None, name: str | None = None,
                      ext_os: str | None = None, arch: str | None = None,
                      app_revision: str | None = None, release: str | None = DRAFT,
                      query: str | None = None, limit: int = 50,
                      all: bool = False) -> list[Document]:  # noqa: A002
        """Return extensions of an application, newest first; by default those of the drafts.

        :param all: return those of all releases and drafts, without a limit.
        """
        return self.listPackages(EXTENSION, app_name, coll_id=coll_id, release=release, limit=0 if all else limit,
                               name=name, os=ext_os, arch=arch, app_revision=app_revision, query=query,
                               all=all)

    def downloadExtension(self, app_name: str, id_or_name: str, coll_id: str | None = None,
                          dir_path: Path_ | None = None) -> Document:
        """Download an extension to a directory, by default to the current one."""
        return self.fetch(EXTENSION, app_name, id_or_name, coll_id=coll_id, dir_path=dir_path)[0]

    def deleteExtension(self, app_name: str, id_or_name: str, coll_id: str | None = None) -> Document:
        """Delete an extension."""
        return self.deletePackage(EXTENSION, app_name, id_or_name, coll_id)
