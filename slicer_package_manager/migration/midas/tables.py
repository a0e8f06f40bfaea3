"""Which tables and columns of a MIDAS database are read.

Versions of MIDAS differ in their columns, so the reader finds out which there are. A column that is missing is read as
``None``, and a table that is missing as an empty one.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

Row: TypeAlias = Mapping[str, Any]

_SYSTEM = ('os', 'arch', 'revision', 'submissiontype', 'packagetype', 'productname', 'codebase', 'release')
PACKAGE, EXTENSION = 'slicerpackages_package', 'slicerpackages_extension'
DEPENDENCY = 'slicerpackages_extensiondependency'
COMPATIBILITY = 'slicerpackages_extensioncompatibility'
#: The number of an extension, in its table and in the one of compatible revisions.
EXTENSION_ID = 'slicerpackages_extension_id'

#: The columns with the numbers of packages and extensions.
NUMBERS = {PACKAGE: 'package_id', EXTENSION: EXTENSION_ID}

#: The columns that are read, of each table.
COLUMNS = {
    PACKAGE: ('package_id', 'item_id', *_SYSTEM, 'checkoutdate'),
    EXTENSION: (EXTENSION_ID, 'item_id', *_SYSTEM, 'repository_type', 'repository_url', 'slicer_revision', 'category',
                'icon_url', 'development_status', 'description', 'homepage', 'screenshots', 'contributors', 'enabled'),
    DEPENDENCY: ('slicerpackages_extension_name', 'slicerpackages_extension_dependency'),
    'item': ('item_id', 'name', 'date_creation', 'download'),
    'itemrevision': ('itemrevision_id', 'item_id', 'revision', 'date', 'user_id', 'changes'),
    'bitstream': ('bitstream_id', 'itemrevision_id', 'name', 'mimetype', 'sizebytes', 'checksum', 'path',
                  'assetstore_id'),
    'assetstore': ('assetstore_id', 'name', 'type'),
    'item2folder': ('item_id', 'folder_id'),
    'folder': ('folder_id', 'parent_id', 'name'),
    'user': ('user_id', 'firstname', 'lastname', 'email', 'admin', 'creation'),
    'itempolicygroup': ('item_id', 'group_id'),
    'itempolicyuser': ('item_id', 'date'),
    'setting': ('name', 'module', 'value'),
    'statistics_download': ('item_id', 'date'),
}
#: Columns without which nothing can be imported.
REQUIRED = {PACKAGE: {'package_id', 'item_id'}, EXTENSION: {EXTENSION_ID, 'item_id'}, 'item': {'item_id'},
            'itemrevision': {'itemrevision_id', 'item_id', 'revision'},
            'bitstream': {'bitstream_id', 'itemrevision_id', 'name', 'path'}}
#: Columns that MIDAS cut off at this length without an error.
CUT = {(EXTENSION, 'repository_url'): 255, (EXTENSION, 'repository_type'): 10, ('bitstream', 'name'): 255,
       ('bitstream', 'mimetype'): 30}
#: Tables whose rows have no place here, with what the report calls these.
LEFT_OUT = {
    'ratings_item': 'ratings', 'comments_item': 'comments', 'metadatavalue': 'metadata values',
    'license': 'licenses, which say nothing about the software',
    'community': 'communities', 'group': 'groups', 'user2group': 'memberships in groups',
    COMPATIBILITY: 'compatible revisions of extensions', 'packages_package': 'packages of the module "packages"',
    'packages_extension': 'extensions of the module "packages"',
}


class Tables(Protocol):
    """The tables of a MIDAS database."""

    def columns(self, table: str) -> set[str]:
        """Return the names of the columns of ``table``; none if there is no such table."""

    def rows(self, table: str) -> Iterator[Row]:
        """Yield each row of ``table`` with its :data:`COLUMNS`."""

    def count(self, table: str) -> int:
        """Return the number of rows of ``table``."""
