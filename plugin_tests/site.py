"""A server with as many extensions as the public one, for the tests of pages."""
import contextlib
import hashlib
import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pymongo
from bson import ObjectId

from plugin_tests import servers

SLICER = '5f4474d0e1d8c75dfc705482'
EXTENSIONS = json.loads((Path(__file__).parent / 'data' / 'extensions.json').read_text(encoding='utf-8'))
_KEYS = ('category', 'description', 'homepage', 'icon_url', 'screenshots', 'contributors', 'dependency', 'license')
#: Release, revision of the application, system, architecture, and how many of the extensions were built.
BUILDS = [
    ('5.6.2', '32448', 'linux', 'amd64', 12), ('5.8.1', '33241', 'linux', 'amd64', 255),
    ('5.8.1', '33241', 'win', 'amd64', 20), ('5.8.1', '33241', 'macosx', 'arm64', 20),
    ('5.8.1', '33241', 'macosx', 'amd64', 15), (None, '33400', 'linux', 'amd64', 10)]


class Site:
    """A running server: its ``url``, a ``client`` of the administrator, and the ``database``."""

    def __init__(self, server, uri):
        self.url = server.url
        self.password = server.password
        self.client = server.client('admin', server.password)
        self._mongo = pymongo.MongoClient(uri)
        self.database = self._mongo.get_database()

    def post(self, path, **values):
        answer = self.client.post(path, params=values)
        assert answer.is_success, answer.text
        return answer.json()

    def application(self, name, **values):
        """A new application; gives its id."""
        return self.post('/app', name=name, **values)['_id']

    def package(self, app, **values):
        return self.post(f'/app/{app}/package', **{
            'os': 'linux', 'arch': 'amd64', 'baseName': 'Slicer', 'repository_type': 'git',
            'repository_url': 'https://github.com/Slicer/Slicer', 'revision': '33241', 'version': '5.8.1',
            'url': 'https://github.com/Slicer/Slicer/releases/download/x/Slicer.tar.gz', 'size': 400_000_000, **values})

    def extension(self, app, **values):
        return self.post(f'/app/{app}/extension', **{
            'os': 'linux', 'arch': 'amd64', 'baseName': 'SlicerIGT', 'repository_type': 'git', 'revision': 'ab12cd3',
            'repository_url': 'https://github.com/SlicerIGT/SlicerIGT', 'app_revision': '33241', 'description': '',
            'url': 'https://github.com/SlicerIGT/SlicerIGT/releases/download/x/file.tar.gz', 'size': 1_234_567,
            **values})

    def count(self, app, name, by_day, *, kind='extension', revision='33241', system=('linux', 'amd64'), release=''):
        """Have ``name`` downloaded: ``by_day`` has numbers by days, ``YYYY-MM-DD``."""
        self.database['slicer_package_download'].insert_many([
            {'app': ObjectId(app), 'kind': kind, 'revision': revision, 'baseName': name, 'os': system[0],
             'arch': system[1], 'release': release, 'day': day, 'count': count} for day, count in by_day.items()])

    def log(self, app, name, countries, *, kind='extension', revision='33241', day='2026-10-01', content='', item=''):
        """Have ``name`` downloaded according to logs: ``countries`` has numbers by countries."""
        self.database['slicer_package_logged_day'].replace_one(
            {'_id': day}, {'sha256': 'x', 'loaded': datetime.now(timezone.utc)}, upsert=True)
        self.database['slicer_package_logged_download'].insert_one({
            'app': ObjectId(app), 'day': day, 'kind': kind, 'revision': revision, 'baseName': name, 'os': 'linux',
            'arch': 'amd64', 'release': '', 'item': item, 'file': item, 'content': content, 'rows': [
                {'country': country, 'client': 'browser', 'client_os': 'win', 'requests': number, 'clients': number}
                for country, number in countries.items()]})

    def forget_logs(self):
        """Delete all that :meth:`log` has stored."""
        for name in ('day', 'download'):
            self.database[f'slicer_package_logged_{name}'].delete_many({})

    def close(self):
        self.client.close()
        self._mongo.close()


@contextlib.contextmanager
def running(directory, mongo_uri, name='pages'):
    """Start a server on a database with this name, without applications."""
    uri = mongo_uri.rpartition('/')[0] + f'/{name}'
    with servers.starter(directory) as start:
        site = Site(start('--database', uri, '--workers', '1').ready(), uri)
        try:
            yield site
        finally:
            site.close()


def fill(site):
    """Add all that :data:`BUILDS` says."""
    site.application('Slicer', app_id=SLICER)
    releases = {release: revision for release, revision, *_ in BUILDS if release}
    for release, revision in releases.items():
        site.post(f'/app/{SLICER}/release', name=release, app_revision=revision)
    for release, revision, system, arch, _ in BUILDS:
        site.package(SLICER, revision=revision, version=release or '5.9.0-2026-11-01', os=system, arch=arch)
    wanted = [(one, *place) for *place, number in BUILDS for one in EXTENSIONS[:number]]
    # One after another: uploads that create packages in the same folder take turns anyway.
    for extension, *place in wanted:
        _extension(site, extension, *place)
    for number, one in enumerate(EXTENSIONS):
        site.count(SLICER, one['name'], _history(number), release='5.8.1')


def _extension(site, one, _release, revision, system, arch):
    known = {key: one[key] for key in (*_KEYS, 'tier') if one.get(key)}
    site.extension(SLICER, **{**known, 'baseName': one['name'], 'repository_url': one['repository_url'], 'os': system,
                              'description': one.get('description') or '', 'arch': arch, 'app_revision': revision,
                              'revision': hashlib.sha256(one['name'].encode()).hexdigest()[:10]})


def _history(number):
    """Downloads over a year, more of some extensions than of others."""
    first = date(2025, 11, 3)
    return {(first + timedelta(weeks=week)).isoformat(): 1 + (number * 37 + week * 11) % 90
            for week in range(0, 52, 1 + number % 7)}
