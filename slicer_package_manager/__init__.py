"""Slicer Package Manager: the registry of 3D Slicer's installers and extensions, a Girder 5 plugin."""
from __future__ import annotations

from importlib.metadata import version

__version__ = version('slicer-package-manager')


def __getattr__(name: str) -> object:
    """Import the plugin only when Girder loads it, since the command line starts faster without Girder."""
    if name == 'SlicerPackageManagerPlugin':
        from slicer_package_manager.plugin import SlicerPackageManagerPlugin
        return SlicerPackageManagerPlugin
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
