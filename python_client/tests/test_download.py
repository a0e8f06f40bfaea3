import hashlib
import shutil
import subprocess
import sys

import pytest
from werkzeug import Response

from slicer_package_manager_client import download
from slicer_package_manager_client.download import local_name
from slicer_package_manager_client.errors import (
    ChecksumMismatch,
    Conflict,
    InvalidRequest,
    NetworkProblem,
    NotFound,
    SlicerPackageManagerError,
)
from slicer_package_manager_client.fields import EXTENSION

DATA = bytes(range(256)) * 20
NAME = '33000-linux-amd64-Foo-git1.tar.gz'


@pytest.fixture
def item(girder):
    return girder.make_item('extension', {'baseName': 'Foo', 'os': 'linux', 'revision': '1'}, DATA, NAME)


@pytest.fixture
def fetch(client, item, tmp_path):
    def run(**options):
        return client.fetch(EXTENSION, 'Slicer', item['_id'], **{'dir_path': tmp_path / 'out', **options})

    return run


def left(tmp_path):
    return sorted(path.name for path in (tmp_path / 'out').iterdir())


def partial(client, girder, tmp_path, data):
    made = download.Download(client, dict(girder.files[0]), tmp_path / 'out' / NAME)
    made._part.parent.mkdir(exist_ok=True)
    made._part.write_bytes(data)


def test_keeps_the_whole_name_of_the_file(fetch, tmp_path):
    assert fetch()[1:] == (tmp_path / 'out' / NAME, 'downloaded')
    assert (tmp_path / 'out' / NAME).read_bytes() == DATA
    assert left(tmp_path) == [NAME]


def test_saves_under_another_path(fetch, tmp_path):
    assert fetch(dir_path=None, output=tmp_path / 'other')[1].read_bytes() == DATA


def test_a_directory_and_a_path_contradict_each_other(fetch, tmp_path):
    with pytest.raises(InvalidRequest):
        fetch(output=tmp_path / 'other')


@pytest.mark.parametrize(('received', 'free', 'fits'), [
    (0, len(DATA) - 1, False), (0, len(DATA), True), (1000, len(DATA) - 1000, True), (1000, len(DATA) - 1001, False)])
def test_a_disk_that_is_too_small_is_not_filled(received, free, fits, fetch, client, girder, tmp_path, monkeypatch):
    partial(client, girder, tmp_path, DATA[:received])
    monkeypatch.setattr(download.shutil, 'disk_usage', lambda _path: shutil._ntuple_diskusage(0, 0, free))
    if fits:
        assert fetch()[2] == 'downloaded'
        return
    with pytest.raises(SlicerPackageManagerError, match=f'requires {len(DATA) - received} bytes.*has {free} left'):
        fetch()
    assert girder.asked('GET', 'download$') == []


def test_two_processes_do_not_write_one_file(fetch, girder, tmp_path):
    code = ('import sys; from pathlib import Path; from slicer_package_manager_client import locks\n'
            f'with locks.exclusive(Path({str(tmp_path / "out" / NAME)!r})): print(flush=True); sys.stdin.read()')
    with subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(Conflict, match='Another process downloads to'):
            fetch()
        assert girder.asked('GET', 'download$') == []
        other.communicate()
    assert fetch()[2] == 'downloaded'


def test_the_same_file_is_not_fetched_again(fetch, girder):
    fetch()
    girder.requests.clear()
    assert fetch()[2] == 'unchanged'
    assert girder.asked('GET', 'download') == []


@pytest.mark.parametrize('content', [b'mine', DATA[::-1]], ids=['other size', 'same size'])
def test_another_file_is_overwritten_only_by_force(content, fetch, tmp_path):
    target = tmp_path / 'out' / NAME
    target.parent.mkdir()
    target.write_bytes(content)
    with pytest.raises(Conflict, match='--force'):
        fetch()
    assert target.read_bytes() == content
    fetch(force=True)
    assert target.read_bytes() == DATA


def test_goes_on_where_an_earlier_run_was_killed(fetch, girder, client, tmp_path):
    partial(client, girder, tmp_path, DATA[:1000])
    fetch()
    assert girder.asked('GET', 'download')[0].headers['Range'] == 'bytes=1000-'
    assert (tmp_path / 'out' / NAME).read_bytes() == DATA


def test_a_part_of_another_file_is_not_continued(fetch, girder, client, item, tmp_path):
    partial(client, girder, tmp_path, DATA[:1000])
    girder.store(item['_id'], NAME, DATA[::-1])
    fetch()
    assert (tmp_path / 'out' / NAME).read_bytes() == DATA[::-1]


def test_a_damaged_part_is_fetched_anew(fetch, girder, client, tmp_path):
    partial(client, girder, tmp_path, b'x' * 1000)
    fetch()
    assert (tmp_path / 'out' / NAME).read_bytes() == DATA
    assert left(tmp_path) == [NAME]


def test_a_part_that_is_too_long_is_fetched_anew(fetch, girder, client, tmp_path):
    partial(client, girder, tmp_path, DATA + b'x')
    fetch()
    assert (tmp_path / 'out' / NAME).read_bytes() == DATA


def test_nothing_is_left_of_a_damaged_file(fetch, girder, tmp_path):
    girder.files[0]['sha512'] = hashlib.sha512(b'other').hexdigest()
    with pytest.raises(ChecksumMismatch):
        fetch()
    assert left(tmp_path) == []


@pytest.mark.parametrize('status', [429, 500, 503])
def test_is_tried_again(status, fetch, girder, pauses):
    girder.fail('GET', 'download', status, times=2)
    fetch()
    assert len(pauses) == 2


def test_a_server_that_knows_no_ranges_sends_all_again(fetch, girder, client, tmp_path, monkeypatch):
    partial(client, girder, tmp_path, DATA[:1000])
    monkeypatch.setattr('fakes.ranged', lambda _request, data: Response(data))
    fetch()
    assert (tmp_path / 'out' / NAME).read_bytes() == DATA


def test_a_connection_that_breaks_off_again_and_again_is_resumed_each_time(fetch, girder, pauses, tmp_path,
                                                                           monkeypatch):
    def broken(request, data):
        start = request.range.ranges[0][0] if request.range else 0
        end = min(start + 600, len(data))
        answer = Response(data[start:end], 206 if start else 200)
        answer.headers['Content-Length'] = str(len(data) - start)
        if start:
            answer.headers['Content-Range'] = f'bytes {start}-{len(data) - 1}/{len(data)}'
        answer.automatically_set_content_length = False
        return answer

    monkeypatch.setattr('fakes.ranged', broken)
    monkeypatch.setattr(download, 'BLOCK', 200)
    fetch()
    assert (tmp_path / 'out' / NAME).read_bytes() == DATA
    assert len(girder.asked('GET', 'download')) == -(-len(DATA) // 600)


def test_a_link_is_followed_without_the_token(fetch, girder, httpserver, tmp_path):
    seen = []

    def elsewhere(request):
        seen.append(request.headers)
        return Response(DATA)

    httpserver.expect_request('/elsewhere').respond_with_handler(elsewhere)
    girder.files[0]['linkUrl'] = httpserver.url_for('/elsewhere')
    fetch()
    assert (tmp_path / 'out' / NAME).read_bytes() == DATA
    assert 'Girder-Token' not in seen[0]


def test_says_where_a_link_that_is_broken_leads(fetch, girder, httpserver):
    girder.files[0]['linkUrl'] = httpserver.url_for('/gone')
    httpserver.expect_request('/gone').respond_with_data('', status=404)
    with pytest.raises(NetworkProblem, match='/gone answered status 404'):
        fetch()


def test_an_item_without_a_file_is_not_found(fetch, girder):
    girder.files.clear()
    with pytest.raises(NotFound, match='no file yet'):
        fetch()


def test_a_name_that_fits_several_asks_for_an_id(client, girder, item):
    girder.make_item('extension', {'baseName': 'Foo', 'os': 'linux', 'revision': '1'}, DATA)
    with pytest.raises(Conflict, match=item['_id']):
        client.find(EXTENSION, 'Slicer', item['name'])


def test_a_read_only_directory_is_reported(fetch, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(SlicerPackageManagerError, match='cannot be written') as raised:
        fetch(dir_path=tmp_path / 'file' / 'below')
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(('name', 'safe'), [
    ('a.tar.gz', 'a.tar.gz'), ('../../etc/passwd', '.._.._etc_passwd'), ('..', '_'), ('', '_'), ('.', '_'),
    ('a\\b:c', 'a_b_c'), ('a\x00b', 'a_b'), ('CON.', '_CON'), ('Ünïcode.zip', 'Ünïcode.zip')])
def test_a_name_stays_in_its_directory(name, safe):
    assert local_name(name) == safe


@pytest.mark.parametrize('name', [
    'NUL', 'con', 'Aux.txt', 'nul.tar.gz', 'COM1', 'lpt9.zip', 'CON .zip', 'COM\u00b9', 'CONIN$'])
def test_devices_of_windows_are_no_names_of_files(name):
    assert local_name(name) == f'_{name}'


@pytest.mark.parametrize('name', ['NULL', 'console.zip', 'COM10', 'a.nul', 'comx'])
def test_names_that_only_look_like_devices_stay(name):
    assert local_name(name) == name


@pytest.mark.parametrize('name', ['a' * 255, '\u00fc' * 127, 'b' * 250 + '.zip', 'c' * 240 + '.tar.gz', 'd' * 236])
def test_long_names_can_be_downloaded(name, girder, client, tmp_path):
    item = girder.make_item('extension', {'baseName': 'Foo', 'os': 'linux', 'revision': '1'}, DATA, name=name)
    path = client.fetch(EXTENSION, 'Slicer', item['_id'], dir_path=tmp_path / 'out')[1]
    assert path.name == name
    assert path.read_bytes() == DATA
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize('name', ['a' * 400 + '.tar.gz', '\u00fc' * 200, 'x.' + 'y' * 300])
def test_names_that_no_file_system_takes_are_shortened(name):
    short = local_name(name)
    assert len(short.encode()) <= 255
    assert short != local_name(name[:-8] + 'z' + name[-7:])
    assert short.endswith('.tar.gz') == name.endswith('.tar.gz')
