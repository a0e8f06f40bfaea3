"""Slicer Package Manager: the registry of 3D Slicer's installers and extensions, a Girder 5 plugin."""
from importlib.metadata import version

from girder.plugin import GirderPlugin, getPlugin

__version__ = version('slicer-package-manager')


class SlicerPackageManagerPlugin(GirderPlugin):
    """Adds applications, releases, drafts, packages and extensions to a Girder server."""

    DISPLAY_NAME = 'Slicer Package Manager'

    def load(self, info):
        """Wire routes, event handlers and indexes into the server described by ``info``.

        :raises RuntimeError: data in the database breaks the uniqueness of packages; the message names it.
        """
        from slicer_package_manager import events, rest
        from slicer_package_manager.registry import adoption, changes, corrections, downloads, indexes, settings
        from slicer_package_manager.rest import bodies, files, finish, front, mounts, transport

        getPlugin('hashsum_download').load(info)
        settings.register()
        changes.watch(later=finish.before_answer)
        indexes.ensure()
        downloads.ensure_indexes()
        corrections.apply()
        events.bind()
        files.bind()
        adoption.adopt()
        bodies.read_in_large_steps(info['apiRoot'].file)
        info['apiRoot'].app = rest.App()
        info['apiRoot'].slicer_package_manager = rest.PackageManager()
        mounts.accept_doubled_slash(info['serverRoot'])
        front.put_before(info['serverRoot'])
        transport.warn_if_aborts_are_hidden()
