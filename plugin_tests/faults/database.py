"""A MongoDB that can be killed, and started again on what it has left."""
import subprocess
from pathlib import Path

from plugin_tests import mongodb


class Database:
    """A mongod on ``folder`` and on the loopback port ``port``; it does not run yet."""

    def __init__(self, folder, port):
        self.folder = Path(folder)
        self.port = port
        self.uri = f'mongodb://127.0.0.1:{port}/girder'
        self.process = None

    def start(self):
        """Start it, and wait until it answers."""
        log = self.folder / 'log'
        self.process = subprocess.Popen([
            mongodb.executable(), '--dbpath', str(self.folder), '--bind_ip', '127.0.0.1', '--port', str(self.port),
            '--nounixsocket', '--logpath', str(log), '--logappend', '--wiredTigerCacheSizeGB', '0.25', *mongodb.SET,
            '--setParameter', 'diagnosticDataCollectionEnabled=false'], stdout=subprocess.DEVNULL)
        mongodb.wait(self.port, self.process, log)
        mongodb.initiate(self.port)

    def kill(self):
        """``kill -9``; it has ended when this returns."""
        if self.process:
            self.process.kill()
            self.process.wait()
