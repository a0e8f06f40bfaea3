"""The assetstore of this server that gets the bytes of a migration."""
from __future__ import annotations

import shutil
from pathlib import Path

from girder.constants import AssetstoreType

from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.registry.schema.types import Document


def assetstore(here: AnyDatabase) -> Document:
    """Return the assetstore that gets the bytes: the current one, if it is a directory, else the first that is.

    :raises MigrationError: there is none.
    """
    found = here['assetstore'].find_one({'current': True, 'type': AssetstoreType.FILESYSTEM}) or here[
        'assetstore'].find_one({'type': AssetstoreType.FILESYSTEM})
    if found is None:
        raise MigrationError('This server has no assetstore of the type filesystem. Create one in Girder, or start the '
                             'server once: `slicer-package-manager serve`.')
    root = Path(found['root'])
    root.mkdir(parents=True, exist_ok=True)
    return found


def require_room(store: Document, total: int) -> None:
    """Require that files of ``total`` bytes, some of which may be there already, fit into ``store``.

    :raises MigrationError: they do not.
    """
    root = Path(store['root'])
    free = shutil.disk_usage(root).free
    # What is there may be the files of a run before.
    if total > free and total > free + sum(path.stat().st_size for path in root.glob('??/??/*')):
        raise MigrationError(f'The files of the older server that are copied have {total} bytes, and {root} has only '
                             f'{free} left.')
