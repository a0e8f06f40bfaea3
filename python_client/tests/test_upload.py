import hashlib
import json

import pytest
from girder_client import HttpError

from slicer_package_manager_client import fields, transfer
from slicer_package_manager_client.client import SlicerPackageClient
from slicer_package_manager_client.connection import Connection
from slicer_package_manager_client.directories import state_directory
from slicer_package_manager_client.errors import (
    ChecksumMismatch,
    Conflict,
    InvalidRequest,
    NetworkProblem,
    NotFound,
    Refused,
)
from slicer_package_manager_client.retry import Retries

EXTENSION = {'ext_os': 'linux', 'arch': 'amd64', 'name': 'Foo', 'repo_type': 'git', 'repo_url': 'https://x',
             'revision': 'r1', 'app_revision': '33000'}
CHUNK = 1000


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(transfer, 'CHUNK', CHUNK)


@pytest.fixture
def upload(client, make_file):
    made = {}

    def send(size=2500, seed=0, **changed):
        path = made[size, seed] = made.get((size, seed)) or make_file(size=size, seed=seed)
        return client.uploadExtension(path, 'Slicer', **{**EXTENSION, **changed})

    return send


def stored(girder):
    assert len(girder.files) == 1
    return girder.files[0]


def test_a_new_item_is_registered_and_then_sent_in_chunks(upload, girder, make_file):
    item = upload()
    assert stored(girder)['data'] == make_file(size=2500).read_bytes()
    assert item['meta']['sha512'] == hashlib.sha512(stored(girder)['data']).hexdigest()
    assert [int(one.args['offset']) for one in girder.asked('POST', 'chunk')] == [0, 1000, 2000]


def test_the_same_file_is_not_sent_again(upload, girder):
    upload()
    girder.requests.clear()
    upload()
    assert [one.path for one in girder.requests if one.method != 'GET'] == []


def test_the_same_file_is_sent_again_by_force(upload, girder):
    upload()
    girder.requests.clear()
    upload(force=True)
    assert len(girder.asked('POST', 'chunk')) == 3


def test_of_the_same_file_with_other_metadata_only_those_are_sent(upload, girder):
    upload()
    girder.requests.clear()
    assert upload(category='IGT')['meta']['category'] == 'IGT'
    assert girder.asked('POST', 'chunk') == []


def test_the_same_bytes_under_another_name_are_renamed(client, girder, make_file):
    client.uploadExtension(make_file('a.tar.gz'), 'Slicer', **EXTENSION)
    girder.requests.clear()
    client.uploadExtension(make_file('b.tar.gz'), 'Slicer', **EXTENSION)
    assert stored(girder)['name'] == 'b.tar.gz'
    assert girder.asked('POST', 'chunk') == []


def test_another_file_replaces_the_contents_of_the_first(upload, girder):
    upload()
    first = stored(girder)['_id']
    upload(seed=1)
    assert stored(girder)['_id'] == first
    assert len(girder.asked('PUT', 'contents')) == 1


def test_metadata_of_a_replaced_file_change_just_before_its_last_piece(upload, girder):
    upload()
    girder.requests.clear()
    upload(seed=1, revision='r2')
    steps = [one.path.rpartition('/')[2] for one in girder.requests if one.method == 'POST']
    assert steps == ['chunk', 'chunk', 'extension', 'chunk']


def test_what_is_not_given_keeps_its_value(upload, girder):
    upload(desc='first', category='IGT')
    item = upload(seed=1)
    assert (item['meta']['description'], item['meta']['category']) == ('first', 'IGT')


def test_refused_metadata_leave_the_file_as_it_is(upload, girder):
    upload()
    before = stored(girder)['data']
    girder.fail('POST', '/extension$', 400)
    with pytest.raises(InvalidRequest):
        upload(seed=1)
    assert stored(girder)['data'] == before
    assert girder.uploads == {}
    assert list(state_directory().rglob('*.json')) == []


def test_metadata_that_do_not_arrive_leave_the_file_as_it_is_and_the_upload_to_the_next_run(upload, girder):
    upload()
    before = stored(girder)['data']
    girder.fail('POST', '/extension$', 503, times=4)
    with pytest.raises(NetworkProblem, match='503'):
        upload(seed=1)
    assert stored(girder)['data'] == before
    girder.requests.clear()
    upload(seed=1)
    assert [int(one.args['offset']) for one in girder.asked('POST', 'chunk')] == [2000]


@pytest.mark.parametrize(('status', 'message', 'gone'), [
    (404, 'x', True), (409, 'x', True), (410, 'x', True), (400, 'Invalid item id (x).', True),
    (400, 'Parameter size is wrong.', False), (403, 'No such file.', False)])
def test_refusals_of_what_does_not_exist_are_recognized(status, message, gone):
    assert transfer.is_gone(HttpError(status, json.dumps({'message': message}), 'x', 'GET')) is gone


@pytest.mark.parametrize('status', [408, 429, 500, 502, 503, 504])
def test_a_piece_that_failed_is_sent_again_from_where_the_server_is(status, upload, girder, pauses):
    girder.fail('POST', 'chunk', status, times=2)
    upload()
    assert len(pauses) == 2
    assert len(girder.asked('GET', 'offset')) == 2


def test_waits_as_long_as_a_busy_server_asks(upload, girder, pauses):
    girder.fail('POST', 'chunk', 429, headers={'Retry-After': '23'})
    upload()
    assert pauses == [23]


@pytest.mark.parametrize('size', [2500, 500], ids=['piece', 'last piece'])
def test_a_piece_that_arrived_is_not_sent_again_when_only_the_answer_was_lost(size, upload, girder):
    girder.fail('POST', 'chunk', 502, after=True)
    upload(size=size)
    offsets = [int(one.args['offset']) for one in girder.asked('POST', 'chunk')]
    assert offsets == sorted(set(offsets))
    assert stored(girder)['size'] == size


def test_an_upload_that_the_server_forgot_begins_anew(upload, girder):
    girder.fail('POST', 'chunk', 503, skip=1)
    girder.fail('GET', 'offset', 400)
    upload()
    assert len(girder.asked('POST', '/file$')) == 2
    assert stored(girder)['size'] == 2500


def test_gives_up_after_all_retries_and_resumes_in_the_next_run(upload, girder):
    girder.fail('POST', 'chunk', 503, skip=1, times=4)
    with pytest.raises(NetworkProblem, match='503'):
        upload()
    girder.requests.clear()
    upload()
    assert [int(one.args['offset']) for one in girder.asked('POST', 'chunk')] == [1000, 2000]
    assert stored(girder)['size'] == 2500


def test_a_file_that_changed_is_not_mixed_with_what_was_sent_of_the_old_one(upload, girder, make_file):
    girder.fail('POST', 'chunk', 503, skip=1, times=4)
    with pytest.raises(NetworkProblem):
        upload()
    path = make_file(size=2500)
    path.write_bytes(b'x' * 2500)
    upload()
    assert stored(girder)['data'] == b'x' * 2500


def test_a_damaged_file_is_removed_from_a_server_that_takes_no_checksum(upload, girder):
    girder.names_travel = False
    girder.damage = lambda data: data[:-1] + b'!'
    with pytest.raises(ChecksumMismatch, match='damaged'):
        upload()
    assert girder.files == []


@pytest.mark.parametrize('checks', [True, False], ids=['the server compares', 'the client compares'])
def test_a_file_damaged_by_resuming_is_sent_once_more_from_the_beginning(checks, upload, girder):
    girder.names_travel = checks
    spoilt = []

    def damage_first(data):
        spoilt.append(data)
        return data[:-1] + b'!' if len(spoilt) == 1 else data

    girder.damage = damage_first
    girder.fail('POST', 'chunk', 503)
    upload()
    assert len(spoilt) == 2
    assert stored(girder)['data'] == spoilt[0]


def test_a_file_that_changes_while_it_is_sent_is_not_published(upload, girder, make_file):
    original = girder.route

    def route(request):
        if request.path.endswith('chunk'):
            make_file(size=2500).write_bytes(b'changed')
        return original(request)

    girder.route = route
    with pytest.raises(ChecksumMismatch, match='changed on disk'):
        upload()
    assert girder.files == []
    assert girder.uploads == {}


def test_without_a_checksum_of_the_server_the_size_is_compared(client, girder, make_file):
    girder.checksums = False
    outcome = client.publishFile(
        fields.EXTENSION, make_file(), 'Slicer',
        {'os': 'linux', **{key: value for key, value in EXTENSION.items() if key != 'ext_os'}})
    assert outcome.notes == ['The server reported no checksum; only the size was compared.']


@pytest.mark.parametrize(('status', 'error'), [
    (400, InvalidRequest), (401, Refused), (403, Refused), (404, NotFound), (409, Conflict), (503, NetworkProblem)])
def test_says_what_a_refusal_means(status, error, upload, girder):
    girder.fail('POST', '/extension$', status, times=99)
    with pytest.raises(error, match='injected') as raised:
        upload()
    assert girder.url in str(raised.value)


def test_missing_values_are_named_together(client, make_file, girder):
    with pytest.raises(InvalidRequest, match='--os, --name'):
        client.uploadExtension(make_file(), 'Slicer', **{**EXTENSION, 'ext_os': '', 'name': None})
    assert girder.asked('POST', 'extension') == []


@pytest.mark.parametrize('same', [True, False], ids=['same file', 'another file'])
def test_an_empty_value_clears_and_one_that_is_not_given_stays(same, upload):
    upload(category='IGT', dependency='A B', homepage='https://h')
    item = upload(seed=0 if same else 1, category='', dependency=None, repo_url='')
    assert {key: item['meta'][key] for key in ('category', 'dependency', 'homepage', 'repository_url')} == {
        'category': '', 'dependency': 'A B', 'homepage': 'https://h', 'repository_url': ''}


def test_what_is_empty_is_not_sent_of_a_new_item(upload):
    assert not {'category', 'dependency'} & set(upload(category='', dependency='')['meta'])


@pytest.mark.parametrize(('given', 'sent'), [('NA', ''), ('A B', 'A B'), ('A NA', 'A'), ('NAme', 'NAme')])
@pytest.mark.parametrize('option', ['dependency', 'recommends', 'screenshots'])
def test_na_in_a_list_means_none(option, given, sent, upload):
    upload(**{option: 'Old'})
    assert upload(seed=1, **{option: given})['meta'][option] == sent


def test_name_and_checksum_travel_with_the_bytes(client, girder, make_file):
    client.uploadExtension(make_file('a.tar.gz', size=2500), 'Slicer', **EXTENSION)
    path = make_file('b.tar.gz', size=2500, seed=1)
    girder.requests.clear()
    client.uploadExtension(path, 'Slicer', **EXTENSION)
    assert girder.asked('PUT', 'contents')[0].args['sha512'] == hashlib.sha512(path.read_bytes()).hexdigest()
    assert [one.path for one in girder.asked('PUT') if not one.path.endswith('contents')] == []
    assert stored(girder)['name'] == 'b.tar.gz'


@pytest.mark.parametrize('older', [False, None], ids=['ignores them', 'refuses them'])
def test_a_server_that_ignores_the_name_of_an_upload_gets_it_afterwards(older, client, girder, make_file):
    girder.names_travel = older
    client.uploadExtension(make_file('a.tar.gz', size=2500), 'Slicer', **EXTENSION)
    first = stored(girder)['_id']
    client.uploadExtension(make_file('b.tar.gz', size=2500, seed=1), 'Slicer', **EXTENSION)
    assert (stored(girder)['_id'], stored(girder)['name']) == (first, 'b.tar.gz')


def test_a_damaged_file_of_a_new_item_is_never_there(upload, girder):
    girder.damage = lambda data: data[:-1] + b'!'
    with pytest.raises(ChecksumMismatch, match='deleted it'):
        upload()
    assert girder.files == girder.asked('DELETE') == []


def test_a_damaged_replacement_leaves_the_file_that_was_there(upload, girder):
    upload()
    before = dict(stored(girder))
    girder.damage = lambda data: data[:-1] + b'!'
    with pytest.raises(ChecksumMismatch, match='deleted it'):
        upload(seed=1)
    assert stored(girder) == before
    girder.damage = None
    upload(seed=1)
    assert stored(girder)['data'] != before['data']


@pytest.mark.parametrize('status', [403, 404, 409])
@pytest.mark.parametrize('step', ['chunk', 'completion'])
def test_an_upload_that_another_one_overtook_begins_anew(step, status, upload, girder):
    upload()
    if step == 'completion':
        girder.fail('POST', 'chunk', 502, skip=2)
        girder.fail('GET', 'offset', 200, body='{"offset": 2500}')
    girder.fail('POST', step, status, skip=0 if step == 'completion' else 1)
    girder.fail('GET', 'offset', status, times=2)
    upload(seed=1)
    assert len(girder.asked('PUT', 'contents')) == 2
    assert stored(girder)['size'] == 2500


def test_the_same_piece_sent_twice_is_a_matter_of_waiting(upload, girder):
    girder.fail('POST', 'chunk', 409, skip=1)
    upload()
    assert [int(one.args['offset']) for one in girder.asked('POST', 'chunk')] == [0, 1000, 1000, 2000]


def test_a_file_that_was_replaced_before_the_first_piece_is_looked_up_again(upload, girder):
    upload()
    file = stored(girder)
    original = girder.route

    def route(request):
        if request.path.endswith('contents') and file['_id'] != 'f' * 24:
            file['_id'] = 'f' * 24
        return original(request)

    girder.route = route
    upload(seed=1)
    assert stored(girder)['_id'] == 'f' * 24
    assert len(girder.asked('PUT', 'contents')) == 2


@pytest.mark.parametrize(('status', 'body'), [(404, '{"message": "x"}'), (400, '{"message": "No such item: 1"}')])
def test_an_item_that_was_deleted_meanwhile_is_registered_again(status, body, upload, girder):
    girder.fail('POST', '/file$', status, body=body)
    girder.fail('GET', '/extension$', 200, body='[]', times=2)
    upload()
    assert len(girder.asked('POST', '/extension$')) == 2
    assert stored(girder)['size'] == 2500


def test_an_item_that_is_always_deleted_is_a_conflict(upload, girder):
    girder.fail('POST', '/file$', 404, times=99)
    with pytest.raises(Conflict, match='again and again'):
        upload()


@pytest.mark.parametrize('what', ['file$', 'chunk', '/extension$'])
def test_a_token_that_ends_is_renewed_and_the_upload_goes_on(what, upload, girder, client):
    girder.fail('POST', what, 401, skip=1 if what == 'chunk' else 0)
    upload()
    assert len(girder.asked('POST', 'api_key/token')) == 2
    offsets = [int(one.args['offset']) for one in girder.asked('POST', 'chunk')]
    assert offsets == ([0, 1000, 1000, 2000] if what == 'chunk' else [0, 1000, 2000])


def test_a_key_that_is_refused_later_is_said(upload, girder):
    girder.fail('POST', 'chunk', 401, skip=1, times=99)
    girder.fail('POST', 'api_key/token', 400, body='{"message": "Invalid API key."}')
    with pytest.raises(Refused, match='API key was refused'):
        upload()


def test_a_token_that_is_refused_at_once_is_not_renewed_for_ever(upload, girder):
    girder.fail('POST', 'chunk', 401, times=99)
    with pytest.raises(Refused):
        upload()
    assert len(girder.asked('POST', 'api_key/token')) == 2


def test_an_item_found_before_may_turn_out_to_be_another_one(upload, girder, client, monkeypatch):
    upload()
    other = girder.make_item('extension', {'baseName': 'Foo', 'os': 'linux', 'arch': 'amd64', 'revision': 'r1',
                                           'app_revision': '33000'})
    girder.items.reverse()  # the list names the old one first, the server updates the new one
    original = girder.register

    def register(self, request, app, package_type):
        girder.items.sort(key=lambda one: one['_id'] != other['_id'])
        return original(request, app, package_type)

    monkeypatch.setattr(type(girder), 'routes', tuple(
        (method, pattern, register if handler.__name__ == 'register' else handler)
        for method, pattern, handler in type(girder).routes))
    assert upload(seed=1)['_id'] == other['_id']


def test_a_machine_without_a_home_directory_can_upload(upload, girder, home, monkeypatch):
    (home / 'state').write_text('no directory')
    upload()
    assert stored(girder)['size'] == 2500


def test_the_token_does_not_follow_a_redirect(client, girder):
    girder.fail('GET', '/app$', 302, headers={'Location': 'http://127.0.0.1:9/elsewhere'})
    with pytest.raises(NetworkProblem, match=r'redirects to http://127\.0\.0\.1:9/elsewhere'):
        client.listApp()


def test_a_page_that_is_not_from_girder_is_reported(client, girder):
    girder.fail('GET', '/app$', 200, body='<html>welcome</html>')
    with pytest.raises(NetworkProblem, match='not that of a Girder server'):
        client.listApp()


@pytest.mark.parametrize('status', [200, 404])
def test_a_wrong_path_is_reported(status, client, girder):
    girder.fail('GET', '/app$', status, body='<h2>404 Not Found</h2>')
    with pytest.raises(NetworkProblem, match='ends with /api/v1'):
        client.listApp()


def test_only_the_text_of_a_page_is_reported(client, girder):
    girder.fail('GET', '/app$', 403, body='<html><h1>Forbidden</h1>by the proxy</html>')
    with pytest.raises(Refused, match=r'Refused with status 403: Forbidden by the proxy\. '):
        client.listApp()


def test_plain_http_is_not_taken_for_a_wrong_certificate(girder):
    with pytest.raises(NetworkProblem, match='https at this address'):
        SlicerPackageClient(apiUrl=girder.url.replace('http:', 'https:'), retries=Retries(times=0)).listApp()


def test_the_key_travels_in_the_body(girder):
    Connection(apiUrl=girder.url).authenticate(apiKey=girder.key)
    assert girder.key not in girder.requests[-1].url
