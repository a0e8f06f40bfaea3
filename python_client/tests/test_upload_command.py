import hashlib
import json

import pytest

from slicer_package_manager_client import transfer

EXTENSION = ['--os', 'linux', '--arch', 'amd64', '--name', 'Foo', '--repo_type', 'git', '--repo_url', 'https://x',
             '--revision', 'r1', '--app_revision', '33000']
LINK = 'https://github.com/o/r/releases/download/t/a.tar.gz'


@pytest.fixture
def upload(run, make_file):
    def send(*args, file=True, **kwargs):
        return run('extension', 'upload', 'Slicer', *([make_file()] if file else []), *EXTENSION, *args, **kwargs)

    return send


@pytest.fixture
def on_github(upload, github):
    def send(*args, **kwargs):
        return upload('--github-repo', github.repo, '--github-api-url', github.url, *args,
                      **{'env': {'GITHUB_TOKEN': github.token}, **kwargs})

    return send


def test_says_what_the_published_client_said(upload, girder, make_file, run):
    assert upload().stdout.splitlines() == [
        'Create the extension Foo', f'Foo_linux_r1 ({girder.items[0]["_id"]}) UPLOADED']
    assert 'already up-to-date; nothing was sent' in upload().stdout
    assert 'only its metadata were changed' in upload('--category', 'IGT').stdout
    assert run('extension', 'upload', 'Slicer', make_file(seed=1), *EXTENSION).stdout.splitlines()[-1] == (
        'Foo UPLOADED The extension is now up-to-date')


def test_progress_is_lines_on_stderr(upload, monkeypatch):
    monkeypatch.setattr(transfer, 'CHUNK', 250)
    done = upload()
    said = [line.rpartition(': ')[2] for line in done.stderr.splitlines()]
    assert said[:5] == ['1000 B', '25 %', '50 %', '75 %', '100 %']


def test_retries_are_reported(upload, girder):
    girder.fail('POST', 'chunk', 503)
    done = upload()
    assert done.exit_code == 0
    assert 'Trying again in 0 s' in done.stderr


@pytest.mark.parametrize('retries', [0, 2])
def test_retries_are_as_many_as_asked(retries, invoke, girder, make_file):
    girder.fail('GET', '/app$', 503, times=99)
    invoke('--api-url', girder.url, '--retries', retries, '--retry-pause', 0, 'app', 'list')
    assert len(girder.asked('GET', '/app$')) == retries + 1


def test_a_timeout_is_reported(invoke, girder, httpserver):
    import threading
    release = threading.Event()
    httpserver.expect_request('/slow/app').respond_with_handler(lambda _request: release.wait())
    try:
        done = invoke('--api-url', httpserver.url_for('/slow'), '--retries', 0, '--timeout', 0.05, 'app', 'list')
    finally:
        release.set()
    httpserver.clear_assertions()
    httpserver.clear_handler_errors()
    assert done.exit_code == 6
    assert 'in time' in done.stderr


def test_registers_a_url_without_a_file(upload, girder):
    digest = 'AB' * 64
    done = upload('--url', LINK, '--size', 12, '--sha512', digest, '--file_name', 'b.tar.gz', file=False)
    assert done.exit_code == 0, done.stderr
    assert 'REGISTERED' in done.stdout
    assert {key: girder.files[0][key] for key in ('linkUrl', 'name', 'size', 'sha512')} == {
        'linkUrl': LINK, 'name': 'b.tar.gz', 'size': 12, 'sha512': digest.lower()}
    assert girder.asked('POST', 'chunk') == []


def test_a_file_given_with_a_url_supplies_size_and_checksum(upload, girder, make_file):
    assert upload('--url', LINK).exit_code == 0
    assert girder.files[0]['sha512'] == hashlib.sha512(make_file().read_bytes()).hexdigest()
    assert (girder.files[0]['size'], girder.files[0]['name']) == (1000, make_file().name)
    assert upload('--url', LINK, '--size', 5).exit_code == 2


def test_a_server_too_old_for_urls_is_reported(upload, girder):
    original = girder.register

    def register(self, request, app, package_type):
        answer = original(request, app, package_type)
        girder.files.clear()
        return answer

    girder.routes = tuple((method, pattern, register if handler.__name__ == 'register' else handler)
                          for method, pattern, handler in girder.routes)
    done = upload('--url', LINK, file=False)
    assert done.exit_code == 1
    assert 'too old' in done.stderr


def test_a_real_file_takes_the_place_of_a_link(upload, girder):
    upload('--url', LINK, file=False)
    assert upload().exit_code == 0
    assert [file.get('linkUrl') for file in girder.files] == [None]


def test_publishes_on_github(on_github, girder, github, make_file):
    done = on_github()
    assert done.exit_code == 0, done.stderr
    assert list(github.releases) == ['33000-linux-amd64']
    asset = next(iter(github.assets.values()))
    assert girder.files[0]['linkUrl'] == asset['browser_download_url']
    assert girder.files[0]['size'] == asset['size']
    assert girder.files[0]['sha512'] == hashlib.sha512(make_file().read_bytes()).hexdigest()
    assert github.token not in done.stdout + done.stderr
    assert girder.asked('POST', 'chunk') == []


def test_publishing_again_sends_nothing_to_github(on_github, github):
    on_github()
    github.requests.clear()
    assert on_github().exit_code == 0
    assert github.asked('POST') == []


def test_publishing_goes_on_after_the_registration_failed(on_github, girder, github):
    girder.fail('POST', '/extension$', 403)
    assert on_github().exit_code == 4
    github.requests.clear()
    assert on_github().exit_code == 0
    assert github.asked('POST') == []
    assert girder.files[0]['linkUrl']


def test_the_tag_may_be_given(on_github, github):
    on_github('--github-tag', 'nightly-{app_revision}-{name}')
    assert list(github.releases) == ['nightly-33000-Foo']


def test_a_package_has_a_tag_of_its_revision(run, github, make_file):
    done = run('package', 'upload', 'Slicer', make_file(), '--os', 'win', '--arch', 'amd64', '--name', 'Slicer',
               '--repo_type', '', '--repo_url', '', '--revision', '33000', '--version', '5',
               '--github-repo', github.repo, '--github-api-url', github.url, env={'GITHUB_TOKEN': github.token})
    assert done.exit_code == 0, done.stderr
    assert list(github.releases) == ['33000-win-amd64']


def test_the_token_may_be_in_a_file(on_github, github, tmp_path):
    path = tmp_path / 'token'
    path.write_text(f'{github.token}\n')
    assert on_github('--github-token-file', path, env={}).exit_code == 0


def test_without_a_token_nothing_is_sent(on_github, github):
    done = on_github(env={})
    assert done.exit_code == 4
    assert 'GITHUB_TOKEN' in done.stderr
    assert github.requests == []


def test_a_dry_run_does_not_touch_github(on_github, github):
    done = on_github('--dry-run', '--json')
    assert json.loads(done.stdout)['item']['github'] == {'repository': github.repo, 'tag': '33000-linux-amd64'}
    assert github.requests == []


def test_a_dry_run_prints_what_force_would_do(upload):
    upload()
    assert 'Would be unchanged' in upload('--dry-run').stdout
    assert 'Would be replaced' in upload('--dry-run', '--force', '1').stdout


def test_a_comparison_of_sizes_alone_is_reported(on_github, github):
    github.digests = False
    assert 'only its size was compared' in on_github().stderr


def test_github_settings_may_come_from_the_configuration(upload, github, home):
    path = home / 'config' / 'slicer-package-manager' / 'client.toml'
    path.parent.mkdir(parents=True)
    (path.parent / 'token').write_text(github.token)
    path.write_text(f'default_profile = "a"\n[profiles.a]\ngithub_token_file = "token"\n'
                    f'github_api_url = "{github.url}"\n')
    assert upload('--github-repo', github.repo).exit_code == 0


def test_reads_metadata_files_and_lets_options_win(run, girder, make_file, tmp_path):
    (tmp_path / 'Foo.s4ext').write_text(
        'scm git\nscmurl https://x\nscmrevision abc\ncategory IGT\nhomepage https://h\ndepends NA\nstatus\n')
    (tmp_path / 'Foo.json').write_text(json.dumps({'category': 'Other', 'tier': 2, 'build_dependencies': ['A', 'B']}))
    done = run('extension', 'upload', 'Slicer', make_file(), '--os', 'linux', '--arch', 'amd64', '--app_revision', '1',
               '--metadata', tmp_path / 'Foo.s4ext', '--metadata', tmp_path / 'Foo.json', '--homepage', 'https://mine',
               '--desc', '')
    assert done.exit_code == 0, done.stderr
    meta = girder.items[0]['meta']
    assert {key: meta.get(key) for key in ('baseName', 'revision', 'category', 'tier', 'dependency', 'homepage')} == {
        'baseName': 'Foo', 'revision': 'abc', 'category': 'Other', 'tier': '2', 'dependency': 'A B',
        'homepage': 'https://mine'}


def test_a_value_can_be_cleared(upload, girder):
    upload('--category', 'IGT')
    assert upload('--clear', 'category').exit_code == 0
    assert girder.items[0]['meta']['category'] == ''


@pytest.mark.parametrize(('option', 'sent'), [('--pre_release', 'true'), ('--no-pre_release', 'false'), (None, None)])
def test_pre_release_is_sent_only_when_given(option, sent, run, girder, make_file):
    run('package', 'upload', 'Slicer', make_file(), '--os', 'win', '--arch', 'amd64', '--name', 'Slicer',
        '--repo_type', '', '--repo_url', '', '--revision', '33000', '--version', '5', *([option] if option else []))
    assert girder.asked('POST', '/package$')[0].form.get('pre_release') == sent


@pytest.mark.parametrize(('command', 'given', 'taken'), [
    ('package', ['--name', 'Slicer', '--revision', '33000', '--version', '5'],
     {'os': 'linux', 'arch': 'amd64', 'repository_type': '', 'repository_url': '', 'revision': '33000'}),
    ('extension', ['--name', 'Foo', '--app_revision', '33000'],
     {'os': 'linux', 'arch': 'amd64', 'repository_type': '', 'repository_url': '', 'revision': '0.0.1'}),
    ('extension', ['--name', 'Foo', '--app_revision', '33000', '--arch', '', '--revision', '', '--os', ''],
     {'os': 'linux', 'arch': 'amd64', 'revision': '0.0.1'})])
def test_defaults_are_those_of_the_published_client(command, given, taken, run, girder, make_file):
    done = run(command, 'upload', 'Slicer', make_file(), *given)
    assert done.exit_code == 0, done.stderr
    assert {key: girder.items[0]['meta'][key] for key in taken} == taken


def test_defaults_do_not_win_over_a_description(run, girder, make_file, tmp_path):
    (tmp_path / 'Foo.json').write_text('{"scm_revision": "abc", "scm_url": "https://x", "arch": "arm64"}')
    run('extension', 'upload', 'Slicer', make_file(), '--app_revision', '1', '--metadata', tmp_path / 'Foo.json')
    meta = girder.items[0]['meta']
    assert (meta['revision'], meta['arch'], meta['repository_url'], meta['repository_type'], meta['tier'],
            meta['enabled']) == ('abc', 'arm64', 'https://x', 'git', '1', 'true')


@pytest.mark.parametrize('option', ['category', 'dependency', 'recommends', 'homepage', 'screenshots', 'contributors',
                                    'keywords', 'dicom_support_rule', 'icon_url', 'desc', 'license'])
def test_an_empty_text_clears_what_the_server_had(option, upload, girder):
    key = {'desc': 'description'}.get(option, option)
    upload(f'--{option}', 'A')
    upload()
    assert girder.items[0]['meta'][key] == 'A'
    done = upload(f'--{option}', '')
    assert done.exit_code == 0, done.stderr
    assert girder.items[0]['meta'][key] == ''
    assert girder.asked('POST', '/extension$')[-1].form[key] == ''


def test_an_empty_tier_keeps_what_the_server_had(upload, girder):
    upload('--tier', '3')
    assert upload('--tier', '').exit_code == 0
    assert girder.items[0]['meta']['tier'] == '3'


@pytest.mark.parametrize('value', ['NA', ''])
def test_what_a_description_leaves_empty_is_cleared(value, upload, girder, tmp_path):
    upload('--dependency', 'A B', '--recommends', 'C')
    (tmp_path / 'Foo.s4ext').write_text(f'scm git\ndepends {value}\nrecommends {value}\n')
    assert upload('--metadata', tmp_path / 'Foo.s4ext').exit_code == 0
    assert (girder.items[0]['meta']['dependency'], girder.items[0]['meta']['recommends']) == ('', '')


def test_what_is_ignored_in_a_description_is_a_note(upload, tmp_path):
    (tmp_path / 'Foo.s4ext').write_text('scm git\ncontributors A,\nB. Author\n')
    done = upload('--metadata', tmp_path / 'Foo.s4ext')
    assert done.exit_code == 0
    assert 'line 3 has no keyword and is ignored: B. Author' in done.stderr


@pytest.mark.parametrize('way', [[], ['--url', LINK]], ids=['file', 'link'])
def test_credentials_never_leave_this_machine(way, upload, girder):
    done = upload(*way, '--repo_url', 'https://gitlab-ci-token:SECRET@host/x.git', '--homepage', 'https://me:SECRET@host',
                  '--desc', 'See https://me:SECRET@host/x', '--json')
    assert done.exit_code == 0, done.stderr
    assert 'SECRET' not in done.stdout + done.stderr
    assert [one for one in girder.requests if 'SECRET' in one.url or b'SECRET' in one.get_data()] == []
    assert girder.items[0]['meta']['repository_url'] == 'https://host/x.git'
    assert done.stderr.count('were cut off') == 3


def test_a_link_with_credentials_is_refused_before_it_is_sent(upload, girder):
    done = upload('--url', LINK.replace('github', 'me:SECRET@github'), file=False)
    assert done.exit_code == 2
    assert 'SECRET' not in done.stderr
    assert girder.asked('POST', 'extension') == []


@pytest.mark.parametrize('again', [False, True], ids=['new', 'replaced'])
def test_a_warning_of_the_server_is_printed_and_no_failure(again, run, girder, make_file):
    girder.warning = 'homepage "N/a" is no URL\x1b[31m and is left out'
    for number in range(1 + again):
        done = run('extension', 'upload', 'Slicer', make_file(seed=number), *EXTENSION)
    assert done.exit_code == 0
    assert [line for line in done.stderr.splitlines() if 'Warning' in line] == [
        'Warning: homepage "N/a" is no URL [31m and is left out']


@pytest.mark.parametrize('way', ['file', 'github', 'dry run'])
def test_a_file_that_is_no_archive_is_refused_before_it_is_sent(way, upload, on_github, girder, github, run, tmp_path):
    (tmp_path / 'page.tar.gz').write_text('<html>not found</html>')
    options = {'file': [], 'dry run': ['--dry-run'],
               'github': ['--github-repo', github.repo, '--github-api-url', github.url]}[way]
    args = ['extension', 'upload', 'Slicer', tmp_path / 'page.tar.gz', *EXTENSION, *options]
    done = run(*args, env={'GITHUB_TOKEN': github.token})
    assert (done.exit_code, done.stdout) == (2, '')
    assert 'is no archive' in done.stderr
    assert girder.asked('POST', 'extension') == girder.asked('POST', 'file') == github.requests == []
    assert run(*args, '--no-check', env={'GITHUB_TOKEN': github.token}).exit_code == 0


def test_only_what_was_created_is_said_to_be(upload, girder, run, make_file):
    girder.fail('POST', '/extension$', 403)
    assert upload().stdout == ''
    assert upload().stdout.startswith('Create the extension Foo\n')
    for args in ([], ['--category', 'IGT'], ['--dry-run']):
        assert 'Create the' not in upload(*args).stdout
    assert 'Create the' not in run('extension', 'upload', 'Slicer', make_file(seed=1), *EXTENSION).stdout
