import pytest
from fakes import FakeGirder, problem

from slicer_package_manager_client import chunk_size, transfer
from slicer_package_manager_client.client import SlicerPackageClient
from slicer_package_manager_client.directories import state_directory
from slicer_package_manager_client.errors import (
    ChecksumMismatch,
    InvalidRequest,
    NetworkProblem,
    SlicerPackageManagerError,
)
from slicer_package_manager_client.localfile import LocalFile

EXTENSION = {'ext_os': 'linux', 'arch': 'amd64', 'name': 'Foo', 'repo_type': 'git', 'repo_url': 'https://x',
             'revision': 'r1', 'app_revision': '33000'}
PRODUCTION_CHUNK = transfer.CHUNK


class Reporter:
    """A progress reporter that records its calls."""

    def __init__(self, label, length):
        self.label, self.length, self.steps = label, length, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def update(self, size):
        self.steps.append(size)


@pytest.fixture
def reporters(client):
    made = []

    def make(label='', length=0):
        made.append(Reporter(label, length))
        return made[-1]

    client.progressReporterCls = make
    return made


@pytest.fixture
def upload(client, make_file, monkeypatch):
    monkeypatch.setattr(transfer, 'CHUNK', 1000)
    paths = [make_file(size=2500, seed=seed) for seed in range(2)]
    return lambda seed=0: client.uploadExtension(paths[seed], 'Slicer', **EXTENSION)


@pytest.fixture
def interrupted(upload, girder):
    """Upload a file, of which the server gets the first chunk only."""
    def run(seed=0):
        girder.fail('POST', 'chunk', 503, skip=1, times=4)
        with pytest.raises(NetworkProblem):
            upload(seed)
        girder.requests.clear()

    return run


def begun(girder):
    return girder.asked('POST', '/file$')


def offsets(girder):
    return [int(one.args['offset']) for one in girder.asked('POST', 'chunk')]


def test_chunks_are_as_large_as_girder_requires():
    assert chunk_size.REQUIRED <= PRODUCTION_CHUNK <= 4 * chunk_size.REQUIRED


def test_chunks_shrink_where_connections_break_off_and_grow_with_those_that_arrive():
    size, mib = chunk_size.ChunkSize(8 << 20), 1 << 20
    seen = []
    for happened in (size.broke_off, size.broke_off, size.arrived, size.arrived, size.broke_off):
        happened()
        seen.append(size.bytes / mib)
    assert seen == [4, 2, 2.25, 2.5, 1.25]
    for _ in range(9):
        size.broke_off()
    assert size.bytes == chunk_size.STEP
    for _ in range(99):
        size.arrived()
    assert size.bytes == 8 * mib


def test_chunks_are_as_large_as_the_server_requires_once_it_has_refused_one(upload, girder, monkeypatch):
    monkeypatch.setattr(chunk_size, 'STEP', 100)
    monkeypatch.setattr(chunk_size, 'REQUIRED', 800)
    for message in ('Chunk is smaller than the minimum size.', 'A chunk of 500 bytes is too small: ...'):
        girder.requests.clear()
        size = chunk_size.ChunkSize(1000)
        size.broke_off()
        monkeypatch.setattr(transfer, 'ChunkSize', lambda _largest, size=size: size)
        girder.fail('POST', 'chunk', 400, body=f'{{"message": "{message}"}}')
        upload(seed=message.startswith('A'))
        sizes = [len(one.get_data()) for one in girder.asked('POST', 'chunk')]
        assert sizes[-3:] == [800, 900, 800], sizes


@pytest.mark.parametrize(('name', 'expected'), [
    ('a.tar.gz', 'application/gzip'), ('a.tgz', 'application/gzip'), ('A.ZIP', 'application/zip'),
    ('a.dmg', 'application/x-apple-diskimage'), ('a.exe', 'application/vnd.microsoft.portable-executable'),
    ('a.msi', 'application/octet-stream')])
def test_the_media_type_follows_from_the_file_name(name, expected):
    assert transfer.content_type(name) == expected


def test_the_server_learns_the_media_type_of_the_file_and_of_its_chunks(upload, girder):
    upload()
    assert (begun(girder)[0].args['mimeType'], begun(girder)[0].args['parentType']) == ('application/gzip', 'item')
    assert {one.headers['Content-Type'] for one in girder.asked('POST', 'chunk')} == {'application/octet-stream'}


def test_progress_counts_each_byte_once(upload, girder, reporters):
    upload()
    (reporter,) = reporters
    assert reporter.label.endswith('.tar.gz')
    assert reporter.length == 2500
    assert reporter.steps == [0, 1000, 1000, 500]


def test_progress_of_a_resumed_upload_begins_with_what_the_server_has(upload, girder, reporters):
    girder.fail('POST', 'chunk', 503, skip=1, times=4)
    with pytest.raises(NetworkProblem):
        upload()
    upload()
    assert reporters[1].steps == [1000, 1000, 500]


def test_progress_goes_back_when_the_server_has_lost_the_upload(upload, girder, reporters):
    girder.fail('POST', 'chunk', 503, skip=1)
    girder.fail('GET', 'offset', 404)
    upload()
    assert sum(reporters[0].steps) == 2500
    assert len(begun(girder)) == 2


@pytest.mark.parametrize('body', ['{"offset": -1}', '{"offset": 2501}', '{"offset": "1000"}', '{}'])
def test_an_offset_that_is_impossible_makes_the_upload_begin_anew(body, upload, girder):
    girder.fail('POST', 'chunk', 503, skip=1)
    girder.fail('GET', 'offset', 200, body=body)
    upload()
    assert len(begun(girder)) == 2
    assert offsets(girder) == [0, 1000, 0, 1000, 2000]


def test_an_upload_of_which_the_server_has_no_byte_yet_goes_on(upload, girder):
    girder.fail('POST', 'chunk', 503)
    upload()
    assert len(begun(girder)) == 1
    assert offsets(girder) == [0, 0, 1000, 2000]


@pytest.mark.parametrize('status', [400, 403, 404, 409, 410])
def test_an_upload_that_the_server_does_not_have_any_more_begins_anew(status, upload, girder):
    girder.fail('POST', 'chunk', 503, skip=1)
    girder.fail('GET', 'offset', status)
    upload()
    assert len(begun(girder)) == 2


def test_an_offset_that_cannot_be_read_is_asked_for_again(upload, girder, pauses):
    """The upload is not given up because the server is busy."""
    girder.fail('POST', 'chunk', 503, skip=1, times=4)
    with pytest.raises(NetworkProblem):
        upload()
    girder.requests.clear()
    pauses.clear()
    girder.fail('GET', 'offset', 503)
    upload()
    assert len(pauses) == 1
    assert begun(girder) == []
    assert offsets(girder) == [1000, 2000]


@pytest.mark.parametrize(('status', 'message'), [(403, 'Unknown parameter'), (400, 'injected'), (401, 'injected')])
def test_an_upload_that_is_refused_is_not_begun_without_its_checksum(status, message, upload, girder):
    girder.fail('POST', '/file$', status, times=99, body=f'{{"message": "{message}"}}')
    with pytest.raises(SlicerPackageManagerError, match=message):
        upload()
    assert all('sha512' in one.args for one in begun(girder))


@pytest.mark.parametrize('status', [400, 403])
def test_a_replacement_that_is_refused_leaves_the_file_and_makes_no_other(status, upload, girder):
    upload()
    before = dict(girder.files[0])
    girder.requests.clear()
    girder.fail('PUT', 'contents', status)
    with pytest.raises(SlicerPackageManagerError, match='injected'):
        upload(seed=1)
    assert girder.files == [before]
    assert begun(girder) == girder.asked('POST', 'chunk') == []


def test_a_file_that_became_a_link_meanwhile_is_replaced_by_a_new_file(upload, girder):
    upload()
    file = girder.files[0]
    original = girder.route

    def route(request):
        if request.path.endswith('contents'):
            file.update(_id='f' * 24, linkUrl='https://example.org/a')
        return original(request)

    girder.route = route
    girder.requests.clear()
    upload(seed=1)
    assert len(girder.asked('PUT', 'contents')) == 1
    assert len(begun(girder)) == 1


def test_a_file_damaged_by_resuming_an_earlier_run_is_sent_once_more(upload, girder):
    girder.fail('POST', 'chunk', 503, skip=1, times=4)
    with pytest.raises(NetworkProblem):
        upload()
    received = []

    def damage_first(data):
        received.append(data)
        return data if len(received) > 1 else data[:-1] + b'!'

    girder.damage = damage_first
    upload()
    assert girder.files[0]['data'] == received[1]
    assert len(begun(girder)) == 2


def test_a_file_that_arrives_damaged_in_one_attempt_is_not_sent_again(upload, girder):
    girder.damage = lambda data: data[:-1] + b'!'
    with pytest.raises(ChecksumMismatch):
        upload()
    assert offsets(girder) == [0, 1000, 2000]


@pytest.mark.parametrize('status', [400, 409, 422])
def test_a_damaged_file_is_reported_with_the_server_and_leaves_no_record(status, upload, girder):
    girder.fail('POST', 'chunk', status, skip=2, body='{"message": "The checksum is wrong."}')
    with pytest.raises(ChecksumMismatch, match=r'deleted it: The checksum is wrong\. .*Run again\.') as raised:
        upload()
    assert girder.url in str(raised.value)
    assert list(state_directory().rglob('*.json')) == []


def test_an_upload_is_resumed_only_on_its_server(interrupted, upload, girder, two_origins, make_file, retries):
    path = make_file(size=2500)
    interrupted()
    two_origins[0].clear()
    other = FakeGirder(two_origins[0])
    client = SlicerPackageClient(apiUrl=other.url, retries=retries)
    client.authenticate(apiKey=other.key)
    client.uploadExtension(path, 'Slicer', **EXTENSION)
    assert other.asked('GET', 'offset') == []
    upload()
    assert offsets(girder) == [1000, 2000]


def test_an_upload_is_resumed_only_for_its_item(interrupted, client, girder, make_file):
    path = make_file(size=2500)
    interrupted()
    client.uploadExtension(path, 'Slicer', **{**EXTENSION, 'name': 'Bar'})
    assert offsets(girder) == [0, 1000, 2000]


def test_an_upload_is_resumed_only_for_the_file_that_it_replaces(upload, interrupted, girder):
    upload()
    interrupted(seed=1)
    girder.files.clear()
    upload(seed=1)
    assert offsets(girder) == [0, 1000, 2000]


def test_an_upload_of_a_file_that_changed_is_not_resumed(interrupted, upload, girder, make_file):
    interrupted()
    make_file(size=2500).write_bytes(b'x' * 2500)
    upload()
    assert offsets(girder) == [0, 1000, 2000]


def test_a_file_that_changes_while_a_resumed_run_reads_it_is_not_published(
        interrupted, upload, girder, make_file, monkeypatch):
    interrupted()
    read = LocalFile._hash_up_to

    def slowly(source, end):
        read(source, end)
        if end == 2500:
            make_file(size=2500).write_bytes(b'changed')

    monkeypatch.setattr(LocalFile, '_hash_up_to', slowly)
    with pytest.raises(ChecksumMismatch, match='changed on disk'):
        upload()
    assert girder.files == girder.asked('POST', '/extension$') == []


def test_the_former_file_is_not_taken_for_the_upload_that_the_server_has_lost(upload, girder):
    upload()
    girder.requests.clear()
    girder.fail('POST', 'chunk', 502, skip=2)
    girder.fail('GET', 'offset', 404)
    upload(seed=1)
    assert girder.asked('DELETE') == []
    assert offsets(girder) == [0, 1000, 2000] * 2


def test_an_upload_goes_on_after_a_chunk_that_was_stored_but_refused(upload, girder):
    girder.fail('POST', 'chunk', 400, after=True)
    upload()
    assert offsets(girder) == [0, 1000, 2000]


def test_an_item_that_is_deleted_while_its_file_is_replaced_is_looked_up_again(upload, girder):
    upload()
    girder.requests.clear()
    girder.fail('PUT', 'contents', 404)
    girder.fail('GET', 'item/.*/files', 404, skip=1)
    upload(seed=1)
    assert len(girder.asked('GET', '/extension$')) == 2


def test_a_refusal_is_reported_even_if_the_upload_cannot_be_canceled(upload, girder):
    upload()
    girder.fail('POST', '/extension$', 400)
    girder.fail('DELETE', 'upload', 403, times=99)
    with pytest.raises(InvalidRequest, match='injected'):
        upload(seed=1)
    assert len(girder.asked('DELETE', 'upload')) == 1


def test_an_upload_of_which_the_server_has_all_bytes_is_completed(upload, girder):
    girder.complete = lambda _: problem(503, 'busy')  # after the last chunk; the call that completes an upload works
    upload()
    assert len(girder.asked('POST', 'completion')) == 1
    assert offsets(girder) == [0, 1000, 2000]
    assert girder.files[0]['size'] == 2500


def test_a_file_that_is_there_but_cannot_be_replaced_is_followed_by_a_new_one(upload, girder):
    upload()
    girder.fail('PUT', 'contents', 404, times=99)
    upload(seed=1)
    assert len(girder.asked('PUT', 'contents')) == 1
    assert len(begun(girder)) == 2


def test_a_busy_server_that_mentions_a_checksum_is_asked_again(upload, girder):
    girder.fail('POST', 'chunk', 503, body='{"message": "The checksum is not known yet."}')
    upload()
    assert offsets(girder) == [0, 0, 1000, 2000]
