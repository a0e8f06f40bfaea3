"""READMEs of extensions are sent after the extension is registered, also those in their archives."""
import gzip
import io
import tarfile
import zipfile
import zlib

import pytest

from slicer_package_manager_client import readmes

ARGUMENTS = ('--os', 'linux', '--arch', 'amd64', '--name', 'Foo', '--app_revision', '33000', '--revision', '1')
NAME = '33000-linux-amd64-Foo-git1.tar.gz'
TEXT = '# Foo\n\nüber\n'
CONTENT = TEXT.encode()


@pytest.fixture
def upload(run, make_file, tmp_path):
    """Upload a file with a README."""
    def command(*args, content=CONTENT, path=None, options=ARGUMENTS):
        readme = tmp_path / 'README.md'
        readme.write_bytes(content)
        return run('extension', 'upload', 'Slicer', *([path or make_file(NAME)] if path != '' else []), *options,
                   '--readme', readme, *args)
    return command


def test_the_readme_is_sent_after_the_file(upload, girder):
    done = upload()
    assert done.exit_code == 0, done.stderr
    (item,) = girder.items
    assert girder.readmes == {item['_id']: CONTENT}
    (sent,) = girder.asked('PUT', 'readme')
    assert sent.content_type == 'text/markdown'
    assert [one.path for one in girder.requests if one.method != 'GET'][-1].endswith('/readme')


def test_an_extension_that_is_hosted_elsewhere_has_a_readme(upload, girder):
    done = upload('--url', 'https://github.com/a/b/releases/download/x/' + NAME, path='')
    assert done.exit_code == 0, done.stderr
    assert list(girder.readmes.values()) == [CONTENT]


@pytest.mark.parametrize('encoding', ['utf-16', 'utf-8-sig', 'cp1252'])
def test_a_readme_is_sent_in_utf8(upload, girder, encoding):
    assert upload(content=TEXT.encode(encoding)).exit_code == 0
    assert list(girder.readmes.values()) == [CONTENT]


@pytest.mark.parametrize(('content', 'reason'), [
    (b'a\0b', 'it is no text'), (b'x' * (64 * 1024 + 1), 'more than 65536 bytes')])
def test_what_is_no_readme_is_refused_before_anything_is_sent(upload, girder, content, reason):
    done = upload(content=content)
    assert done.exit_code != 0
    assert reason in done.stderr
    assert girder.items == []


def test_a_file_that_is_missing_is_named(run, girder, make_file):
    done = run('extension', 'upload', 'Slicer', make_file(NAME), *ARGUMENTS, '--readme', 'nowhere.md')
    assert done.exit_code != 0
    assert 'nowhere.md' in done.stderr
    assert girder.items == []


def test_a_dry_run_sends_no_readme(upload, girder):
    assert upload('--dry-run').exit_code == 0
    assert girder.readmes == {}


def test_an_older_server_is_named(upload, girder):
    girder.readmes = None
    done = upload()
    assert done.exit_code != 0
    assert 'was uploaded, but the server does not store READMEs; it is too old for that' in done.stderr


def test_packages_have_no_readme(run, make_file):
    done = run('package', 'upload', 'Slicer', make_file(NAME), '--readme', 'x')
    assert 'No such option' in done.stderr


# READMEs in archives

TOP = NAME.removesuffix('.tar.gz')
ZIP = f'{TOP}.zip'


@pytest.mark.parametrize('name', [NAME, ZIP])
def test_the_readme_in_the_archive_is_sent(run, girder, make_archive, name):
    done = run('extension', 'upload', 'Slicer', make_archive(name, {'README.md': CONTENT, 'lib/x': b'x'}), *ARGUMENTS)
    assert done.exit_code == 0, done.stderr
    (item,) = girder.items
    assert girder.readmes == {item['_id']: CONTENT}


@pytest.mark.parametrize(('more', 'sent'), [(['--no-readme'], []), (['--dry-run'], []), (['--readme'], [b'# Other'])])
def test_options_override_the_readme_in_the_archive(run, girder, make_archive, tmp_path, more, sent):
    (tmp_path / 'other.md').write_bytes(b'# Other')
    archive = make_archive(NAME, {'README.md': CONTENT})
    given = [*more, *([tmp_path / 'other.md'] if more == ['--readme'] else [])]
    done = run('extension', 'upload', 'Slicer', archive, *ARGUMENTS, *given)
    assert done.exit_code == 0, done.stderr
    assert list(girder.readmes.values()) == sent


def test_two_options_that_contradict_each_other_are_refused(upload, girder):
    done = upload('--no-readme')
    assert 'Give --readme or --no-readme, not both.' in done.stderr
    assert girder.items == []


def test_each_of_several_files_has_its_own_readme(run, girder, make_archive):
    names = [f'33000-linux-amd64-{name}-git1-2026-11-01.tar.gz' for name in ('Foo', 'Bar', 'Baz')]
    archives = [make_archive(name, {'README.md': name.encode()} if 'Baz' not in name else None) for name in names]
    assert run('extension', 'upload', 'Slicer', *archives).exit_code == 0
    assert set(girder.readmes.values()) == {name.encode() for name in names[:2]}


@pytest.mark.parametrize('status', [400, 403, None])
def test_an_upload_does_not_fail_for_the_readme_in_the_archive(run, girder, make_archive, status):
    if status is None:
        girder.readmes = None  # an older server
    else:
        girder.fail('PUT', '/readme$', status, body='{"message": "No."}')
    done = run('extension', 'upload', 'Slicer', make_archive(NAME, {'README.md': CONTENT}), *ARGUMENTS)
    assert done.exit_code == 0, done.stderr
    assert 'The README in the archive was not stored' in done.stderr


@pytest.mark.parametrize(('names', 'found'), [
    (['share/doc/README.md', 'share/readme.md', 'lib/a'], 'share/readme.md'),
    (['README.md', 'share/README.md'], 'README.md'), (['b/README.md', 'a/README.md'], 'a/README.md'),
    (['lib/Slicer-5.8/README.md'], 'lib/Slicer-5.8/README.md'), (['README.txt', 'NOREADME.md', 'README.md/x'], None),
    (['lib/Slicer-5.8/qt-scripted-modules/README.md', 'lib/Python/Lib/site-packages/x/README.md'], None),
    (['Slicer.app/Contents/Extensions-33000/Foo/share/README.md'],
     'Slicer.app/Contents/Extensions-33000/Foo/share/README.md'),
    (['Slicer.app/Contents/Extensions-33000/Foo/lib/Slicer-5.8/x/README.md'], None)])
@pytest.mark.parametrize('name', [NAME, ZIP])
def test_the_readme_is_the_one_nearest_to_the_top(make_archive, name, names, found):
    archive = make_archive(name, {one: one.encode() for one in names})
    assert readmes.inside(archive) == (found and found.encode())


@pytest.mark.parametrize('content', [b'', b'a\0b', b'x' * (64 * 1024 + 1), b'x' * (1 << 20)])
@pytest.mark.parametrize('name', [NAME, ZIP])
def test_what_is_no_readme_in_an_archive_does_not_count(make_archive, name, content):
    archive = make_archive(name, {'README.md': content, 'share/README.md': CONTENT})
    assert readmes.inside(archive) == CONTENT


@pytest.mark.parametrize('encoding', ['utf-16', 'utf-8-sig', 'cp1252'])
def test_a_readme_in_an_archive_becomes_utf8(make_archive, encoding):
    assert readmes.inside(make_archive(NAME, {'README.md': TEXT.encode(encoding)})) == CONTENT


def entry(name, size=0, kind=tarfile.REGTYPE, target=''):
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, target
    return made.tobuf(tarfile.GNU_FORMAT)


def bomb(head, megabytes):
    """A file in gzip with ``head`` and many zeros, of which each megabyte takes a kilobyte."""
    packer = zlib.compressobj(wbits=31)
    begun = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    return begun + (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)) * megabytes


README = entry(f'{TOP}/README.md', len(CONTENT)) + CONTENT.ljust(512, b'\0')


def linked_zip():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        info = zipfile.ZipInfo(f'{TOP}/README.md')
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, '/etc/passwd')
    return stream.getvalue()


def locked_zip():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr(f'{TOP}/README.md', CONTENT)
    data = bytearray(stream.getvalue())
    data[6] |= 1  # an encrypted file
    data[data.index(b'PK\1\2') + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(('content', 'found'), [
    pytest.param(gzip.compress(README), CONTENT, id='no end'),
    pytest.param(gzip.compress(README)[:-20], None, id='truncated in the README'),
    pytest.param(bomb(README + entry('x', 64 << 30), 2000), CONTENT, id='64 GB behind it'),
    pytest.param(bomb(entry('x', 64 << 30), 2000), None, id='64 GB'),
    pytest.param(bomb(entry('x', 1 << 30, tarfile.XHDTYPE), 400), None, id='attributes of 1 GB'),
    pytest.param(bomb(entry('x', 1 << 30, tarfile.GNUTYPE_LONGNAME), 400), None, id='a name of 1 GB'),
    pytest.param(entry(f'{TOP}/README.md', kind=tarfile.SYMTYPE, target='/etc/passwd'), None, id='symbolic link'),
    pytest.param(entry(f'{TOP}/README.md', kind=tarfile.LNKTYPE, target='/etc/passwd'), None, id='hard link'),
    pytest.param(entry(f'../{TOP}/../../../README.md'), None, id='upwards'),
    pytest.param(entry(f'{TOP}/README.md', 1 << 40), None, id='stated size'),
    pytest.param(entry('x', -512), None, id='negative size'),
    pytest.param(linked_zip(), None, id='link in zip'), pytest.param(locked_zip(), None, id='encrypted'),
    pytest.param(b'', None, id='empty'), pytest.param(b'\x1f\x8b', None, id='two bytes'),
    pytest.param(b'(\xb5/\xfd', None, id='Zstandard'), pytest.param(bytes(4096), None, id='zeros')])
def test_hostile_archives_have_no_readme(tmp_path, content, found):
    (tmp_path / 'archive').write_bytes(content)
    assert readmes.inside(tmp_path / 'archive') == found


def test_a_zip_bomb_is_no_readme(tmp_path):
    with zipfile.ZipFile(tmp_path / 'bomb.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f'{TOP}/README.md', bytes(50 << 20))
    assert readmes.inside(tmp_path / 'bomb.zip') is None


def test_the_readme_is_found_behind_many_deep_files(make_archive):
    deep = '/'.join('x' * 200)
    archive = make_archive(NAME, {**{f'{deep}/{number}': b'' for number in range(2000)}, 'README.md': CONTENT})
    assert readmes.inside(archive) == CONTENT


def test_a_file_that_is_gone_has_no_readme(tmp_path):
    assert readmes.inside(tmp_path / 'gone') is None
