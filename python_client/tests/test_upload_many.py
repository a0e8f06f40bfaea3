import collections
import hashlib
import json
import threading

import pytest
from fakes import FakeGirder
from pytest_httpserver import HTTPServer

from slicer_package_manager_client.cli import many_progress, parallel

NAMES = [f'33000-linux-amd64-Ext{number}-git{number}a-2026-11-01.tar.gz' for number in range(6)]


@pytest.fixture
def builds(make_archive):
    return [make_archive(name) for name in NAMES]


@pytest.fixture
def upload(run):
    def send(*args, **kwargs):
        return run('extension', 'upload', 'Slicer', *args, **kwargs)

    return send


def totals(done):
    heads, _dashes, *rows = done.stdout.splitlines()
    assert len(rows) == 1
    return {head: float(cell) if '.' in cell else int(cell)
            for head, cell in zip(heads.lower().split(), rows[0].split())}


def counts(done):
    return {name: number for name, number in totals(done).items() if number and name not in {'seconds', 'bytes'}}


def metadata(girder):
    return {item['meta']['baseName']: item['meta'] for item in girder.items}


def test_facts_come_from_the_names_of_files(upload, girder, builds):
    done = upload(*builds, '--repo_url', 'https://x', '--category', 'IGT')
    assert done.exit_code == 0, done.stderr
    assert {name: (meta['os'], meta['arch'], meta['app_revision'], meta['revision'], meta['repository_type'],
                   meta['repository_url'], meta['category']) for name, meta in metadata(girder).items()} == {
        f'Ext{number}': ('linux', 'amd64', '33000', f'{number}a', 'git', 'https://x', 'IGT') for number in range(6)}
    assert {file['name']: file['sha512'] for file in girder.files} == {
        path.name: hashlib.sha512(path.read_bytes()).hexdigest() for path in builds}


def test_the_table_counts_what_became_of_the_files(upload, girder, builds):
    upload(*builds[:2])
    done = upload(*builds[:4], builds[0].with_name('missing.tar.gz'), '--tier', '3')
    assert done.exit_code == 2
    assert counts(done) == {'uploaded': 2, 'updated': 2, 'refused': 1}
    assert totals(done)['bytes'] == sum(path.stat().st_size for path in builds[2:4])
    assert [line for line in done.stderr.splitlines() if line.startswith('Error')] == [
        f'Error: {(missing := builds[0].with_name("missing.tar.gz"))}: There is no file "{missing}".']
    assert counts(upload(*builds[:4], '--tier', '3')) == {'unchanged': 4}


def test_each_file_has_a_line_of_progress(upload, builds):
    lines = upload(*builds).stderr.splitlines()
    assert sorted(line.partition(' ')[0] for line in lines) == [f'[{number}/6]' for number in range(1, 7)]
    assert all('uploaded' in line for line in lines)
    assert {line.split()[1].rstrip(':') for line in lines} == set(NAMES)


def test_json_has_each_file_and_its_error(upload, girder, builds):
    girder.fail('POST', '/file$', 400, times=1, body='{"message": "Something is wrong."}')
    done = upload(*builds[:2], '-j', '1', '--json')
    document = json.loads(done.stdout)
    assert done.exit_code == 2
    first, second = document['files']
    assert (first['status'], first['error']['code'], first['path']) == ('refused', 'invalid_request', str(builds[0]))
    assert 'Something is wrong' in first['error']['message']
    assert (second['status'], second['item']['meta']['baseName']) == ('uploaded', 'Ext1')
    assert {key: document['totals'][key] for key in ('uploaded', 'refused', 'failed')} == {
        'uploaded': 1, 'refused': 1, 'failed': 0}


def test_the_exit_status_is_that_of_the_worst(upload, girder, builds, invoke):
    girder.fail('POST', '/extension$', 403, times=1)
    assert upload(*builds, builds[0].with_name('missing.tar.gz'), '-j', '1').exit_code == 4


def test_fail_fast_starts_no_other_file(upload, girder, builds):
    girder.fail('POST', '/extension$', 403, times=1)
    done = upload(*builds, '-j', '1', '--fail-fast')
    assert (done.exit_code, girder.items) == (4, [])
    assert counts(done) == {'refused': 1, 'skipped': 5}


def test_a_server_that_is_down_delays_one_file_only(invoke, girder, builds):
    girder.fail('POST', '/extension$', 503, times=10 ** 6)
    done = invoke('--api-url', girder.url, '--api-key', girder.key, '--retry-for', '0.5', '--retry-pause', '0.1',
                  'extension', 'upload', 'Slicer', *builds, '-j', '1')
    assert (done.exit_code, counts(done)) == (6, {'failed': 6})
    attempts = collections.Counter(one.form['baseName'] for one in girder.asked('POST', '/extension$'))
    assert attempts.pop('Ext0') > 1
    assert set(attempts.values()) == {1}


def test_files_are_sent_at_the_same_time(invoke, builds):
    together = threading.Barrier(3)
    with HTTPServer(threaded=True) as server:
        girder = FakeGirder(server)
        original = girder.begin

        def begin(self, request):
            together.wait(timeout=60)
            return original(request)

        girder.routes = tuple((method, pattern, begin if handler.__name__ == 'begin' else handler)
                              for method, pattern, handler in girder.routes)
        done = invoke('--api-url', girder.url, '--api-key', girder.key, '--retries', 0, 'extension', 'upload',
                      'Slicer', *builds[:3], '-j', '3')
    assert done.exit_code == 0, done.stderr


def test_logs_in_once(upload, girder, builds):
    upload(*builds)
    assert len(girder.asked('POST', 'api_key/token')) == 1
    assert {one.headers.get('Girder-Token') for one in girder.requests[1:]} == {girder.token}


def test_an_expired_token_is_renewed_in_a_thread(upload, girder, builds):
    girder.fail('POST', '/file/chunk$', 401)
    assert upload(*builds).exit_code == 0


def test_two_files_of_one_package_are_refused(upload, girder, builds, make_archive):
    other = make_archive(NAMES[0].replace('2026', '2025'))
    done = upload(builds[0], other, '-j', '1')
    assert (done.exit_code, counts(done)) == (2, {'uploaded': 1, 'refused': 1})
    assert f'the same extension as "{builds[0]}"' in done.stderr
    assert [file['name'] for file in girder.files] == [builds[0].name]


def test_a_file_given_twice_is_one(upload, builds):
    assert 'UPLOADED' in upload(builds[0], builds[0]).stdout.splitlines()[-1]


def test_a_dry_run_changes_nothing(upload, girder, builds):
    done = upload(*builds, '--dry-run', '--json')
    document = json.loads(done.stdout)
    assert (document['status'], document['totals']['uploaded'], girder.items) == ('planned', 6, [])


def test_an_unknown_application_is_one_error(run, girder, builds):
    done = run('extension', 'upload', 'Other', *builds)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (3, '', 1)


def test_a_url_is_of_one_file(upload, builds):
    done = upload(*builds, '--url', 'https://github.com/o/r/releases/download/t/a.tar.gz')
    assert done.exit_code == 2
    assert 'one file' in done.stderr


def test_packages_have_their_version_in_the_name(run, girder, make_archive):
    paths = [make_archive(f'Slicer-5.9.0-2026-11-01-{system}.zip') for system in ('linux-amd64', 'macosx-arm64')]
    assert run('package', 'upload', 'Slicer', *paths, '--revision', '33000').exit_code == 0
    assert {(item['meta']['os'], item['meta']['arch'], item['meta']['version'], item['meta']['baseName'])
            for item in girder.items} == {('linux', 'amd64', '5.9.0-2026-11-01', 'Slicer'),
                                          ('macosx', 'arm64', '5.9.0-2026-11-01', 'Slicer')}


def test_files_are_published_on_github(upload, girder, github, builds):
    done = upload(*builds[:3], '--github-repo', github.repo, '--github-api-url', github.url,
                  env={'GITHUB_TOKEN': github.token})
    assert done.exit_code == 0, done.stderr
    assert {asset['name'] for asset in github.assets.values()} == set(NAMES[:3])
    assert all(file['linkUrl'] for file in girder.files)


def test_descriptions_are_beside_files_or_in_them(upload, girder, make_archive):
    inside = [make_archive(name, {f'share/Slicer-5.9/Ext{number}.s4ext': f'scm git\ncategory Inside{number}\n'.encode(),
                                  'other.json': b'{'}) for number, name in enumerate([NAMES[0], NAMES[1].replace(
                                      '.tar.gz', '.zip')])]
    beside = make_archive(NAMES[2], {'Ext2.s4ext': b'category Wrong\n'})
    beside.with_name('Ext2.json').write_text(json.dumps({'category': 'Beside', 'scm_revision': 'main', 'tier': 3}))
    named = make_archive(NAMES[3])
    named.with_name(NAMES[3].replace('.tar.gz', '.s4ext')).write_text('scm git\nscmurl https://y\n')
    done = upload(*inside, beside, named)
    assert done.exit_code == 0, done.stderr
    found = metadata(girder)
    assert [found[f'Ext{number}'].get('category') for number in range(4)] == ['Inside0', 'Inside1', 'Beside', None]
    assert [found[f'Ext{number}']['tier'] for number in range(4)] == ['1', '1', '3', '1']
    assert found['Ext2']['revision'] == '2a'
    assert found['Ext3']['repository_url'] == 'https://y'


def test_options_and_common_metadata_come_before_descriptions(upload, girder, make_archive, tmp_path):
    files = [make_archive(name, {f'Ext{number}.s4ext': b'category A\nhomepage https://a\ntier 5\n'})
             for number, name in enumerate(NAMES[:2])]
    (tmp_path / 'common.json').write_text('{"category": "B", "homepage": "https://b"}')
    upload(*files, '--metadata', tmp_path / 'common.json', '--category', 'C')
    assert [(meta['category'], meta['homepage'], meta['tier']) for meta in metadata(girder).values()] == [
        ('C', 'https://b', '5')] * 2


def test_a_wrong_description_refuses_its_file_only(upload, girder, make_archive, builds):
    builds[0].with_name('Ext0.json').write_text('{"tier": "high"}')
    done = upload(*builds[:2])
    assert (done.exit_code, counts(done)) == (2, {'uploaded': 1, 'refused': 1})
    assert '"tier" is not a number' in done.stderr


def test_one_file_has_facts_in_its_name_only_if_it_needs_them(upload, girder, make_archive):
    archive = make_archive('33000-win-amd64-Foo-gitab-2026-11-01.zip', {'Foo.s4ext': b'category IGT\n'})
    done = upload(archive)
    assert done.stdout.splitlines()[0] == 'Create the extension Foo'
    assert {key: girder.items[0]['meta'].get(key) for key in ('os', 'revision', 'category', 'tier')} == {
        'os': 'win', 'revision': 'ab', 'category': 'IGT', 'tier': '1'}
    upload(archive, '--name', 'Bar', '--app_revision', '1')
    assert {key: girder.items[0]['meta'].get(key) for key in ('os', 'revision', 'category', 'tier')} == {
        'os': 'linux', 'revision': '0.0.1', 'category': None, 'tier': None}


def test_an_interrupted_command_prints_the_table(upload, builds, monkeypatch):
    original = parallel._Threads.join

    def interrupt(self):
        original(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(parallel._Threads, 'join', interrupt)
    done = upload(*builds, '-j', '1')
    assert (done.exit_code, counts(done)) == (130, {'uploaded': 6})


def test_a_long_silence_is_broken(monkeypatch, capsys):
    monkeypatch.setattr(many_progress, '_SILENCE', 0)
    shown = many_progress.Display(2, 4000)
    with shown.reporter('a', 1000) as first, shown.reporter('b', 3000) as second:
        first.update(1000)
        second.update(1000)
    assert capsys.readouterr().err.splitlines() == ['25 % of 3.9 KiB', '50 % of 3.9 KiB']


def test_bars_show_all_files_and_each_transfer(monkeypatch, capsys):
    shown = many_progress.Bars(2, 4000)
    with shown.reporter('a', 1000) as transfer, shown.reporter('b', 3000):
        transfer.update(500)
        bars = [shown._all, *shown._bars.values()]
        assert [(one.desc, one.n, one.total) for one in bars] == [
            ('0/2 files', 500, 4000), ('a', 500, 1000), ('b', 0, 3000)]
        assert len({one.pos for one in bars}) == 3
    shown.finished('x/a', 1000, 'uploaded')
    assert (shown._all.desc, shown._all.n, shown._bars) == ('1/2 files', 1000, {})
    shown.close()
    assert '[1/2] a: uploaded\n' in capsys.readouterr().err
