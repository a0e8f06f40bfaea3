"""New content for the file of a package: what is announced, what is refused, and what happens at the same time."""
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from plugin_tests.conftest import upload
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry.storage import file_removal
from slicer_package_manager.registry.tree import item_files

pytestmark = pytest.mark.database

PACKAGE_TYPES = pytest.mark.parametrize('package_type', ['package', 'extension'])
BYTES = {'Content-Type': 'application/octet-stream'}
OLD, NEW, OTHER = b'the old content', b'some new content', b'and yet another one'
UNKNOWN = '5f4474d0e1d8c75dfc705482'


def sha512(content):
    return hashlib.sha512(content).hexdigest()


def meanwhile(call):
    """Make ``call`` while a request is being handled: by another thread, as CherryPy has one request in each."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result(PATIENCE)


@pytest.fixture(params=['disk', 'object storage'])
def storage(request):
    """Where the files are kept: gives what is stored there."""
    if request.param == 'object storage':
        s3 = request.getfixturevalue('s3')
        return lambda: sorted(s3.objects().values())
    request.getfixturevalue('db')
    root = request.getfixturevalue('tmp_path')
    return lambda: sorted(one.read_bytes() for one in root.rglob('?' * 128))


@pytest.fixture
def begin(api):
    """Begin to replace the content of a file; gives the answer."""
    def call(file, content=NEW, **params):
        return api.put(f'/file/{file["_id"]}/contents', params={'size': len(content), **params})
    return call


@pytest.fixture
def send(api):
    """Send all bytes of an upload; gives the answer."""
    def call(begun, content=NEW):
        return api.post('/file/chunk', params={'uploadId': begun.json()['_id'], 'offset': 0}, content=content,
                        headers=BYTES)
    return call


@pytest.fixture
def replaceable(make, files_of):
    """A package with a file; gives both."""
    item = make('package', content=OLD)
    return item, files_of(item)[0]


@pytest.fixture
def seen(item_of, files_of, anonymous):
    """What a reader gets of an item, after checking that it is whole."""
    def look(item):
        (file,) = files_of(item, anonymous)
        content = anonymous.get(f'/item/{item["_id"]}/download', follow_redirects=False)
        if content.status_code == 302:
            import httpx
            content = httpx.get(content.headers['Location'])
        content = content.raise_for_status().content
        now = item_of(item)
        assert (file['sha512'], file['size']) == (sha512(content), len(content))
        assert (now['meta']['sha512'], now['size']) == (file['sha512'], file['size'])
        return file['name'], content
    return look


@pytest.fixture
def killed(monkeypatch):
    """Make a call during which the server is killed before the first transaction begins."""
    def make_call(call):
        from slicer_package_manager.registry.storage import upload_completion
        with monkeypatch.context() as patched:
            patched.delattr(upload_completion, '_store')
            assert call().status_code == 500
    return make_call


# What is announced

@PACKAGE_TYPES
def test_name_and_bytes_change_together(storage, make, files_of, begin, send, seen, package_type):
    item = make(package_type, content=OLD)
    (file,) = files_of(item)
    begun = begin(file, name='other.zip', sha512=sha512(NEW))
    assert seen(item) == ('file.tar.gz', OLD)
    done = send(begun).raise_for_status().json()
    assert (done['_id'], done['name'], done['exts']) == (file['_id'], 'other.zip', ['zip'])
    assert (done['mimeType'], done['sha512']) == ('application/zip', sha512(NEW))
    assert seen(item) == ('other.zip', NEW)


def test_without_a_name_the_present_one_stays_also_one_given_meanwhile(api, replaceable, begin, send, seen):
    item, file = replaceable
    begun = begin(file)
    api.put(f'/file/{file["_id"]}', params={'name': 'renamed.tgz'}).raise_for_status()
    send(begun).raise_for_status()
    assert seen(item) == ('renamed.tgz', NEW)


def test_the_checksum_may_be_written_in_capitals(replaceable, begin, send, seen):
    item, file = replaceable
    send(begin(file, sha512=sha512(NEW).upper())).raise_for_status()
    assert seen(item)[1] == NEW


def test_an_empty_content_is_checked_too(storage, replaceable, begin, seen, db):
    item, file = replaceable
    assert begin(file, b'', sha512=sha512(NEW)).status_code == 400
    assert seen(item) == ('file.tar.gz', OLD)
    assert begin(file, b'', sha512=sha512(b''), name='empty.zip').status_code == 200
    assert seen(item) == ('empty.zip', b'')
    assert db['upload'].count_documents({}) == 0


def test_other_bytes_than_announced_are_refused_and_leave_nothing(
        storage, replaceable, begin, send, seen, stored, tmp_path):
    item, file = replaceable
    before, bytes_before = stored(), storage()
    answer = send(begin(file, name='other.zip', sha512=sha512(OTHER)))
    assert (answer.status_code, answer.json()['field']) == (400, 'sha512')
    assert sha512(OTHER)[:16] in answer.json()['message']
    assert sha512(NEW)[:16] in answer.json()['message']
    assert (stored(), storage()) == (before, bytes_before)
    assert list(tmp_path.rglob('temp/*')) == []
    assert seen(item) == ('file.tar.gz', OLD)


def test_a_damaged_new_file_is_refused_and_leaves_nothing(storage, api, make, stored):
    item = make('package')
    before = stored()
    params = {'parentType': 'item', 'parentId': item['_id'], 'name': 'a.zip', 'size': len(NEW)}
    answer = api.post('/file', params={**params, 'sha512': sha512(OTHER)}, content=NEW, headers=BYTES)
    assert (answer.status_code, answer.json()['field']) == (400, 'sha512')
    assert (stored(), storage()) == (before, [])
    done = api.post('/file', params={**params, 'sha512': sha512(NEW)}, content=NEW, headers=BYTES)
    assert done.raise_for_status().json()['sha512'] == sha512(NEW)


def test_a_refused_upload_of_bytes_that_another_file_has_leaves_them(storage, api, make, replaceable, begin, send):
    _, file = replaceable
    other = make('extension', content=NEW)
    assert send(begin(file, sha512=sha512(OTHER))).status_code == 400
    assert storage() == sorted([OLD, NEW])
    assert api.get(f'/item/{other["_id"]}/download').status_code in (200, 302)


@pytest.mark.parametrize(('field', 'value'), [
    ('sha512', 'abc'), ('sha512', 'g' * 128), ('sha512', '0' * 129), ('name', '../../evil.tar.gz'), ('name', '..'),
    ('name', 'a/b'), ('name', '/etc/passwd'), ('name', '..\\evil.zip'), ('name', 'a' * 256), ('name', 'ü' * 128)])
def test_what_cannot_be_is_refused_before_anything_begins(replaceable, begin, stored, tmp_path, field, value):
    before = stored()
    answer = begin(replaceable[1], **{field: value})
    assert (answer.status_code, answer.json()['field']) == (400, field)
    assert (stored(), list(tmp_path.rglob('temp/*'))) == (before, [])


@pytest.mark.parametrize('name', ['../../evil.tar.gz', 'a/b', '..', '.', 'a\\b', 'a' * 400, 'ü' * 200])
@pytest.mark.parametrize('way', ['upload', 'upload to a new item', 'rename', 'link', 'copy'])
def test_names_that_lead_elsewhere_are_refused_whichever_call_sets_them(api, app, make, replaceable, stored, tmp_path,
                                                                        name, way):
    item, file = replaceable
    if way == 'copy':
        folder = api.post('/folder', params={'parentType': 'collection', 'parentId': app['baseParentId'],
                                             'name': 'mine'}).raise_for_status().json()
        notes = api.post('/item', params={'folderId': folder['_id'], 'name': 'notes'}).raise_for_status().json()
        file = upload(api, notes['_id'], NEW, name=name)  # what is no package may have any name
    empty = make('extension')
    before = stored()
    target = {'parentType': 'item', 'parentId': (empty if way == 'upload to a new item' else item)['_id'], 'name': name}
    answer = {
        'upload': lambda: api.post('/file', params={**target, 'size': 3}, content=b'abc', headers=BYTES),
        'upload to a new item': lambda: api.post('/file', params={**target, 'size': 10_000_000}),
        'rename': lambda: api.put(f'/file/{file["_id"]}', params={'name': name}),
        'link': lambda: api.post('/file', params={**target, 'linkUrl': 'https://github.com/a/b.zip'}),
        'copy': lambda: api.post(f'/file/{file["_id"]}/copy', params={'itemId': item['_id']}),
    }[way]()
    assert (answer.status_code, answer.json()['field']) == (400, 'name')
    assert stored() == before
    assert list(tmp_path.rglob('temp/*')) == []


def test_control_characters_in_names_become_spaces(api, replaceable):
    changed = api.put(f'/file/{replaceable[1]["_id"]}', params={'name': ' a\r\nb\x00.zip '}).raise_for_status().json()
    assert changed['name'] == 'a b .zip'


# At the same time

@pytest.fixture
def in_between(monkeypatch):
    """Have something happen once, when the next change of a file begins: after its first reads, if any."""
    def arrange(happening):
        pending = [happening]
        for begin in (item_files.change, item_files.take):
            def later(*args, begin=begin):
                if pending:
                    meanwhile(pending.pop())
                return begin(*args)
            monkeypatch.setattr(item_files, begin.__name__, later)
    return arrange


def test_an_upload_that_is_complete_meanwhile_is_replaced_by_the_later_one(
        storage, replaceable, begin, send, seen, in_between):
    item, file = replaceable
    first, last = begin(file, OTHER, name='first.zip'), begin(file, name='last.zip')
    in_between(lambda: send(first, OTHER).raise_for_status())
    send(last).raise_for_status()
    assert seen(item) == ('last.zip', NEW)
    assert storage() == sorted([OLD, NEW, OTHER])
    file_removal.sweep(timedelta(0))
    assert storage() == [NEW]


def test_a_rename_meanwhile_is_not_undone(api, replaceable, begin, send, seen, in_between):
    item, file = replaceable
    in_between(lambda: api.put(f'/file/{file["_id"]}', params={'name': 'x.zip'}).raise_for_status())
    send(begin(file)).raise_for_status()
    assert seen(item) == ('x.zip', NEW)


def test_a_rename_does_not_undo_a_replacement(api, replaceable, begin, send, seen, in_between):
    item, file = replaceable
    begun = begin(file)
    in_between(lambda: send(begun).raise_for_status())
    api.put(f'/file/{file["_id"]}', params={'name': 'renamed.zip'}).raise_for_status()
    assert seen(item) == ('renamed.zip', NEW)


def test_a_change_of_the_type_leaves_the_name(api, replaceable, seen):
    item, file = replaceable
    changed = api.put(f'/file/{file["_id"]}', params={'mimeType': 'application/x-x'}).raise_for_status().json()
    assert (changed['mimeType'], changed['name']) == ('application/x-x', 'file.tar.gz')
    assert seen(item) == ('file.tar.gz', OLD)


def delete_file(api, item, file):
    api.delete(f'/file/{file["_id"]}').raise_for_status()


def delete_item(api, item, file):
    api.delete(f'/item/{item["_id"]}').raise_for_status()


def delete_folder(api, item, file):
    api.delete(f'/folder/{item["folderId"]}').raise_for_status()


def delete_package(api, item, file):
    api.delete(f'/app/{item["meta"]["app_id"]}/package/{item["_id"]}').raise_for_status()


def put_second(api, item, file):
    upload(api, item['_id'], OTHER, name='other.zip')


GONE = pytest.mark.parametrize('go', [delete_file, delete_item, delete_folder, delete_package, put_second])


@GONE
@pytest.mark.parametrize('when', ['before it begins', 'before the bytes', 'before the commit'])
def test_an_upload_to_what_is_gone_ends_with_404_or_409_and_leaves_nothing(
        storage, api, replaceable, begin, send, in_between, db, tmp_path, go, when):
    item, file = replaceable
    if when == 'before it begins':
        go(api, item, file)
        answer = begin(file)
    else:
        begun = begin(file, sha512=sha512(NEW))
        if when == 'before the bytes':
            go(api, item, file)
        else:
            in_between(lambda: go(api, item, file))
        answer = send(begun)
    assert answer.status_code in (404, 409), answer.text
    assert 'a new upload' in answer.json()['message'] or 'deleted' in answer.json()['message']
    file_removal.sweep(timedelta(0))
    assert storage() == ([OTHER] if go is put_second else [])
    assert db['upload'].count_documents({}) == 0
    assert db['file'].count_documents({}) == (go is put_second)
    assert list(tmp_path.rglob('temp/*')) == []


@pytest.mark.parametrize('go', [delete_item, delete_folder, delete_package])
@pytest.mark.parametrize('when', ['before it begins', 'before the bytes', 'before the commit'])
def test_a_new_file_for_what_is_gone_ends_with_404_and_leaves_nothing(
        storage, api, make, db, in_between, tmp_path, go, when):
    item = make('package')
    params = {'parentType': 'item', 'parentId': item['_id'], 'name': 'a.zip', 'size': len(NEW)}
    if when == 'before it begins':
        go(api, item, None)
        answer = api.post('/file', params=params, content=NEW, headers=BYTES)
    elif when == 'before the bytes':
        begun = api.post('/file', params=params).raise_for_status().json()
        go(api, item, None)
        answer = api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=NEW, headers=BYTES)
    else:
        in_between(lambda: go(api, item, None))
        answer = api.post('/file', params=params, content=NEW, headers=BYTES)
    assert answer.status_code == 404, answer.text
    assert storage() == []
    assert (db['file'].count_documents({}), db['upload'].count_documents({})) == (0, 0)
    assert list(tmp_path.rglob('temp/*')) == []


def test_a_file_that_is_stored_while_its_item_is_deleted_goes_too(storage, api, make, db, monkeypatch):
    item = make('package', content=OLD)
    original, pending = item_files.detach_all, [True]

    def detach_all(items):
        if pending:
            pending.pop()
            meanwhile(lambda: upload(api, item['_id'], NEW))
        return original(items)
    monkeypatch.setattr(item_files, 'detach_all', detach_all)
    api.delete(f'/item/{item["_id"]}').raise_for_status()
    file_removal.sweep(timedelta(0))
    assert (db['file'].count_documents({}), storage()) == (0, [])


def test_a_file_that_gets_new_content_while_it_is_deleted_leaves_no_bytes(
        storage, api, replaceable, begin, send, db, in_between):
    _, file = replaceable
    begun = begin(file)
    in_between(lambda: send(begun).raise_for_status())
    api.delete(f'/file/{file["_id"]}').raise_for_status()
    file_removal.sweep(timedelta(0))
    assert (db['file'].count_documents({}), storage()) == (0, [])


@pytest.mark.parametrize('last', ['upload', 'deletion'])
def test_a_deleted_file_and_a_refused_upload_with_the_same_bytes_leave_none(
        storage, api, replaceable, begin, send, in_between, monkeypatch, last):
    """Who forgets them last deletes them."""
    _, file = replaceable
    begun, erase, late = begin(file, OLD), file_removal.erase, []
    if last == 'deletion':
        monkeypatch.setattr(file_removal, 'erase', late.append)
    in_between(lambda: api.delete(f'/file/{file["_id"]}').raise_for_status())
    assert send(begun, OLD).status_code in (404, 409)
    for detached in late:
        erase(detached)
    assert storage() == []


class Meeting(threading.Event):
    """A moment that one thread reaches and others wait for."""

    def wait_for_it(self):
        assert self.wait(PATIENCE)


@pytest.fixture
def copies(api, app):
    """An ordinary folder."""
    return api.post('/folder', params={'parentType': 'collection', 'parentId': app['baseParentId'],
                                       'name': 'copies'}).raise_for_status().json()['_id']


def test_a_file_that_is_deleted_while_its_item_is_copied_is_not_in_the_copy(
        storage, api, replaceable, copies, db, in_between):
    item, file = replaceable
    in_between(lambda: api.delete(f'/file/{file["_id"]}').raise_for_status())
    copy = api.post(f'/item/{item["_id"]}/copy', params={'folderId': copies}).raise_for_status().json()
    assert (copy['size'], db['file'].count_documents({}), storage()) == (0, 0, [])


def test_a_copy_that_comes_too_late_for_the_bytes_is_refused(storage, api, make, replaceable, db, in_between):
    _, file = replaceable
    other = make('extension')
    in_between(lambda: api.delete(f'/file/{file["_id"]}').raise_for_status())
    answer = api.post(f'/file/{file["_id"]}/copy', params={'itemId': other['_id']})
    assert (answer.status_code, 'while it was copied' in answer.json()['message']) == (404, True)
    assert (db['file'].count_documents({}), storage()) == (0, [])


def test_a_copy_that_comes_before_the_bytes_are_asked_for_keeps_them(storage, api, replaceable, copies, in_between):
    item, file = replaceable
    made = []
    in_between(lambda: made.append(api.post(f'/item/{item["_id"]}/copy', params={'folderId': copies})))
    api.delete(f'/file/{file["_id"]}').raise_for_status()
    copy = made[0].raise_for_status().json()
    assert storage() == [OLD]
    assert api.get(f'/item/{copy["_id"]}').json()['size'] == len(OLD)


def test_the_bytes_of_an_upload_that_becomes_a_file_while_others_like_them_are_deleted_stay(
        api, make, replaceable, storage, seen, monkeypatch):
    """Whatever the deletion asks for first, the upload is a file just after."""
    from girder.models.file import File
    from girder.models.upload import Upload

    from slicer_package_manager.registry.storage import upload_completion
    _, file = replaceable
    other = make('package', baseName='Other')
    placed, go, create = Meeting(), Meeting(), upload_completion._create
    deletion = threading.current_thread()

    def late_create(*args):
        placed.set()
        go.wait_for_it()
        return create(*args)
    monkeypatch.setattr(upload_completion, '_create', late_create)
    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(upload, api, other['_id'], OLD)
        placed.wait_for_it()
        for model in (File(), Upload()):
            def ask(query, *args, model=model, original=model.findOne, **kwargs):
                found = original(query, *args, **kwargs)
                # The upload asks the same when it is forgotten, and must not wait for itself.
                if 'sha512' in query and threading.current_thread() is deletion:
                    go.set()
                    uploading.result(PATIENCE)
                return found
            monkeypatch.setattr(model, 'findOne', ask)
        api.delete(f'/file/{file["_id"]}').raise_for_status()
        go.set()
        uploading.result(PATIENCE)
    assert (storage(), seen(other)[1]) == ([OLD], OLD)


def test_a_second_file_replaces_content_that_comes_meanwhile(api, make, files_of, begin, send, seen, in_between):
    item = make('package', content=OLD)
    (file,) = files_of(item)
    begun = begin(file)
    in_between(lambda: send(begun).raise_for_status())
    upload(api, item['_id'], OTHER, name='second.zip')
    assert seen(item) == ('second.zip', OTHER)


@pytest.mark.parametrize('ahead', [timedelta(0), timedelta(hours=1)])
def test_a_later_file_is_the_newer_one_whatever_the_clocks_say(
        api, make, files_of, begin, send, seen, monkeypatch, ahead):
    from slicer_package_manager.registry.server import clock
    item = make('package')
    now = clock.now() + ahead
    monkeypatch.setattr(clock, 'now', lambda: now)
    for number in range(3):
        upload(api, item['_id'], b'content %d' % number)
        assert seen(item)[1] == b'content %d' % number
    monkeypatch.setattr(clock, 'now', lambda: now - timedelta(hours=2))
    upload(api, item['_id'], NEW)
    assert seen(item)[1] == NEW
    (file,) = files_of(item)
    send(begin(file, OTHER), OTHER).raise_for_status()
    assert seen(item)[1] == OTHER


def test_a_move_to_another_assetstore_does_not_replace_newer_content(api, replaceable, begin, send, seen, db, s3,
                                                                     monkeypatch):
    item, file = replaceable
    elsewhere = db['assetstore'].find_one({'name': 'objects'})
    from girder.models.file import File
    begun, original = begin(file), File().download

    def download(*args, **kwargs):
        meanwhile(lambda: send(begun).raise_for_status())
        return original(*args, **kwargs)
    monkeypatch.setattr(File(), 'download', download)
    answer = api.put(f'/file/{file["_id"]}/move', params={'assetstoreId': str(elsewhere['_id'])})
    assert answer.status_code in (404, 409), answer.text
    assert seen(item)[1] == NEW
    assert db['upload'].count_documents({}) == 0


def test_a_link_that_changes_meanwhile_is_replaced(api, anonymous, make, files_of, begin, send, seen, in_between):
    item = make('package', url='https://github.com/o/r/releases/download/1/a.zip', size=5)
    (file,) = files_of(item)
    in_between(lambda: make('package', url='https://github.com/o/r/releases/download/2/b.zip', size=7))
    send(begin(file, name='real.zip')).raise_for_status()
    assert seen(item) == ('real.zip', NEW)
    assert 'linkUrl' not in files_of(item)[0]


# The same bytes again

def test_bytes_that_have_arrived_are_refused_with_409(api, make, replaceable, begin, send):
    _, file = replaceable
    begun = begin(file)
    send(begun).raise_for_status()
    assert send(begun).status_code == 409
    done = api.post('/file', params={'parentType': 'item', 'parentId': make('extension')['_id'], 'name': 'a.zip',
                                     'size': 12_000_000}).json()
    for status in (200, 409):
        answer = api.post('/file/chunk', params={'uploadId': done['_id'], 'offset': 0}, content=bytes(6_000_000),
                          headers=BYTES)
        assert answer.status_code == status
    early = api.post('/file/chunk', params={'uploadId': done['_id'], 'offset': 7_000_000}, content=bytes(5_000_000),
                     headers=BYTES)
    assert early.status_code == 400


@pytest.mark.parametrize('call', ['chunk', 'completion'])
def test_an_unknown_upload_is_404_and_a_complete_one_409(api, replaceable, begin, send, call):
    for identifier, status in ((UNKNOWN, 404), (send_whole(begin, send, replaceable), 409), ('x', 400)):
        answer = api.post(f'/file/{call}?' + urlencode({'uploadId': identifier, 'offset': 0}), content=NEW,
                          headers=BYTES)
        assert (answer.status_code, identifier) == (status, identifier)


def send_whole(begin, send, replaceable):
    begun = begin(replaceable[1])
    send(begun).raise_for_status()
    return begun.json()['_id']


@pytest.mark.parametrize('replaces', [False, True])
def test_an_upload_that_another_request_completes_meanwhile_becomes_one_file(
        storage, api, make, replaceable, begin, db, seen, in_between, killed, replaces):
    item, file = replaceable if replaces else (make('extension'), None)
    params = {'parentType': 'item', 'parentId': item['_id'], 'name': 'a.zip', 'size': len(NEW)}
    begun = begin(file, name='a.zip').json() if replaces else api.post('/file', params=params).json()
    killed(lambda: api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, content=NEW, headers=BYTES))

    def complete():
        return api.post('/file/completion', params={'uploadId': begun['_id']})
    in_between(lambda: complete().raise_for_status())
    assert complete().status_code == 409
    assert (seen(item), db['upload'].count_documents({})) == (('a.zip', NEW), 0)
    assert db['file'].count_documents({}) == 2


def test_asking_for_the_offset_does_not_undo_a_chunk(api, make, db, monkeypatch):
    from girder.models.upload import Upload
    begun = api.post('/file', params={'parentType': 'item', 'parentId': make('package')['_id'], 'name': 'a.zip',
                                      'size': 12_000_000}).json()
    original = Upload().requestOffset

    def ask(asked):
        meanwhile(lambda: api.post('/file/chunk', params={'uploadId': begun['_id'], 'offset': 0}, headers=BYTES,
                                   content=bytes(6_000_000)).raise_for_status())
        return original(asked)
    monkeypatch.setattr(Upload(), 'requestOffset', ask)
    assert api.get('/file/offset', params={'uploadId': begun['_id']}).json() == {'offset': 0}
    assert db['upload'].find_one()['received'] == 6_000_000


# The published client 0.11: a second file named new_file, the first one deleted, the second one renamed

def finish_as_011(api, old, new, name='new.zip'):
    api.delete(f'/file/{old["_id"]}').raise_for_status()
    api.put(f'/file/{new["_id"]}', params={'name': name}).raise_for_status()


def test_a_replacement_comes_back_when_its_uploader_deletes_a_file_that_got_new_content_meanwhile(
        api, replaceable, begin, send, seen, db):
    item, file = replaceable
    new = upload(api, item['_id'], OTHER, name='new_file')
    send(begin(file, name='between.zip')).raise_for_status()
    assert seen(item) == ('between.zip', NEW)
    finish_as_011(api, file, new)
    assert seen(item) == ('new.zip', OTHER)
    file_removal.sweep(timedelta(0))
    assert [one['_id'] for one in db['file'].find({}, {'_id': 1})] == [new_id(new)]


def new_id(file):
    from bson.objectid import ObjectId
    return ObjectId(file['_id'])


def test_of_two_such_replacements_beside_new_content_the_later_one_stays(api, replaceable, begin, send, seen):
    item, file = replaceable
    first, second = (upload(api, item['_id'], content, name='new_file') for content in (b'first', b'second'))
    send(begin(file)).raise_for_status()
    finish_as_011(api, file, first, 'first.zip')
    finish_as_011(api, file, second, 'second.zip')
    assert seen(item) == ('second.zip', b'second')


def test_a_deletion_does_not_take_the_content_that_comes_while_the_replacement_comes_back(
        api, replaceable, begin, send, seen, in_between):
    item, file = replaceable
    new = upload(api, item['_id'], OTHER, name='new_file')
    begun = begin(file, name='between.zip')
    in_between(lambda: send(begun).raise_for_status())
    finish_as_011(api, file, new)
    assert seen(item) == ('new.zip', OTHER)


def test_a_replacement_stays_when_its_uploader_deletes_the_file_that_is_about_to_get_newer_content(
        api, replaceable, begin, send, seen, in_between):
    item, file = replaceable
    new = upload(api, item['_id'], OTHER, name='new_file')
    begun = begin(file, name='between.zip')
    in_between(lambda: api.delete(f'/file/{file["_id"]}').raise_for_status())
    assert send(begun).status_code == 409
    api.put(f'/file/{new["_id"]}', params={'name': 'new.zip'}).raise_for_status()
    assert seen(item) == ('new.zip', OTHER)


def test_what_was_deleted_stays_so_if_its_replacements_are_complete(api, replaceable, begin, send, files_of):
    item, file = replaceable
    new = upload(api, item['_id'], OTHER, name='new_file')
    finish_as_011(api, file, new)
    send(begin(new, name='later.zip')).raise_for_status()
    api.delete(f'/file/{new["_id"]}').raise_for_status()
    assert files_of(item) == []


@pytest.mark.parametrize('call', ['PUT', 'DELETE'])
def test_a_file_that_is_gone_is_404(api, replaceable, call):
    _, file = replaceable
    api.delete(f'/file/{file["_id"]}').raise_for_status()
    assert api.request(call, f'/file/{file["_id"]}', params={'name': 'x.zip'}).status_code == 404


# Others

def test_renaming_what_was_replaced_or_deleting_it_harms_nobody(api, replaceable, seen):
    item, file = replaceable
    put_second(api, item, file)
    api.put(f'/file/{file["_id"]}', params={'name': 'late.zip'}).raise_for_status()
    api.delete(f'/file/{file["_id"]}').raise_for_status()
    assert seen(item) == ('other.zip', OTHER)


def test_a_copy_of_what_was_replaced_is_a_file(api, replaceable, make, seen):
    item, file = replaceable
    put_second(api, item, file)
    other = make('extension')
    api.post(f'/file/{file["_id"]}/copy', params={'itemId': other['_id']}).raise_for_status()
    file_removal.sweep(timedelta(0))
    assert seen(other) == ('file.tar.gz', OLD)


def test_who_may_not_write_neither_replaces_nor_renames(anonymous, login, make_user, replaceable):
    _, file = replaceable
    for client, status in ((anonymous, 401), (login(make_user('reader')), 403)):
        assert client.put(f'/file/{file["_id"]}/contents', params={'size': 3, 'name': 'x'}).status_code == status
        assert client.put(f'/file/{file["_id"]}', params={'name': 'x'}).status_code == status


def test_other_peoples_files_are_replaced_and_renamed_as_ever(api, app, begin, send):
    item = api.post('/item', params={'folderId': app['_id'], 'name': 'notes'}).json()
    file = upload(api, item['_id'], OLD, name='../a.txt')
    assert send(begin(file)).raise_for_status().json()['size'] == len(NEW)
    assert api.put(f'/file/{file["_id"]}', params={'name': 'a/b'}).raise_for_status().json()['name'] == 'a/b'
    assert send(begin(file, sha512=sha512(OTHER))).status_code == 400
    assert api.get(f'/item/{item["_id"]}/download').content == NEW


def test_a_file_that_is_deleted_before_its_upload_is_forgotten_leaves_no_bytes(make, db, tmp_path):
    from girder import events
    from girder.models.file import File

    def delete(event):
        File().remove(event.info['file'])
    with events.bound('model.file.finalizeUpload.after', 'test', delete):
        make('package', content=b'short-lived')
    assert [db[name].count_documents({}) for name in ('file', 'upload')] == [0, 0]
    assert [path for path in tmp_path.rglob('?' * 128) if path.is_file()] == []
