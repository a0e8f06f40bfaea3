"""The metadata of packages and extensions, from the rows of MIDAS."""
from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slicer_package_manager.migration.midas.rules import moments, texts
from slicer_package_manager.migration.rules import texts as mending
from slicer_package_manager.registry.schema.types import Document

#: The product of packages that were uploaded before MIDAS had a column for it.
_SLICER = 'Slicer'
#: The types of packages that can be installed.
INSTALLABLE = ('installer', 'archive')
#: Columns that are kept with the package as facts of MIDAS.
_FACTS = ('codebase', 'submissiontype', 'packagetype')
#: Columns of extensions, and the keys that they become.
_KEYS = {'os': 'os', 'arch': 'arch', 'productname': 'baseName', 'repository_type': 'repository_type',
         'repository_url': 'repository_url', 'slicer_revision': 'app_revision'}
_OPTIONAL = ('icon_url', 'category', 'homepage', 'screenshots', 'development_status')


def package(row: Mapping[str, Any], release: str, file_name: str, built: datetime) -> Document:
    """Return the metadata of the package ``row``, not validated yet.

    :param release: ``''`` for a draft.
    """
    revision = texts.given(row['revision'])
    return {'os': row['os'], 'arch': row['arch'], 'baseName': texts.given(row['productname']) or _SLICER,
            'revision': revision, 'repository_type': '', 'repository_url': '', 'build_date': built,
            'pre_release': False, 'version': mending.version_in(file_name, release) or release or revision}


def extension(row: Mapping[str, Any]) -> Document:
    """Return the metadata of the extension ``row``, not validated yet, without what it depends on."""
    optional = {key: texts.given(row[key]) for key in _OPTIONAL}
    optional['contributors'] = texts.given(texts.without_tags(row['contributors']))
    enabled = {} if row['enabled'] is None else {'enabled': bool(row['enabled'])}
    return {**{key: texts.given(row[column]) for column, key in _KEYS.items()},
            'revision': texts.given(row['revision']) or 'unknown', 'description': texts.description(row['description']),
            **enabled, **{key: value for key, value in optional.items() if value}}


def facts(row: Mapping[str, Any], checksum: str) -> Document:
    """Return what MIDAS stated about the package or extension ``row``, whose file has the MD5 ``checksum``."""
    stated = {**{key: row[key] for key in _FACTS}, 'checkoutdate': moments.wall_clock(row.get('checkoutdate')),
              'md5': checksum}
    return {key: value for key, value in stated.items() if value}
