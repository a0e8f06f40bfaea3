"""Drafts of an application by the thousand, which would take hours through REST, put into the databases themselves.

Into ours by the functions that the calls use, see :mod:`fill`; into the peer's as copies of what its calls have
stored, with what differs between drafts changed.
"""
from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pymongo
from bson.objectid import ObjectId

from benchmarks import data, extensions, servers
from plugin_tests.waiting import poll
from slicer_package_manager.cli import database

#: The draft that is loaded through REST.
FIRST = 40000
#: Seconds that a server may take to add up half a million counts.
_PATIENCE = 1800


def grow(server, drafts, options):
    """Add drafts until there are ``drafts``, numbered upwards from :data:`FIRST`.

    Each has packages and ``options.extensions`` extensions for ``options.systems``; ``options.counted`` of them were
    downloaded once on each system.
    """
    data.catalog(server, options)
    server.once('first draft', lambda server: _load_first(server, options))
    there = server.made.get('drafts', 1)
    revisions = [str(FIRST + number) for number in range(there, drafts)]
    if revisions:
        (_fill if server.is_ours else _copy)(server, revisions, options)
        server.made['drafts'] = drafts


def _load_first(server, options):
    for system in extensions.SYSTEMS[:options.systems]:
        data.package(server, system, str(FIRST))
    item = data.post(server, 'extension', extensions.form(0, extensions.SYSTEMS[0], str(FIRST)))
    data.store(server, item, 'file.tar.gz', b'extension')


def _fill(server, revisions, options):
    _run_fill(server, revisions=revisions, systems=options.systems, per_draft=options.extensions,
              counted=options.counted)


def count(server, number):
    """Add download counts of ``number`` packages to our server; returns when it has added them to its sums."""
    def add(server):
        _run_fill(server, counts=number)
        past = {'app': ObjectId(data.app(server)), 'settled': None, 'kind': 'extension', 'day': {'$lt': _days_ago(1)}}
        with pymongo.MongoClient(server.database) as client:
            poll(lambda: not client.get_database().slicer_package_download.find_one(past),
                 'the sums contain all counts of past days', _PATIENCE)
    server.once('counts', add)


def _days_ago(number):
    return f'{datetime.now(timezone.utc) - timedelta(days=number):%Y-%m-%d}'


def _run_fill(server, **what):
    variables = {**os.environ, 'GIRDER_MONGO_URI': database.completed(server.database), 'LOGLEVEL': 'WARNING'}
    done = subprocess.run([server.python, '-m', 'benchmarks.fill'], env=variables, text=True, capture_output=True,
                          cwd=_checkout(server.python),
                          input=json.dumps({'login': servers.LOGIN, 'app': data.app(server), **what}), check=False)
    if done.returncode:
        raise RuntimeError(f'The database could not be filled:\n{done.stderr[-3000:]}')


def _checkout(python):
    """The checkout that the environment of ``python`` has installed."""
    module = 'slicer_package_manager'
    found = subprocess.run([python, '-c', f'import {module}; print({module}.__file__)'], cwd='/', check=True, text=True,
                           capture_output=True).stdout
    return Path(found.strip()).parents[1]


def _copy(server, revisions, options):
    with pymongo.MongoClient(server.database) as client:
        patterns = _Patterns(client.get_database(), ObjectId(data.app(server)), options)
        for revision in revisions:
            patterns.copy(revision)


class _Patterns:
    """What the peer has stored for a release and a draft."""

    def __init__(self, database, app, options):
        self.database = database
        self.drafts = database.folder.find_one({'parentId': app, 'name': 'draft'})
        release = database.folder.find_one({'parentId': app, 'name': data.RELEASE})
        self.draft = database.folder.find_one({'parentId': self.drafts['_id'], 'name': str(FIRST)})
        self.extensions = self._extensions_of(self.draft)
        names = [extensions.metadata(number)['baseName'] for number in range(options.extensions)]
        self.packages = self._with_files({'folderId': self.draft['_id']})
        self.items = self._with_files({'folderId': self._extensions_of(release)['_id'],
                                       'meta.baseName': {'$in': names}})
        stats = release['meta']['downloadStats']
        self.stats = {**stats, 'extensions': {name: stats['extensions'][name] for name in names[:options.counted]}}

    def _extensions_of(self, channel):
        return self.database.folder.find_one({'parentId': channel['_id'], 'name': 'extensions'})

    def _with_files(self, query):
        items = list(self.database.item.find(query))
        files = self.database.file.find({'itemId': {'$in': [item['_id'] for item in items]}})
        by_item = {file['itemId']: file for file in files}
        return [(item, by_item[item['_id']]) for item in items]

    def copy(self, revision):
        """Store another draft of that ``revision``."""
        draft = _changed(self.draft, name=revision, lowerName=revision,
                         meta={**self.draft['meta'], 'revision': revision})
        place = _changed(self.extensions, parentId=draft['_id'])
        self.database.folder.insert_many([draft, place])
        self._copy_items(self.packages, draft, 'revision', str(FIRST), revision)
        self._copy_items(self.items, place, 'app_revision', data.REVISION, revision)
        self.database.folder.update_one({'_id': self.drafts['_id']},
                                        {'$set': {f'meta.downloadStats.{revision}': self.stats}})

    def _copy_items(self, patterns, folder, key, before, after):
        items, files = [], []
        for item, file in patterns:
            name = item['name'].replace(before, after)
            items.append(_changed(item, name=name, lowerName=name.lower(), folderId=folder['_id'],
                                  meta={**item['meta'], key: after}))
            files.append({**file, '_id': ObjectId(), 'itemId': items[-1]['_id']})
        self.database.item.insert_many(items)
        self.database.file.insert_many(files)


def _changed(document, **changes):
    moment = datetime.now(timezone.utc)
    return {**document, '_id': ObjectId(), 'created': moment, 'updated': moment, **changes}
