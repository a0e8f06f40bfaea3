"""The process of an operation, its database, or the primary of three, is killed at one of the operation's writes.

``--kill-rounds`` is the number of rounds; each has another operation, moment and victim.
"""
import contextlib
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pymongo
import pytest

from plugin_tests import replicas
from plugin_tests.faults.database import Database
from plugin_tests.ports import free_ports
from plugin_tests.waiting import PATIENCE, poll

pytestmark = [pytest.mark.database, pytest.mark.process]

OPERATIONS = ('create', 'upload', 'replace', 'delete_file', 'promote', 'rename', 'move', 'copy', 'delete')
PROCESS, DATABASE, BOTH = 'the process', 'the database', 'both'
#: No operation has more moments before and after its writes.
MOMENTS = 40
COLLECTIONS = ('folder', 'item', 'file', 'upload', 'collection')


class Worker:
    """A process of :mod:`operation`."""

    def __init__(self, uri, folder):
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'plugin_tests.faults.operation', uri, str(folder)], cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.read() == 'ready'

    def send(self, line):
        self._process.stdin.write(f'{line}\n')
        self._process.stdin.flush()

    def read(self):
        """The next line that is no message of a library."""
        for line in self._process.stdout:
            if line.split(':')[0] not in ('INFO', 'WARNING', 'ERROR'):
                return line.strip()
        return 'ended'

    def carry_out(self, name):
        self.send(f'{name} 0')
        return self.read()

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE)
        self._process.stdin.close()
        self._process.stdout.close()


class Site:
    """The documents and bytes that operations work on; they are brought back before each round."""

    def __init__(self, uri, folder):
        self._uri, self._folder = uri, folder
        self._client = pymongo.MongoClient(uri)
        self.worker = None
        self.start()
        assert self.worker.carry_out('prepare') == 'done'
        self._documents = self._stored()
        shutil.copytree(folder / 'files', folder / 'first')
        self.before = self.state()

    @property
    def _database(self):
        return self._client.get_default_database()

    def _stored(self):
        return {name: list(self._database[name].find()) for name in COLLECTIONS}

    def start(self):
        self.worker = Worker(self._uri, self._folder / 'files')

    def kill(self):
        self.worker.kill()
        self._client.admin.command('killAllSessions', [])  # as MongoDB does itself after a minute

    def begin(self):
        """Bring back the first documents and bytes."""
        for name, documents in self._documents.items():
            self._database[name].delete_many({})
            if documents:
                self._database[name].insert_many(documents)
        shutil.rmtree(self._folder / 'files')
        shutil.copytree(self._folder / 'first', self._folder / 'files')

    def state(self):
        """What clients can tell, without ids: packages with their places and files, and folders."""
        folders = {one['_id']: one for one in self._database.folder.find()}
        files = {}
        for one in self._database.file.find({'itemId': {'$ne': None}}).sort('created'):
            files.setdefault(one['itemId'], []).append((one['name'], one['sha512']))

        def path(folder):
            parent = folders.get(folder['parentId'])
            return f'{path(parent) if parent else ""}/{folder["name"]}'
        def registration(document, *keys):
            return [str(document.get('spm', {}).get(key)) for key in keys]
        return (
            sorted((path(one), *registration(one, 'role', 'release')) for one in folders.values()),
            sorted((path(folders[one['folderId']]), one['name'], *registration(one, 'release', 'ready'),
                    one['meta']['sha512'], one['size'], files.get(one['_id'], []))
                   for one in self._database.item.find()))

    def end(self):
        self.worker.kill()
        self._client.close()


@contextlib.contextmanager
def site_of(uri, folder):
    (folder / 'files').mkdir(parents=True)
    site = Site(uri, folder)
    try:
        yield site
    finally:
        site.end()


def rounds(request, *victims):
    seed = random.SystemRandom().randrange(10**6)
    print(f'The seed of the moments is {seed}.')  # noqa: T201 - shown when it fails
    choice = random.Random(seed)
    names = choice.sample(OPERATIONS, len(OPERATIONS))
    for number in range(request.config.getoption('--kill-rounds')):
        yield names[number % len(names)], choice.randint(1, MOMENTS), victims[number % len(victims)]


def results_of(site):
    """The state after each operation that nothing disturbs, and its number of moments."""
    found = {}
    for name in OPERATIONS:
        site.begin()
        assert site.worker.carry_out(name) == 'done'
        found[name] = site.state()
        assert found[name] != site.before
    return found


def stopped(site, name, moment):
    """Carry out the operation up to this moment, or one that it has; whether it has any."""
    while moment:
        site.begin()
        site.worker.send(f'{name} {moment}')
        if site.worker.read() == 'at':
            return
        moment //= 2
    pytest.fail(f'"{name}" writes nothing')


def test_after_each_kill_the_operation_has_happened_as_a_whole_or_not_at_all(tmp_path, request):
    (tmp_path / 'db').mkdir()
    database = Database(tmp_path / 'db', *free_ports(1))
    database.start()
    try:
        # Unlike its default, the test's database does not wait for the disk unless it is asked to.
        with site_of(f'{database.uri}?journal=true', tmp_path / 'site') as site:
            results = results_of(site)
            for name, moment, victim in rounds(request, PROCESS, BOTH, DATABASE):
                stopped(site, name, moment)
                answer = kill(site, database, victim)
                assert site.state() in ([results[name]] if answer == 'done' else [site.before, results[name]]), (
                    name, moment, victim, answer)
                assert site.worker.carry_out('doctor') == 'done'
    finally:
        database.kill()


def kill(site, database, victim):
    """Kill the victim, start it again, and return the answer of the operation if it has one."""
    if victim == PROCESS:
        site.kill()
    else:
        database.kill()
    if victim == BOTH:
        site.worker.kill()
    if victim != PROCESS:
        database.start()
    if victim == DATABASE:
        site.worker.send('')
        return site.worker.read()
    site.start()
    return None


def test_a_primary_that_is_killed_in_a_transaction_costs_no_operation(tmp_path, request):
    with replicas.running(election_seconds=2) as members, site_of(members.uri, tmp_path) as site:
        results = results_of(site)
        for name, moment, _ in rounds(request, 'the primary'):
            stopped(site, name, moment)
            lost = members.primary()
            lost.kill()
            poll(lambda lost=lost: members.primary() is not lost, 'another member is the primary')
            site.worker.send('')
            answer = site.worker.read()
            assert answer == 'done' or answer.startswith('refused'), answer
            assert site.state() in ([results[name]] if answer == 'done' else [site.before, results[name]]), (
                name, moment, answer)
            lost.start()
            lost.wait()
