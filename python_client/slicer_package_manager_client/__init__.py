"""Client of the Slicer Package Manager: :class:`SlicerPackageClient` and the command line built on it."""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from girder_client import GirderClient

    from slicer_package_manager_client.client import SlicerPackageClient
    from slicer_package_manager_client.constants import Constant
    from slicer_package_manager_client.errors import SlicerPackageManagerError

__version__ = '1.0.0'
__all__ = ['Constant', 'GirderClient', 'SlicerPackageClient', 'SlicerPackageManagerError', '__version__']

# Imported when first used: girder-client takes a while, and `--help` does without it.
_HOMES = {
    'Constant': 'slicer_package_manager_client.constants',
    'GirderClient': 'girder_client',
    'SlicerPackageClient': 'slicer_package_manager_client.client',
    'SlicerPackageManagerError': 'slicer_package_manager_client.errors',
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(_HOMES[name]), name)
