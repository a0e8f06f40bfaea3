"""The folder with the files is away, as when its disk is not mounted."""
import pytest

from plugin_tests.conftest import PACKAGE_FORM, upload

pytestmark = pytest.mark.database

BINARY = {'Content-Type': 'application/octet-stream'}
HEALTH = '/slicer_package_manager/health'
CONTENT = b'a package'


class Volume:
    """The disk that is mounted at ``place``; ``empty`` states whether the place exists without it."""

    def __init__(self, place, *, empty):
        self.place = place
        self.empty = empty
        self._away = place.with_name('away')

    def unmount(self):
        self.place.rename(self._away)
        if self.empty:
            self.place.mkdir()

    def mount(self):
        assert not self.place.exists() or not list(self.place.iterdir()), 'something was put where the disk belongs'
        if self.place.exists():
            self.place.rmdir()
        self._away.rename(self.place)


@pytest.fixture(params=[False, True], ids=['the folder is gone', 'the folder is empty'])
def volume(db, request, tmp_path):
    return Volume(tmp_path / 'assetstore', empty=request.param)


@pytest.fixture
def package(make):
    return make('package', content=CONTENT)


def refused(answer, volume):
    assert answer.status_code == 503
    assert str(volume.place) not in answer.text
    return answer


def test_downloads_say_so_without_a_path_and_the_log_has_it(volume, package, anonymous, api, caplog):
    (file,) = api.get(f'/item/{package["_id"]}/files').json()
    volume.unmount()
    for path in (f'/item/{package["_id"]}/download', f'/file/{file["_id"]}/download',
                 f'/file/hashsum/sha512/{file["sha512"]}/download'):
        caplog.clear()
        assert 'Try again later' in refused(anonymous.get(path), volume).json()['message']
        assert str(volume.place) in caplog.text
    volume.mount()
    assert anonymous.get(f'/item/{package["_id"]}/download').content == CONTENT


def test_archives_break_off(volume, package, anonymous):
    from slicer_package_manager.registry.schema.errors import Unavailable
    volume.unmount()
    with pytest.raises(Unavailable):
        anonymous.get(f'/item/{package["_id"]}/download', params={'format': 'zip'})
    volume.mount()


def test_lists_and_metadata_go_on(volume, package, app, anonymous, api):
    volume.unmount()
    assert [one['_id'] for one in anonymous.get(f'/app/{app["_id"]}/package').json()] == [package['_id']]
    api.post(f'/app/{app["_id"]}/package', params={**PACKAGE_FORM, 'version': '6.0'}).raise_for_status()
    assert anonymous.get(f'/item/{package["_id"]}').json()['meta']['version'] == '6.0'
    volume.mount()


def test_uploads_are_refused_before_they_begin_and_nothing_is_made_where_the_disk_belongs(
        volume, package, make, api, db):
    other = make('extension')
    volume.unmount()
    answer = api.post('/file', params={'parentType': 'item', 'parentId': other['_id'], 'name': 'a.zip', 'size': 3},
                      content=b'abc', headers=BINARY)
    refused(answer, volume)
    assert db.upload.count_documents({}) == 0
    assert not volume.place.exists() or not list(volume.place.iterdir())
    volume.mount()
    upload(api, other['_id'], b'abc')
    assert api.get(f'/item/{other["_id"]}/download').content == b'abc'


def test_an_upload_goes_on_when_the_disk_is_back(volume, package, make, api):
    half = bytes(6_000_000)
    other = make('extension')
    begun = api.post('/file', params={'parentType': 'item', 'parentId': other['_id'], 'name': 'a.zip',
                                      'size': 2 * len(half)}).raise_for_status().json()['_id']
    chunk = {'uploadId': begun, 'offset': 0}
    api.post('/file/chunk', params=chunk, content=half, headers=BINARY).raise_for_status()
    volume.unmount()
    refused(api.get('/file/offset', params={'uploadId': begun}), volume)
    refused(api.post('/file/chunk', params={**chunk, 'offset': len(half)}, content=half, headers=BINARY), volume)
    volume.mount()
    assert api.get('/file/offset', params={'uploadId': begun}).json() == {'offset': len(half)}
    api.post('/file/chunk', params={**chunk, 'offset': len(half)}, content=half, headers=BINARY).raise_for_status()
    assert api.get(f'/item/{other["_id"]}/download').content == 2 * half


def test_nothing_is_deleted_whose_bytes_would_stay(volume, package, app, api, anonymous):
    volume.unmount()
    refused(api.delete(f'/app/{app["_id"]}/package/{package["_id"]}'), volume)
    volume.mount()
    assert anonymous.get(f'/item/{package["_id"]}/download').content == CONTENT
    api.delete(f'/app/{app["_id"]}/package/{package["_id"]}').raise_for_status()


def test_the_server_is_not_ready_until_the_disk_is_back(volume, package, anonymous):
    volume.unmount()
    state = refused(anonymous.get(HEALTH), volume).json()['extra']['assetstore']
    assert state == ('its folder is empty, and should have files; is its disk mounted?' if volume.empty
                    else 'its folder is not there')
    volume.mount()
    assert anonymous.get(HEALTH).json()['assetstore'] == 'ok'


def test_the_doctor_says_so_and_makes_nothing(volume, package):
    from slicer_package_manager.doctor import server
    from slicer_package_manager.doctor.findings import Options
    volume.unmount()
    (finding,) = server.assetstores(Options())
    assert str(volume.place) in finding.what
    volume.mount()


def test_a_new_assetstore_whose_folder_has_nothing_yet_takes_uploads(make, api, tmp_path):
    assert list((tmp_path / 'assetstore').iterdir()) == []
    item = make('package', content=CONTENT)
    assert api.get(f'/item/{item["_id"]}/download').content == CONTENT


def test_an_assetstore_that_was_copied_without_its_empty_folder_takes_uploads(package, make, api, tmp_path):
    (tmp_path / 'assetstore' / 'temp').rmdir()
    item = make('extension', content=b'another')
    assert api.get(f'/item/{item["_id"]}/download').content == b'another'


def test_a_read_only_disk_hands_files_out_and_takes_none(package, api, anonymous, monkeypatch):
    import os
    allowed = os.access
    monkeypatch.setattr(os, 'access', lambda path, mode, **rest: not mode & os.W_OK and allowed(path, mode, **rest))
    assert anonymous.get(f'/item/{package["_id"]}/download').content == CONTENT
    assert api.post('/file', params={'parentType': 'item', 'parentId': package['_id'], 'name': 'a.zip', 'size': 3},
                    content=b'abc', headers=BINARY).status_code == 503
