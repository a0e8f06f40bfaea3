"""Memory of an import from MIDAS while it reads and plans: ``python -m benchmarks.midas``.

The tables are generated row by row, so that they take no memory themselves. Each extension has two revisions.
"""
from __future__ import annotations

import hashlib
import resource
import sys
import time
from datetime import datetime, timedelta, timezone

from bson.objectid import ObjectId

from slicer_package_manager.migration.midas import tables
from slicer_package_manager.migration.midas.data import Data
from slicer_package_manager.migration.midas.documents import MidasSource
from slicer_package_manager.migration.midas.plan import Plan
from slicer_package_manager.migration.midas.target import Target

_MOST = 150_000
_DAY = datetime(2013, 1, 5, 4, tzinfo=timezone.utc).replace(tzinfo=None)  # as the driver reads it
_NAMES, _SYSTEMS = 200, ('linux', 'win', 'macosx')
_KIB, _REVISIONS = 1024, (1, 2)
_FOLDER = 3


class Archive:
    """The tables of a MIDAS database with ``number`` extensions; see :class:`tables.Tables`."""

    def __init__(self, number):
        self._number = number
        self._rows = {tables.EXTENSION: self._extensions, 'item': self._items, 'itemrevision': self._revisions,
                      'bitstream': self._bitstreams, 'itempolicygroup': self._policies, 'item2folder': self._places,
                      'itempolicyuser': self._rights, 'folder': self._folders}

    def columns(self, table):
        return set(tables.COLUMNS.get(table, ()))

    def count(self, table):  # noqa: ARG002 - nothing is left out
        return 0

    def rows(self, table):
        for row in self._rows.get(table, list)():
            yield {key: row.get(key) for key in tables.COLUMNS[table]}

    def _all(self):
        return range(1, self._number + 1)

    def _extensions(self):
        for number in self._all():
            name = f'Extension{number % _NAMES}'
            page = f'http://www.slicer.org/slicerWiki/index.php/Documentation/Nightly/Extensions/{name}'
            yield {
                tables.EXTENSION_ID: number, 'item_id': number, 'os': _SYSTEMS[number // _NAMES % len(_SYSTEMS)],
                'arch': 'amd64', 'revision': _revision(number), 'submissiontype': 'nightly', 'packagetype': 'archive',
                'productname': name, 'codebase': 'Slicer4', 'release': '', 'repository_type': 'git',
                'repository_url': f'git://github.com/{name}/{name}.git', 'category': 'Segmentation', 'enabled': 1,
                'slicer_revision': str(20_000 + number // _NAMES // len(_SYSTEMS)), 'icon_url': f'{page}.png',
                'development_status': '', 'description': f'{name} does this, and that. ' * 10, 'homepage': page,
                'screenshots': f'{page}/1.png {page}/2.png', 'contributors': f'The author of {name} (Kitware)'}

    def _items(self):
        for number in self._all():
            yield {'item_id': number, 'name': _name(number, 1), 'date_creation': _moment(number), 'download': 7}

    def _revisions(self):
        for number in self._all():
            for revision in _REVISIONS:
                yield {'itemrevision_id': 2 * number + revision, 'item_id': number, 'revision': revision,
                       'date': _moment(number), 'user_id': 1 + number % 20, 'changes': _revision(number)}

    def _bitstreams(self):
        for number in self._all():
            for revision in _REVISIONS:
                md5 = _digest(number, revision)
                yield {'bitstream_id': 2 * number + revision, 'itemrevision_id': 2 * number + revision,
                       'name': _name(number, revision), 'mimetype': 'application/x-gzip', 'sizebytes': 5_000_000,
                       'checksum': md5, 'path': f'{md5[:2]}/{md5[2:4]}/{md5}', 'assetstore_id': 1}

    def _policies(self):
        return ({'item_id': number, 'group_id': group} for number in self._all() for group in (0, -1))

    def _places(self):
        return ({'item_id': number, 'folder_id': _FOLDER} for number in self._all())

    def _rights(self):
        return ({'item_id': number, 'date': _moment(number)} for number in self._all())

    def _folders(self):
        yield {'folder_id': 1, 'parent_id': -2, 'name': 'community_1'}
        yield {'folder_id': _FOLDER, 'parent_id': 1, 'name': 'Nightly'}


def _name(number, revision):
    return f'{20_000 + number // 600}-linux-amd64-Extension{number % _NAMES}-git{number}-2013-01-0{revision}.tar.gz'


def _revision(number):
    return _digest(number % _NAMES, number // 2000)[:7]


def _digest(*numbers):
    return hashlib.md5(str(numbers).encode(), usedforsecurity=False).hexdigest()


def _moment(number):
    return _DAY + timedelta(minutes=number)


def walk(number):
    """Read and plan ``number`` extensions, and make the documents of all of them; return how many there are."""
    app = {'_id': ObjectId(), 'name': 'Slicer', 'created': _DAY, 'public': True, 'access': {'users': [], 'groups': []},
           'parentId': ObjectId(), 'baseParentType': 'collection', 'baseParentId': ObjectId()}
    source = MidasSource(Plan(Data(Archive(number)), Target(app, app, app, [], None), keep_old=True), {})
    found = 0
    for folder in source.folders_below(app['_id']):
        items = source.items_in([folder['_id']])
        found += len(source.files_of(items))
    return found


def main():
    """Print how long it takes, and the most memory that the process has had."""
    number, start = int(sys.argv[1]) if sys.argv[1:] else _MOST, time.monotonic()
    files = walk(number)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _KIB
    print(f'{number:,} extensions with {files:,} files: {memory} MiB, {time.monotonic() - start:.0f} s')


if __name__ == '__main__':
    main()
