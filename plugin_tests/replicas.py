"""A real MongoDB replica set on loopback, whose members can be killed and started again, for the tests."""
import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import pymongo

from plugin_tests import mongodb
from plugin_tests.ports import free_ports
from plugin_tests.servers import poll

NAME = 'slicer-packages'


class Member:
    """A mongod of the set, with a folder of its own that stays when it is killed."""

    def __init__(self, folder, port):
        self.folder, self.port = Path(folder), port
        self.address = f'127.0.0.1:{port}'
        self.process = None

    def start(self):
        """Start it."""
        self.folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen([
            mongodb.executable(), '--dbpath', str(self.folder), '--bind_ip', '127.0.0.1', '--port', str(self.port),
            '--nounixsocket', '--replSet', NAME, '--oplogSize', '64', '--logpath', str(self.folder / 'log'),
            '--logappend', '--wiredTigerCacheSizeGB', '0.25',
            '--setParameter', 'diagnosticDataCollectionEnabled=false'],
            stdout=subprocess.DEVNULL)

    def wait(self):
        """Wait until it answers."""
        mongodb.wait(self.port, self.process, self.folder / 'log')

    def kill(self):
        """``kill -9``, as when the machine loses power."""
        self.process.kill()
        self.process.wait()


class ReplicaSet:
    """Three members; a primary that is lost is noticed after ``election_seconds``."""

    def __init__(self, folder, election_seconds):
        self.members = [Member(Path(folder, f'member{port}'), port) for port in free_ports(3)]
        for member in self.members:
            member.start()
        for member in self.members:
            member.wait()
        with self._direct(self.members[0]) as first:
            first.admin.command('replSetInitiate', {
                '_id': NAME, 'settings': {
                    'electionTimeoutMillis': int(election_seconds * 1000), 'heartbeatIntervalMillis': 250},
                'members': [{'_id': number, 'host': member.address} for number, member in enumerate(self.members)]})
        self.primary()

    @property
    def uri(self):
        """As an operator writes it."""
        return f'mongodb://{",".join(member.address for member in self.members)}/girder?replicaSet={NAME}&w=majority'

    def primary(self):
        """The member that takes writes, once there is one."""
        return poll(self._find_primary, 'the set has a primary')

    def _find_primary(self):
        return next((member for member in self.members if member.process.poll() is None and self._is_primary(member)),
                    None)

    def _is_primary(self, member):
        with self._direct(member) as client, contextlib.suppress(pymongo.errors.PyMongoError):
            return client.admin.command('hello')['isWritablePrimary']

    def _direct(self, member):
        return pymongo.MongoClient(f'mongodb://{member.address}/?directConnection=true', serverSelectionTimeoutMS=2000)

    def end(self):
        """Leave nothing behind."""
        for member in self.members:
            if member.process and member.process.poll() is None:
                member.kill()


@contextlib.contextmanager
def running(election_seconds):
    """A set of three members that has a primary."""
    folder = tempfile.mkdtemp(prefix='spm-replicas-')
    replicas = ReplicaSet(folder, election_seconds)
    try:
        yield replicas
    finally:
        replicas.end()
        shutil.rmtree(folder, ignore_errors=True)
