"""Slicer Package Manager: the registry of 3D Slicer's installers and extensions, a Girder 5 plugin."""
from importlib.metadata import version

from girder.plugin import GirderPlugin, getPlugin

__version__ = version('slicer-package-manager')


class SlicerPackageManagerPlugin(GirderPlugin):
    """Adds applications, releases, drafts, packages and extensions to a Girder server."""

    DISPLAY_NAME = 'Slicer Package Manager'

    def load(self, info):
        """Wire routes, event handlers and indexes into the server described by ``info``."""
        getPlugin('hashsum_download').load(info)
