"""The comparison of a server with local files, and with its own records."""
import json

import pytest

META = {'baseName': 'Foo', 'os': 'linux', 'arch': 'amd64', 'revision': '33000', 'app_revision': '33000'}
NAME = '33000-linux-amd64-{}-git1.tar.gz'


def counts(done):
    numbers = json.loads(done.stdout)['totals']
    return {key: value for key, value in numbers.items() if value and key not in {'seconds', 'bytes'}}


@pytest.fixture
def verify(run):
    def command(*args):
        return run('verify', 'Slicer', '--json', *args)

    return command


@pytest.fixture
def draft(girder):
    girder.make_draft('33000')
    girder.make_item('package', {**META, 'baseName': 'Slicer', 'version': '5.9.0'}, b'package')
    return [girder.make_item('extension', {**META, 'baseName': f'Ext{number}'}, b'%d' % number) for number in range(3)]


def test_the_server_has_what_was_uploaded(run, verify, girder, make_archive):
    paths = [make_archive(NAME.format(f'Ext{number}')) for number in range(3)]
    run('extension', 'upload', 'Slicer', *paths)
    done = verify(*paths)
    assert (done.exit_code, counts(done)) == (0, {'ok': 3})


def test_a_file_that_differs_or_is_missing_is_named(run, verify, girder, make_archive):
    paths = [make_archive(NAME.format(f'Ext{number}')) for number in range(3)]
    run('extension', 'upload', 'Slicer', *paths[:2])
    changed = make_archive(NAME.format('Ext1'), {'a': b'changed'})
    done = verify(paths[0], changed, paths[2])
    assert (done.exit_code, counts(done)) == (7, {'ok': 1, 'different': 1, 'missing': 1})
    assert f'{changed}: The server has another file for "Ext1_linux_1"' in done.stderr
    assert f'{paths[2]}: The server does not have this file.' in done.stderr
    assert verify(paths[2]).exit_code == 3


def test_files_are_compared_with_a_release_by_their_checksums(verify, girder, draft, tmp_path):
    (tmp_path / 'any.name').write_bytes(b'1')
    assert counts(verify(tmp_path / 'any.name', '--draft', '33000')) == {'ok': 1}
    done = verify(tmp_path / 'any.name')
    assert done.exit_code == 2
    assert 'Give --release or --draft' in done.stderr


def test_packages_are_found_by_their_versions(verify, girder, draft, tmp_path):
    path = tmp_path / 'Slicer-5.9.0-linux-amd64.tar.gz'
    path.write_bytes(b'package')
    assert counts(verify(path, '--type', 'package')) == {'ok': 1}
    path.write_bytes(b'other')
    assert verify(path, '--type', 'package').exit_code in {3, 7}


@pytest.mark.parametrize('options', [[], ['--download']])
def test_a_draft_is_as_recorded(options, verify, girder, draft):
    done = verify('--draft', '33000', *options)
    assert (done.exit_code, counts(done)) == (0, {'ok': 4})
    assert json.loads(done.stdout)['totals']['bytes'] == (10 if options else 0)


@pytest.mark.parametrize(('options', 'found'), [([], {'ok': 4}), (['--download'], {'ok': 3, 'different': 1})])
def test_only_a_download_finds_changed_bytes(options, found, verify, girder, draft):
    next(file for file in girder.files if file['itemId'] == draft[1]['_id'])['data'] = b'x'
    done = verify('--draft', '33000', *options)
    assert (done.exit_code, counts(done)) == (7 if options else 0, found)


@pytest.mark.parametrize('options', [[], ['--download']])
def test_a_file_that_was_cut_is_found(options, verify, girder, draft):
    next(file for file in girder.files if file['itemId'] == draft[1]['_id'])['data'] = b'12345'
    assert counts(verify('--draft', '33000', *options)) == {'ok': 3, 'different': 1}


def test_records_that_contradict_each_other_are_found(verify, girder, draft):
    draft[0]['meta']['sha512'] = 'a' * 128
    girder.files = [file for file in girder.files if file['itemId'] != draft[1]['_id']]
    done = verify('--draft', '33000')
    assert (done.exit_code, counts(done)) == (7, {'ok': 2, 'different': 1, 'missing': 1})


@pytest.mark.parametrize(('status', 'data', 'found'), [
    (200, b'12', {'ok': 4}), (200, b'123', {'ok': 3, 'different': 1}), (404, b'', {'ok': 3, 'missing': 1}),
    (403, b'', {'ok': 3, 'failed': 1})])
def test_links_are_verified(status, data, found, verify, girder, draft, httpserver):
    httpserver.expect_request('/elsewhere').respond_with_data(data, status=status)
    file = next(file for file in girder.files if file['itemId'] == draft[0]['_id'])
    file.update(linkUrl=httpserver.url_for('/elsewhere'), size=2)
    assert counts(verify('--draft', '33000')) == found


def test_a_link_without_a_checksum_is_unverified(verify, girder, draft, httpserver):
    httpserver.expect_request('/elsewhere').respond_with_data(b'12')
    file = next(file for file in girder.files if file['itemId'] == draft[0]['_id'])
    file.update(linkUrl=httpserver.url_for('/elsewhere'), size=0, sha512=None)
    draft[0]['meta']['sha512'] = ''
    done = verify('--draft', '33000')
    assert (done.exit_code, counts(done)) == (0, {'ok': 3, 'unverified': 1})


def test_something_to_verify_is_given(verify):
    assert verify().exit_code == 2
