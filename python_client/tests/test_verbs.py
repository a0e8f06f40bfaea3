"""Commands that promote, set readiness, show, select downloads and open pages."""
import json

import pytest

FOO = {'baseName': 'Foo', 'os': 'linux', 'arch': 'amd64', 'revision': 'r1', 'app_revision': '33000'}


@pytest.fixture
def builds(girder):
    """Builds of Foo, the newest last."""
    return [girder.make_item('extension', {**FOO, **changed}, f'{number}'.encode(), f'{number}.tar.gz')
            for number, changed in enumerate([{}, {'app_revision': '34000', 'revision': 'r2'}, {'os': 'win'}])]


def test_a_draft_is_promoted_to_the_release_of_its_revision(run, girder):
    girder.make_release('5.8', '33000')
    girder.make_draft('33000')
    done = run('release', 'promote', 'Slicer', '5.8')
    assert done.stdout == f'5.8 33000 ({girder.releases[0]["_id"]}) PROMOTED\n'
    assert girder.asked('POST', 'promote')[0].form['revision'] == '33000'
    assert girder.drafts == []
    assert run('release', 'promote', 'Slicer', '5.9').exit_code == 3


@pytest.mark.parametrize(('given', 'sent'), [([], 'true'), (['false'], 'false'), (['auto'], 'auto')])
@pytest.mark.parametrize('kind', ['release', 'draft'])
def test_readiness_is_set(kind, given, sent, run, girder):
    folder = girder.make_release('5.8', '33000') if kind == 'release' else girder.make_draft('33000')
    done = run(kind, 'ready', 'Slicer', folder['name'], *given)
    assert done.exit_code == 0, done.stderr
    assert (folder['meta']['ready'], done.stdout.split()[-1]) == (sent, sent)
    assert run(kind, 'ready', 'Slicer', folder['name'], 'perhaps').exit_code == 2


@pytest.mark.parametrize(('options', 'number'), [
    (['--os', 'linux'], 1), (['--os', 'linux', '--app_revision', '33000'], 0), (['--os', 'win'], 2),
    (['--app_revision', '34000'], 1)])
def test_a_download_is_selected_by_name_system_and_revision(options, number, run, girder, builds, tmp_path):
    done = run('extension', 'download', 'Slicer', 'Foo', *options, '--dir_path', tmp_path / 'out')
    assert done.exit_code == 0, done.stderr
    assert [path.read_text() for path in (tmp_path / 'out').iterdir()] == [str(number)]


def test_a_base_name_of_several_systems_is_a_conflict(run, builds):
    done = run('extension', 'download', 'Slicer', 'Foo')
    assert done.exit_code == 5
    assert 'Give one: --os linux --arch amd64, --os win --arch amd64.' in done.stderr


def test_options_select_only_builds_that_fit(run, builds):
    done = run('extension', 'show', 'Slicer', 'Foo', '--os', 'macosx')
    assert done.exit_code == 3
    assert 'There is no extension "Foo", os "macosx" in "Slicer".' in done.stderr


def test_a_release_selects(run, girder, builds):
    release = girder.make_release('5.8', '33000')
    run('extension', 'show', 'Slicer', 'Foo', '--os', 'win', '--release', '5.8')
    assert girder.asked('GET', '/extension$')[-1].args['release_id'] == release['_id']
    run('package', 'show', 'Slicer', 'Slicer', '--release', 'draft', '--version', '5')
    asked = girder.asked('GET', '/package$')[-1].args
    assert (asked['release_id_or_name'], asked['version']) == ('draft', '5')


def test_show_prints_metadata_file_and_addresses(run, girder, builds):
    item, file = builds[2], girder.files[2]
    item['meta']['description'] = 'Two\nlines'
    lines = dict(line.split(': ', 1) for line in run('extension', 'show', 'Slicer', item['_id']).stdout.splitlines())
    assert {key: lines[key] for key in ('name', 'id', 'os', 'description', 'file', 'size', 'sha512', 'download')} == {
        'name': item['name'], 'id': item['_id'], 'os': 'win', 'description': 'Two lines', 'file': '2.tar.gz',
        'size': '1', 'sha512': file['sha512'], 'download': f'{girder.url}/item/{item["_id"]}/download'}
    document = json.loads(run('extension', 'show', 'Slicer', item['_id'], '--json').stdout)
    assert (document['item']['_id'], document['file']['_id']) == (item['_id'], file['_id'])


def test_open_prints_the_page(run, girder, builds):
    root = girder.url.removesuffix('/api/v1')
    assert run('open', 'Slicer').stdout == f'{root}/catalog?app={girder.apps[0]["_id"]}\n'
    assert run('open', 'Slicer', builds[0]['_id']).stdout == f'{root}/#item/{builds[0]["_id"]}\n'
    assert run('open', 'Slicer', 'Nothing').exit_code == 3


def test_open_starts_the_browser_from_a_terminal(run, girder, monkeypatch):
    opened = []
    monkeypatch.setattr('click.launch', opened.append)
    monkeypatch.setattr('slicer_package_manager_client.cli.output.interactive', lambda: True)
    done = run('open', 'Slicer')
    assert opened == [done.stdout.strip()]
