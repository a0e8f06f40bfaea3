"""READMEs of extensions are sent after the extension is registered."""
import pytest

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
