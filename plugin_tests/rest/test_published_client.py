"""What the published client 0.11 asks, in the order in which it does."""
import pytest

from plugin_tests.conftest import EXTENSION_FORM, upload

pytestmark = pytest.mark.database


@pytest.fixture
def drafts(api, app):
    """The answer to the client's first question: the folder of drafts, asked for as if it were a release."""
    return api.get(f'/app/{app["_id"]}/release', params={'release_id_or_name': 'draft'}).json()


def known(client, app, drafts):
    """The extension that the client takes for the one that it is about to upload."""
    return client.get(f'/app/{app["_id"]}/extension', params={
        'os': 'linux', 'arch': 'amd64', 'baseName': 'SlicerIGT', 'app_revision': '33000', 'release_id': drafts['_id'],
        'limit': 50, 'sort': 'created', 'sortDir': -1}).json()


def test_the_folder_of_drafts_is_answered_like_a_release(drafts):
    assert drafts['name'] == 'draft'


def test_a_first_upload_finds_nothing_and_a_second_one_the_first(api, app, drafts, make):
    assert known(api, app, drafts) == []
    item = make('extension', content=b'x')
    assert [one['_id'] for one in known(api, app, drafts)] == [item['_id']]


def test_what_is_in_a_release_is_found_too(api, app, drafts, make):
    api.post(f'/app/{app["_id"]}/release', params={'name': '5.8', 'app_revision': '33000'}).raise_for_status()
    item = make('extension', content=b'x')
    assert [one['_id'] for one in known(api, app, drafts)] == [item['_id']]


def test_a_replacement_keeps_the_item_and_ends_with_one_file(api, anonymous, app, drafts, make):
    item = make('extension', content=b'old')
    (old,) = api.get(f'/item/{item["_id"]}/files').json()
    again = api.post(f'/app/{app["_id"]}/extension', params={**EXTENSION_FORM, 'revision': 'new'}).json()
    assert again['_id'] == item['_id']
    new = upload(api, item['_id'], b'new', name='new_file')
    assert len(api.get(f'/item/{item["_id"]}/files').json()) == 2
    assert anonymous.get(f'/item/{item["_id"]}/download').content == b'old'
    api.delete(f'/file/{old["_id"]}').raise_for_status()
    api.put(f'/file/{new["_id"]}', params={'name': 'file.tar.gz'}).raise_for_status()
    (file,) = anonymous.get(f'/item/{item["_id"]}/files').json()
    assert (file['name'], file['sha512']) == ('file.tar.gz', new['sha512'])
    assert anonymous.get(f'/item/{item["_id"]}/download').content == b'new'
