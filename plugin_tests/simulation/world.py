"""The database and the files of a simulation, its clock, and the process that works on them and may crash."""
import os
import shutil
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pymongo
from girder.models.collection import Collection
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from girder.models.user import User
from pymongo.client_session import ClientSession

from plugin_tests.conftest import empty_database
from slicer_package_manager.registry import startup
from slicer_package_manager.registry.downloads import counter
from slicer_package_manager.registry.downloads.counts import Download
from slicer_package_manager.registry.downloads.sealing import Seal
from slicer_package_manager.registry.server import clock, data_version, transactions
from slicer_package_manager.registry.storage import stores

MODELS = (Folder, Item, File, Upload, Collection, User, Download, Seal, data_version.Change)
WRITES = set(data_version._WRITES)
_TICK = timedelta(milliseconds=1)


class Crash(BaseException):
    """The end of the process; no code of the server catches it."""


class Process:
    """The process: it may crash before or after one of its writes and commits, and then does nothing any more."""

    def __init__(self):
        self._left = 0
        self.crashed = False

    @contextmanager
    def crashing(self, moment):
        """Crash at the number ``moment`` of the moments before and after writes; 0 is never."""
        self._left, self.crashed = moment, False
        try:
            yield
        finally:
            self._left, self.crashed = 0, False

    def pass_moment(self):
        if self._left:
            self._left -= 1
            if not self._left:
                self.stop()
        self.require()

    def stop(self):
        self.crashed = True
        self.require()

    def require(self):
        if self.crashed:
            raise Crash

    def watch(self, monkeypatch):
        """Crash at writes to the collections of all models, and at commits."""
        for model in MODELS:
            collection = model().collection
            kind = type(collection)
            members = {name: self._watched(kind, name) for name in transactions._OPERATIONS}
            monkeypatch.setattr(collection, '__class__', type(f'Crashing{kind.__name__}', (kind,), members))
        monkeypatch.setattr(ClientSession, 'commit_transaction', self._watched(ClientSession, 'commit_transaction'))

    def _watched(self, kind, name):
        original = getattr(kind, name)
        look = self.pass_moment if name in WRITES or kind is ClientSession else self.require

        def watched(*args, **kwargs):
            look()
            result = original(*args, **kwargs)
            look()
            return result
        return watched


class Clock:
    """A clock of which each look is a millisecond later; Girder's models have the same."""

    def __init__(self):
        self.moment = datetime(2040, 1, 1, 12, tzinfo=timezone.utc)

    def now(self, _zone=None):
        self.moment += _TICK
        return self.moment

    def watch(self, monkeypatch):
        from girder.models import collection, file, folder, item, upload
        here = SimpleNamespace(datetime=SimpleNamespace(now=self.now), timezone=timezone, timedelta=timedelta)
        for module in (collection, file, folder, item, upload):
            monkeypatch.setattr(module, 'datetime', here)
        monkeypatch.setattr(clock, 'now', self.now)
        monkeypatch.setattr(clock.CLOCK, 'is_steady', lambda _: True)  # whatever that of the machine does


class World:
    def __init__(self, recorder, directory, monkeypatch):
        self._recorder, self._directory, self._runs = recorder, directory, 0
        self.process, self.clock = Process(), Clock()
        # No operation drops an index, and the doctor looks for missing ones after each run.
        monkeypatch.setattr(startup.indexes, 'ensure', lambda: None)
        # Operations fail by crashes only: a loaded machine may take longer for some of them than the server allows.
        monkeypatch.setattr(pymongo, 'timeout', lambda _: nullcontext())
        self.clock.watch(monkeypatch)
        self.process.watch(monkeypatch)

    def begin(self):
        """Empty the database; make an application, and a folder that has nothing to do with packages."""
        self.clock.moment = Clock().moment
        counter.queue.drain()  # of tests before
        self.database = empty_database()
        self._runs += 1
        self.root = self._directory / f'run{self._runs}'
        self._recorder.begin(self.root)
        self._recorder.repeat('server')
        self.admin = self._recorder.repeat('admin')
        self.app = self._recorder.repeat('app')
        collection = Collection().createCollection('Other', self.admin)
        self.elsewhere = Folder().createFolder(collection, 'elsewhere', parentType='collection', creator=self.admin)

    def let_files_age(self):
        """The clock of the simulation is not that of the disk."""
        for path in (self.root / 'temp').glob('*'):
            os.utime(path, (0, 0))

    def end(self):
        shutil.rmtree(self.root)

    def run(self, operation, moment=0):
        """Run an operation; :class:`Crash` is raised if it was not completed, and the next process has started."""
        try:
            with self.process.crashing(moment):
                return operation()
        except Crash:
            startup.prepare()
            raise

    def store(self):
        (found,) = stores.every_store()
        return found
