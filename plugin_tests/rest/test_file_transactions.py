"""The file of a package at each moment of what changes it: readers find the old one or the new one, whole."""
import hashlib
import io
from datetime import timedelta

import pytest
from bson.objectid import ObjectId

from plugin_tests.conftest import upload
from plugin_tests.rest.test_promotion import Killed, aside, at_each_write, killed_at_each_write

pytestmark = pytest.mark.database

OLD, NEW = b'the old content', b'some new content'


def sha512(content):
    return hashlib.sha512(content).hexdigest()


class Package:
    """A package in the database, and what is done to its file without a server around."""

    def __init__(self, api, db, admin, item):
        self.api, self.db, self.admin, self.item = api, db, admin, ObjectId(item['_id'])

    def look(self):
        """The name and the checksum of the file, after a check that it is the only one for readers and stated so."""
        item = self.db['item'].find_one({'_id': self.item})
        files = list(self.db['file'].find({'itemId': self.item}).sort([('created', 1), ('_id', 1)]))
        assert [one['name'] for one in files[1:]] in ([], ['new_file'])
        file = files[0] if files else {'name': None, 'sha512': ''}
        assert (item['spm']['ready'], item['meta']['sha512']) == (bool(files), file.get('sha512', ''))
        assert item['size'] == sum(one['size'] for one in files)
        return file['name'], file.get('sha512', '')

    def file(self, **query):
        return self.db['file'].find_one({'itemId': self.item, **query})

    def begin(self, name, **target):
        """Begin an upload; gives what completes it, which can be repeated."""
        params = {'name': name, 'size': len(NEW), 'sha512': sha512(NEW)}
        begun = (self.api.put(f'/file/{target["file"]["_id"]}/contents', params=params) if target else self.api.post(
            '/file', params={**params, 'parentType': 'item', 'parentId': str(self.item)})).raise_for_status().json()

        def complete():
            from girder.models.upload import Upload
            from girder.utility import RequestBodyStream
            found = Upload().load(begun['_id'])
            if found is None:
                return  # it was complete before the kill
            if found['received'] < len(NEW):
                Upload().handleChunk(found, RequestBodyStream(io.BytesIO(NEW), len(NEW)))
            else:
                Upload().finalizeUpload(found)
        return complete


@pytest.fixture
def package(api, db, admin, make):
    """A package with a file."""
    return Package(api, db, admin, make('package', content=OLD))


def first_file(package):
    package.api.delete(f'/file/{package.file()["_id"]}').raise_for_status()
    return package.begin('new.zip'), ('new.zip', sha512(NEW))


def second_file(package):
    return package.begin('new.zip'), ('new.zip', sha512(NEW))


def waiting_file(package):
    return package.begin('new_file'), package.look()


def new_content(package):
    return package.begin('new.zip', file=package.file()), ('new.zip', sha512(NEW))


def new_name(package):
    from slicer_package_manager.registry.tree import file_names
    file = package.file()
    return lambda: file_names.change(file, 'new.zip'), ('new.zip', file['sha512'])


def new_name_of_a_waiting_file(package):
    from slicer_package_manager.registry.tree import file_names
    waiting = upload(package.api, str(package.item), NEW, name='new_file')
    file = package.file(_id=ObjectId(waiting['_id']))
    return lambda: file_names.change(file, 'new.zip'), ('new.zip', sha512(NEW))


def no_file(package):
    from girder.models.file import File
    file = package.file()
    return lambda: File().remove(file), (None, '')


def only_the_waiting_file(package):
    from girder.models.file import File
    file = package.file()
    upload(package.api, str(package.item), NEW, name='new_file')
    return lambda: File().remove(file), ('new_file', sha512(NEW))


def the_waiting_file_again(package):
    from girder.models.file import File
    upload(package.api, str(package.item), NEW, name='new_file')
    package.begin('new.zip', file=package.file(name='file.tar.gz'))()
    file = package.file()
    return lambda: File().remove(file), ('new_file', sha512(NEW))


def link(package):
    from slicer_package_manager.registry.links import rules
    wanted = rules.Link('https://github.com/o/r/releases/download/1/a.zip', 'a.zip', 5, 'ab' * 64)
    item = package.db['item'].find_one({'_id': package.item})
    return lambda: rules.put(item, wanted, package.admin), ('a.zip', 'ab' * 64)


def link_of_girder(package):
    from girder.models.file import File
    item = package.db['item'].find_one({'_id': package.item})
    url = 'https://github.com/o/r/releases/download/1/a.zip'
    return lambda: File().createLinkFile('a.zip', item, 'item', url, package.admin, 5), ('a.zip', '')


CHANGES = pytest.mark.parametrize('change', [
    first_file, second_file, waiting_file, new_content, new_name, new_name_of_a_waiting_file, no_file,
    only_the_waiting_file, the_waiting_file_again, link, link_of_girder])


OTHERS = ('file', 'collection', 'upload')


@CHANGES
def test_whatever_write_the_process_is_killed_at_the_file_is_the_old_or_the_new_one(package, change, tmp_path):
    operation, after = change(package)
    before = package.look()
    killed_at_each_write(operation, lambda: package.look() in (before, after), more=OTHERS)
    assert package.look() == after
    sweep()
    files = list(package.db['file'].find())
    assert {file['itemId'] for file in files} <= {package.item}
    assert sorted(path.name for path in tmp_path.rglob('?' * 128)) == sorted(
        file['sha512'] for file in files if file.get('assetstoreId'))
    assert package.db['upload'].count_documents({}) == 0


def sweep():
    from slicer_package_manager.registry.storage import file_removal
    file_removal.sweep(timedelta(0))


@CHANGES
def test_at_every_moment_readers_find_the_old_or_the_new_file(package, change, db):
    operation, after = change(package)
    before, seen = package.look(), []
    with at_each_write(lambda: seen.append(aside(package.look)), more=OTHERS):
        operation()
    changes = [one for one, previous in zip([*seen, package.look()], [before, *seen], strict=True) if one != previous]
    assert changes in ([], [after])
    assert package.look() == after
    sizes = [db[name].find_one({'_id': db['item'].find_one()[key]})['size']
             for name, key in (('folder', 'folderId'), ('collection', 'baseParentId'))]
    assert sizes == [db['item'].find_one()['size']] * 2


@pytest.mark.parametrize('call', ['copy', 'save'])
def test_whatever_write_the_process_is_killed_at_an_item_is_copied_or_saved_whole(package, make_release, stored, call):
    from girder.models.folder import Folder
    from girder.models.item import Item
    item = package.db['item'].find_one({'_id': package.item})
    folder = Folder().load(make_release('5.9', '34000')['_id'], force=True)
    operation = {'copy': lambda: Item().copyItem(item, package.admin, folder=folder),
                 'save': lambda: Item().setMetadata(item, {'version': '9'})}[call]
    before = stored()
    result = killed_at_each_write(operation, lambda: stored() == before, more=OTHERS, later=False)
    assert result['spm']['ready']
    assert package.look() == ('file.tar.gz', sha512(OLD))
    assert Package(package.api, package.db, package.admin, result).look() == ('file.tar.gz', sha512(OLD))


def test_a_save_of_a_package_as_it_was_before_its_file_changed_keeps_what_it_states(package, db):
    from girder.models.item import Item
    item = db['item'].find_one({'_id': package.item})
    package.begin('new.zip')()
    Item().setMetadata(item, {'version': '9'})
    assert package.look() == ('new.zip', sha512(NEW))
    assert db['folder'].find_one({'_id': item['folderId']})['size'] == len(NEW)


def killed_at_once(*_args, **_kwargs):
    raise Killed


@pytest.mark.parametrize('deleted', ['item', 'folder'])
def test_the_bytes_of_an_interrupted_upload_go_with_an_item_that_was_a_package(package, elsewhere, db, tmp_path,
                                                                              monkeypatch, deleted):
    from slicer_package_manager.registry.storage import upload_completion
    complete = package.begin('new.zip')
    with monkeypatch.context() as killed:
        killed.setattr(upload_completion, '_store', killed_at_once)  # the bytes are in their place already
        with pytest.raises(Killed):
            complete()
    assert len(list(tmp_path.rglob('?' * 128))) == 2
    package.api.put(f'/item/{package.item}', params={'folderId': str(elsewhere['_id'])}).raise_for_status()
    path = f'/item/{package.item}' if deleted == 'item' else f'/folder/{elsewhere["_id"]}'
    package.api.delete(path).raise_for_status()
    assert db['upload'].count_documents({}) == 0
    assert list(tmp_path.rglob('?' * 128)) == []


def test_a_link_that_girder_creates_comes_with_its_package(package):
    operation, after = link_of_girder(package)
    operation()
    assert package.look() == after


@pytest.mark.parametrize('first', [new_content, second_file, waiting_file, link, new_name, no_file])
@pytest.mark.parametrize('second', [new_content, second_file, link, new_name])
def test_two_changes_at_once_come_one_after_the_other(package, monkeypatch, first, second):
    from girder.exceptions import RestException

    from slicer_package_manager.registry.tree import item_files
    (inner, _), (outer, after) = first(package), second(package)
    pending = [inner]
    for begin in (item_files.change, item_files.take):
        def later(*args, begin=begin):
            if pending:
                aside(pending.pop())
            return begin(*args)
        monkeypatch.setattr(item_files, begin.__name__, later)
    try:
        outer()
    except RestException:
        assert first in (second_file, link, no_file)
    else:
        assert second in (new_name, new_content) or package.look() == after
    assert pending == []
    package.look()
    sweep()
    assert package.db['upload'].count_documents({}) == 0


@pytest.mark.parametrize('place', ['disk', 'object storage'])
def test_no_bytes_are_touched_in_a_transaction(request, place):
    if place == 'object storage':
        request.getfixturevalue('s3')
    package = request.getfixturevalue('package')
    from slicer_package_manager.registry.server import transactions
    from slicer_package_manager.registry.storage import file_removal, stores
    file = package.file()
    store = stores.of_file(file)
    for use in (lambda: store.read(file, 0, 1), store.require_writable, lambda: store.deleteFile(file),
                lambda: store.delete(file, lambda: None), lambda: file_removal.erase(file)):
        with pytest.raises(RuntimeError, match='not possible in a transaction'):
            transactions.run(use)
    assert b''.join(store.read(file, 0, len(OLD))) == OLD
