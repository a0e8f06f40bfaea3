"""An object store in memory, as an example of all that another type of object store takes."""
import hashlib
import uuid
from datetime import datetime, timezone

from girder.models.assetstore import Assetstore
from girder.utility.abstract_assetstore_adapter import AbstractAssetstoreAdapter

from slicer_package_manager.registry.storage import stores
from slicer_package_manager.registry.storage.store import Leftover, LostError, Store

TYPE = 'memory'


class MemoryStore(AbstractAssetstoreAdapter, Store):
    """Objects by their keys; ``failure`` is why it takes no more."""

    place_field = 'memoryKey'
    content_fields = ('memoryKey',)
    objects: dict = {}  # noqa: RUF012 - shared by all instances, of which Girder makes one for each use
    parts: dict = {}  # noqa: RUF012 - as above
    failure: str | None = None

    def __str__(self):
        return 'memory:'

    def problem(self):
        return self.failure

    def initUpload(self, upload, _extra):
        self.require_writable()
        upload['memoryKey'] = uuid.uuid4().hex
        self.parts[upload['memoryKey']] = b''
        return upload

    def uploadChunk(self, upload, chunk, _extra):
        content = chunk.read()
        self.checkUploadSize(upload, len(content))
        self.parts[upload['memoryKey']] += content
        upload['received'] += len(content)
        if upload['received'] == upload['size']:
            upload['sha512'] = hashlib.sha512(self.parts[upload['memoryKey']]).hexdigest()
        return upload

    def finalizeUpload(self, upload, file):
        key = upload['memoryKey']
        if key in self.parts:
            self.objects[key] = self.parts.pop(key)
        file.update(memoryKey=key, sha512=hashlib.sha512(self.objects[key]).hexdigest())
        return file

    def cancelUpload(self, upload):
        self.parts.pop(upload['memoryKey'], None)

    def discard(self, upload):
        self.objects.pop(upload['memoryKey'], None)

    def deleteFile(self, file):
        self.objects.pop(file['memoryKey'], None)

    def read(self, file, start, stop):
        if file['memoryKey'] not in self.objects:
            raise LostError(self.place(file))
        return iter([self.objects[file['memoryKey']][start:stop]])

    def downloadFile(self, file, offset=0, endByte=None, **_kwargs):
        return lambda: self.read(file, offset, endByte)

    def place(self, file):
        return f'memory:{file["memoryKey"]}'

    def size(self, file):
        found = self.objects.get(file['memoryKey'])
        return None if found is None else len(found)

    def unused(self, _age):
        from girder.models.file import File
        for key, content in list(self.objects.items()):
            if File().findOne({'memoryKey': key}) is None:
                yield Leftover(f'memory:{key}', len(content), lambda key=key: self.objects.pop(key),
                               'Use --fix, which removes it.')


def use(monkeypatch):
    """Store new files in memory; gives the class."""
    monkeypatch.setattr(MemoryStore, 'objects', {})
    monkeypatch.setattr(MemoryStore, 'parts', {})
    monkeypatch.setitem(stores.STORES, TYPE, MemoryStore)  # the line that registers it
    stores.register()
    Assetstore().save({'type': TYPE, 'name': 'in memory', 'created': datetime.now(timezone.utc), 'current': True})
    return MemoryStore
