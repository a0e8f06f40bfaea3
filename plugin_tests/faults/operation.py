"""A process of the server that carries out operations, and stops at one of its writes until it may go on.

    python -m plugin_tests.faults.operation URI ASSETSTORE

It reads lines with the name of an operation and the number of a moment; 0 is none. It prints ``at`` at this moment and
waits for a line. In the end it prints ``done``, or ``refused`` and why.
"""
import io
import os
import sys

from slicer_package_manager.cli import database

CONTENT = {'old': b'old' * 1000, 'new': b'new' * 1000}
REVISION = '100'


class Operations:
    """The operations, on the documents that :meth:`prepare` has made."""

    def __init__(self, assetstore):
        self._assetstore = assetstore

    @property
    def _admin(self):
        from girder.models.user import User
        return User().findOne({'login': 'admin'})

    def _folder(self, role):
        from girder.models.folder import Folder
        return Folder().findOne({'spm.role': role})

    def _item(self, name='Slicer'):
        from girder.models.item import Item
        return Item().findOne({'meta.baseName': name})

    def _save(self, label, name, **values):
        from plugin_tests.conftest import FORMS
        from slicer_package_manager.registry.catalog import packages
        from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
        package_type = PACKAGE_TYPES[label]
        form = {**FORMS[label], package_type.app_revision: REVISION, 'baseName': name, **values}
        return packages.upsert(package_type, self._folder('application'), form, self._admin)

    def _upload(self, item, content, name='a.zip'):
        from girder.models.upload import Upload
        Upload().uploadFromFile(io.BytesIO(content), len(content), name, 'item', item, self._admin)

    def _elsewhere(self):
        from girder.models.folder import Folder
        return Folder().findOne({'name': 'elsewhere'})

    def prepare(self):
        from girder.models.collection import Collection
        from girder.models.folder import Folder

        from plugin_tests.conftest import create_user, set_up
        from slicer_package_manager.registry.catalog import applications, releases
        set_up(self._assetstore)
        app = applications.create(create_user('admin', admin=True), 'Slicer')
        for label, name in (('package', 'Slicer'), ('package', 'Other'), ('extension', 'Extension')):
            self._upload(self._save(label, name), CONTENT['old'])
        releases.create_release(app, self._admin, '5.8', REVISION)
        other = Collection().createCollection('Other', self._admin)
        Folder().createFolder(other, 'elsewhere', parentType='collection', creator=self._admin)

    def create(self):
        self._save('extension', 'New', app_revision='200')

    def upload(self):
        self._upload(self._item(), CONTENT['new'], 'b.zip')

    def replace(self):
        from girder.models.file import File
        from girder.models.upload import Upload
        begun = Upload().createUploadToFile(File().findOne({'itemId': self._item()['_id']}), self._admin, 3000)
        Upload().handleChunk(begun, io.BytesIO(CONTENT['new']))

    def promote(self):
        from girder.utility.progress import noProgress

        from slicer_package_manager.registry.promotion import promote
        promote.promote(self._folder('application'), self._admin, '5.8', REVISION, noProgress)

    def rename(self):
        from girder.models.folder import Folder
        Folder().updateFolder({**self._folder('release'), 'name': '5.9'})

    def move(self):
        from girder.models.folder import Folder
        Folder().move(self._folder('revision'), self._elsewhere(), 'folder')

    def copy(self):
        from girder.models.folder import Folder
        Folder().copyFolder(self._folder('revision'), self._elsewhere(), 'copy', parentType='folder',
                            creator=self._admin)

    def delete(self):
        from girder.models.folder import Folder
        Folder().remove(self._folder('revision'))

    def delete_file(self):
        from girder.models.file import File
        File().remove(File().findOne({'itemId': self._item()['_id']}))

    def doctor(self):
        from plugin_tests.simulation.observed import findings
        found = findings()
        if found:
            raise AssertionError(found)


def main(uri, assetstore):
    os.environ.update({
        'GIRDER_MONGO_URI': database.completed(uri), 'GIRDER_SERVER_MODE': 'production', 'LOGLEVEL': 'CRITICAL',
        'GIRDER_FILESYSTEMASSETSTORE_RESERVED_MBYTES': '64'})
    import girder.wsgi  # noqa: F401 - loads the plugin
    import pytest

    from plugin_tests.simulation.world import Process

    class Stopping(Process):
        def stop(self):
            print('at', flush=True)  # noqa: T201
            sys.stdin.readline()

    process, operations = Stopping(), Operations(assetstore)
    process.watch(pytest.MonkeyPatch())
    print('ready', flush=True)  # noqa: T201
    for line in iter(sys.stdin.readline, ''):
        name, moment = line.split()
        try:
            with process.crashing(int(moment)):
                getattr(operations, name)()
            print('done', flush=True)  # noqa: T201
        except Exception as error:  # noqa: BLE001 - the test decides
            print(f'refused {type(error).__name__}: {error}'.replace('\n', ' '), flush=True)  # noqa: T201


if __name__ == '__main__':
    main(*sys.argv[1:])
