"""The mirror of a release or draft."""
import hashlib
import json

import pytest

from slicer_package_manager_client import locks, mirror

META = {'baseName': 'Foo', 'os': 'linux', 'arch': 'amd64', 'revision': '33000', 'app_revision': '33000'}


@pytest.fixture
def draft(girder):
    girder.make_draft('33000')
    girder.make_item('package', {**META, 'baseName': 'Slicer'}, b'package', 'Slicer.tar.gz')
    for number in range(3):
        girder.make_item('extension', {**META, 'baseName': f'Ext{number}'}, b'%d' % number, f'{number}.tar.gz')


@pytest.fixture
def sync(run, tmp_path):
    def command(*args, status=0):
        done = run('sync', 'Slicer', tmp_path / 'mirror', '--draft', '33000', '--json', *args)
        assert done.exit_code == status, done.stderr
        numbers = json.loads(done.stdout).get('totals', {})
        return {key: value for key, value in numbers.items() if value and key != 'seconds'}

    return command


def files(tmp_path):
    root = tmp_path / 'mirror'
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob('*')
            if path.is_file() and path.name not in {mirror.STATE, mirror.SUMS}}


def replace(girder, name, data):
    item = next(one for one in girder.items if one['meta']['baseName'] == name)
    file = next(one for one in girder.files if one['itemId'] == item['_id'])
    girder.store(item['_id'], file['name'], data, file['_id'])


def test_mirrors_all_files_with_their_checksums(draft, sync, tmp_path):
    assert sync() == {'downloaded': 4, 'bytes': 10}
    assert files(tmp_path) == {
        'packages/linux-amd64/Slicer.tar.gz': b'package',
        **{f'extensions/linux-amd64/{number}.tar.gz': b'%d' % number for number in range(3)}}
    sums = dict(reversed(line.split('  ')) for line in (tmp_path / 'mirror' / mirror.SUMS).read_text().splitlines())
    assert sums == {path: hashlib.sha512(data).hexdigest() for path, data in files(tmp_path).items()}


def test_asks_for_the_items_of_the_draft_or_release(draft, sync, run, girder, tmp_path):
    sync('--os', 'linux')
    asked = [girder.asked('GET', f'/{kind}$')[-1].args.to_dict() for kind in ('package', 'extension')]
    assert asked == [{'release_id_or_name': 'draft', 'revision': '33000', 'os': 'linux', 'limit': '0'},
                     {'release_id': 'draft', 'app_revision': '33000', 'os': 'linux', 'limit': '0'}]
    release = girder.make_release('5.8', '33000')
    assert run('sync', 'Slicer', tmp_path / 'other', '--release', '5.8').exit_code == 0
    asked = [girder.asked('GET', f'/{kind}$')[-1].args.to_dict() for kind in ('package', 'extension')]
    assert asked == [{'release_id_or_name': release['_id'], 'limit': '0'}, {'release_id': release['_id'], 'limit': '0'}]


def test_only_what_has_changed_is_requested(draft, sync, girder, tmp_path):
    sync()
    replace(girder, 'Ext1', b'new')
    girder.requests.clear()
    assert sync() == {'downloaded': 1, 'unchanged': 3, 'bytes': 3}
    assert len(girder.asked('GET', '/file/')) == len(girder.asked('GET', '/item/')) == 1
    assert files(tmp_path)['extensions/linux-amd64/1.tar.gz'] == b'new'


def test_a_file_that_was_changed_here_is_replaced(draft, sync, girder, tmp_path):
    sync()
    (tmp_path / 'mirror/extensions/linux-amd64/1.tar.gz').write_bytes(b'x')
    assert sync() == {'downloaded': 1, 'unchanged': 3, 'bytes': 1}
    (tmp_path / 'mirror/extensions/linux-amd64/1.tar.gz').unlink()
    assert sync() == {'downloaded': 1, 'unchanged': 3, 'bytes': 1}


def test_without_a_record_files_are_verified_and_not_downloaded(draft, sync, girder, tmp_path):
    sync()
    (tmp_path / 'mirror' / mirror.STATE).unlink()
    girder.requests.clear()
    assert sync() == {'unchanged': 4}
    assert girder.asked('GET', '/download$') == []


def test_obsolete_files_are_deleted_if_asked(draft, sync, girder, tmp_path):
    sync()
    girder.items = [item for item in girder.items if item['kind'] == 'package']
    mine = tmp_path / 'mirror/extensions/mine.txt'
    mine.write_text('mine')
    assert sync() == {'unchanged': 1, 'obsolete': 3}
    assert sync('--delete', '--dry-run') == {'unchanged': 1, 'deleted': 3}
    assert len(files(tmp_path)) == 5
    assert sync('--delete') == {'unchanged': 1, 'deleted': 3}
    assert set(files(tmp_path)) == {'packages/linux-amd64/Slicer.tar.gz', 'extensions/mine.txt'}
    assert not (tmp_path / 'mirror/extensions/linux-amd64').exists()
    assert len((tmp_path / 'mirror' / mirror.SUMS).read_text().splitlines()) == 1


def test_nothing_is_deleted_if_something_failed(draft, sync, girder, tmp_path):
    sync()
    girder.items = [item for item in girder.items if item['meta']['baseName'] != 'Ext0']
    replace(girder, 'Ext1', b'new')
    girder.fail('GET', '/download$', 403)
    assert sync('--delete', status=4) == {'unchanged': 2, 'failed': 1}
    assert 'extensions/linux-amd64/0.tar.gz' in files(tmp_path)


def test_a_dry_run_writes_nothing(draft, sync, tmp_path):
    assert sync('--dry-run')['downloaded'] == 4
    assert not (tmp_path / 'mirror').exists()


def test_a_directory_is_of_one_mirror(draft, sync, run, girder, tmp_path):
    sync()
    girder.make_release('5.8', '33000')
    done = run('sync', 'Slicer', tmp_path / 'mirror', '--release', '5.8')
    assert done.exit_code == 5
    assert 'something else' in done.stderr
    sync('--os', 'linux', status=5)


def test_files_of_the_same_name_are_apart(draft, sync, girder, tmp_path):
    girder.make_item('extension', {**META, 'baseName': 'Twin'}, b'twin', '0.TAR.gz')
    sync()
    assert sorted(files(tmp_path).values()) == [b'0', b'1', b'2', b'package', b'twin']
    assert sync() == {'unchanged': 5}


def test_a_foreign_file_in_the_way_is_kept(draft, sync, tmp_path):
    path = tmp_path / 'mirror/extensions/linux-amd64/1.tar.gz'
    path.parent.mkdir(parents=True)
    path.write_bytes(b'mine')
    assert sync(status=5)['failed'] == 1
    assert path.read_bytes() == b'mine'


@pytest.mark.parametrize('options', [[], ['--release', '5', '--draft', '6']])
def test_either_a_release_or_a_draft_is_given(options, run, tmp_path):
    assert run('sync', 'Slicer', tmp_path / 'mirror', *options).exit_code == 2


@pytest.mark.parametrize('content', ['{', '[]', '{"origin": 1}'])
def test_a_damaged_record_is_reported(content, draft, sync, tmp_path):
    sync()
    (tmp_path / 'mirror' / mirror.STATE).write_text(content)
    sync(status=2)


def test_two_processes_do_not_mirror_in_one_directory(draft, sync, tmp_path):
    with locks.exclusive(tmp_path / 'mirror'):  # threads are kept out as processes are
        sync(status=5)
        assert not (tmp_path / 'mirror').exists()
    assert sync() == {'downloaded': 4, 'bytes': 10}
