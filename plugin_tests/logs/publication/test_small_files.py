"""The files that are committed."""
import json
import re
from datetime import datetime, timezone

import pytest

from plugin_tests.logs import fake_github
from plugin_tests.logs.conftest import line
from plugin_tests.logs.publication.conftest import lines
from slicer_package_manager.logs.errors import LaterError, LogsError
from slicer_package_manager.logs.publication.options import yesterday

DAY_FILES = ['2026/11/01.csv.gz', '2026/11/01.parquet']


@pytest.fixture(autouse=True)
def one_day(ingest):
    ingest(*lines(), raw_logs=None)


def published(directory):
    """What the directory has for the repository."""
    return {name: content for name, content in directory.published().items() if name != 'dashboard.json'}


def test_an_empty_repository_gets_everything_in_one_commit(github, publish, directory):
    result = publish()
    assert result.files == [*DAY_FILES, 'manifest.json', 'report.html']
    files = github.files()
    assert 'Keep this repository private' in files.pop('README.md').decode()
    assert files.pop('report.html') == b'Report 1'
    assert files == published(directory)
    assert github.history() == ['Add 2026-11-01', 'Describe the statistics']
    assert result.commits == [github.branches['main']]


def test_the_file_for_the_dashboard_is_an_asset_that_is_replaced(github, publish, directory, ingest):
    publish()
    assert json.loads(github.asset('dashboard.json')) == json.loads(directory.published()['dashboard.json'])
    ingest(*lines('02/Nov/2026'), name='2', raw_logs=None)
    assert publish().assets == ['dashboard.json']
    assert json.loads(github.asset('dashboard.json')) == json.loads(directory.published()['dashboard.json'])


def test_the_report_is_that_of_all_days_and_made_when_they_change(github, publish, ingest, report):
    publish(notice='By the makers')
    publish(notice='By the makers')
    (options,) = report
    assert (options.period.first, options.period.last, options.notice) == (None, yesterday(), 'By the makers')
    ingest(*lines('02/Nov/2026'), name='2', raw_logs=None)
    publish()
    assert github.files()['report.html'] == b'Report 2'
    github.add_commit({'report.html': b'by another'})
    assert publish().is_empty


def test_without_downloads_there_is_no_report(github, publish, ingest, directory, report):
    directory.path = directory.path.parent / 'new'
    ingest(line('/api/v1/item/' + 'f' * 24 + '/download'), raw_logs=None)
    assert publish().files == [*DAY_FILES, 'manifest.json']
    assert publish().is_empty
    assert report == []


def test_what_is_published_is_not_sent_again(github, publish):
    publish()
    github.requests.clear()
    assert publish().is_empty
    assert {one.method for one in github.requests} == {'GET'}


@pytest.fixture
def read(monkeypatch):
    """The names of the daily files that were read."""
    from slicer_package_manager.logs.publication.checked_files import CheckedFiles
    names, content = [], CheckedFiles.content

    def noted(self, name):
        names.append(name)
        return content(self, name)
    monkeypatch.setattr(CheckedFiles, 'content', noted)
    return names


def test_daily_files_are_read_again_when_they_were_changed(github, publish, ingest, directory, read):
    publish(dry=True)
    publish()
    assert read == [*DAY_FILES, *DAY_FILES, *DAY_FILES]  # to be compared, and to be sent
    read.clear()
    ingest(*lines('02/Nov/2026'), name='2', raw_logs=None)
    publish()
    assert {*read} == {'2026/11/02.csv.gz', '2026/11/02.parquet'}
    read.clear()
    path = directory.path / 'published' / DAY_FILES[0]
    content = path.read_bytes()
    path.write_bytes(content)  # at another time
    assert publish().is_empty
    assert read == [DAY_FILES[0]]
    path.write_bytes(content[:-1] + b'x')
    with pytest.raises(LogsError, match='another checksum than manifest'):
        publish()
    path.write_bytes(content)
    github.add_commit({DAY_FILES[1]: b'by another'})
    assert publish().files == [DAY_FILES[1]]


def test_a_file_that_was_made_again_is_read_even_if_nothing_but_the_manifest_shows_it(publish, directory, read):
    publish()
    read.clear()
    path = directory.path / 'published' / 'manifest.json'
    manifest = json.loads(path.read_text())
    manifest['days']['2026-11-01']['files'][DAY_FILES[0]]['sha256'] = '0' * 64
    path.write_text(json.dumps(manifest))
    with pytest.raises(LogsError, match='another checksum than manifest'):
        publish()
    assert read == [DAY_FILES[0]]


def test_each_day_adds_one_commit_and_missed_days_are_in_one(github, publish, ingest, directory):
    publish()
    ingest(*lines('02/Nov/2026'), name='2', raw_logs=None)
    publish()
    ingest(*lines('03/Nov/2026'), *lines('04/Nov/2026'), *lines('06/Nov/2026'), name='3', raw_logs=None)
    publish()
    assert github.history()[:3] == ['Add 3 days, 2026-11-03 to 2026-11-06', 'Add 2026-11-02', 'Add 2026-11-01']
    assert published(directory).items() <= github.files().items()


def test_a_day_that_has_not_ended_waits(github, publish, ingest):
    today = datetime.now(timezone.utc)
    ingest(*lines(f'{today:%d/%b/%Y}'), name='2', raw_logs=None)
    publish()
    assert {name for name in github.files() if name.startswith('20')} == {*DAY_FILES}
    assert list(json.loads(github.files()['manifest.json'])['days']) == ['2026-11-01']
    assert f'{today:%Y-%m-%d}' not in github.asset('dashboard.json').decode()


def test_many_days_are_committed_in_parts_and_the_manifest_last(github, publish, ingest, monkeypatch):
    monkeypatch.setattr('slicer_package_manager.logs.publication.small_files._BATCH', 4)
    ingest(*(one for day in range(2, 6) for one in lines(f'0{day}/Nov/2026')), name='2', raw_logs=None)
    github.fail('PATCH', 'refs', 400, skip=2)
    with pytest.raises(LogsError, match='status 400'):
        publish()
    assert len(github.history()) == 3
    assert 'manifest.json' not in github.files()
    blobs = len(github.asked('POST', 'blobs'))
    publish()
    assert len(github.asked('POST', 'blobs')) == blobs + 4  # two of the last part, the manifest and the report
    assert len(json.loads(github.files()['manifest.json'])['days']) == 5


def test_another_commit_meanwhile_is_kept(github, publish):
    def update(self, request, branch):
        github.routes = fake_github.ROUTES
        github.add_commit({'notes.txt': b'ours'})
        return github.update_ref(request, branch)
    github.routes = (('PATCH', r'/git/refs/heads/(.+)', update), *fake_github.ROUTES)
    publish()
    assert github.files()['notes.txt'] == b'ours'
    assert github.history() == ['Add 2026-11-01', 'By another', 'Describe the statistics']
    assert len(github.asked('POST', 'blobs')) == 4


def test_a_branch_that_always_moves_is_given_up(github, publish):
    github.fail('PATCH', 'refs', 422, 'Update is not a fast forward', times=9)
    with pytest.raises(LogsError, match='gets other commits all the time'):
        publish()
    assert len(github.asked('PATCH')) == 5


def test_a_rule_of_the_repository_is_reported(github, publish):
    github.fail('PATCH', 'refs', 422, 'Changes must be made through a pull request', times=9)
    with pytest.raises(LogsError, match='through a pull request'):
        publish()
    assert len(github.asked('PATCH')) == 1


def test_another_process_may_make_the_first_commit(github, publish):
    github.fail('PUT', 'contents', 409, 'is at another commit', after=True)
    publish()
    assert github.history() == ['Add 2026-11-01', 'Describe the statistics']


@pytest.mark.parametrize('lost', [('POST', 'blobs'), ('POST', 'git/trees'), ('POST', 'git/commits'), ('PATCH', 'refs'),
                                  ('POST', 'releases$'), ('POST', 'assets')])
@pytest.mark.parametrize('after', [False, True])
def test_a_bad_gateway_is_tried_again(github, publish, directory, pauses, lost, after):
    github.fail(*lost, 502, after=after)
    publish()
    assert pauses == [2]
    assert published(directory).items() <= github.files().items()
    assert len(github.history()) == 2
    assert github.names() == ['dashboard.json']


def test_days_that_only_the_repository_has_stay(github, publish, directory, ingest):
    publish()
    before = github.files()
    directory.path = directory.path.parent / 'new'
    ingest(*lines('02/Nov/2026'), name='2', raw_logs=None)
    publish()
    assert list(json.loads(github.files()['manifest.json'])['days']) == ['2026-11-01', '2026-11-02']
    assert {name: before[name] for name in DAY_FILES}.items() <= github.files().items()
    assert publish().files == []


def test_a_manifest_of_something_else_is_not_replaced(github, publish):
    github.add_commit({'manifest.json': b'{"name": "a web application"}'})
    with pytest.raises(LogsError, match='not that of statistics'):
        publish()
    assert github.asked('POST') == []


def test_daily_files_with_rare_combinations_are_not_published(github, publish, ingest):
    ingest(line(time='02/Nov/2026:10:00:00 +0000'), name='2', threshold=1, raw_logs=None)
    with pytest.raises(LogsError, match='2 days, 2026-11-01 to 2026-11-02, show combinations that fewer than 5'):
        publish()
    assert github.requests == []
    publish(threshold=1)


def test_a_daily_file_that_was_damaged_is_not_published(github, publish, directory):
    (directory.path / 'published/2026/11/01.csv.gz').write_bytes(b'damaged')
    with pytest.raises(LogsError, match=r'01\.csv\.gz has another checksum'):
        publish()
    assert github.asked('POST', 'blobs') == []


def test_bytes_that_github_received_otherwise_are_noticed(github, publish):
    github.damage = lambda content: content[:-1]
    with pytest.raises(LogsError, match=r'GitHub has received other bytes of 2026/11/01\.csv\.gz'):
        publish()
    assert list(github.files()) == ['README.md']


def test_a_dry_run_changes_nothing(github, publish, directory):
    before = directory.everything()
    result = publish(dry=True)
    assert result.files == [*DAY_FILES, 'manifest.json', 'report.html']
    assert result.assets == ['dashboard.json']
    assert {one.method for one in github.requests} == {'GET'}
    assert directory.everything() == before


def test_nothing_published_has_an_address(github, publish):
    publish()
    for content in [*github.blobs.values(), github.asset('dashboard.json')]:
        assert not re.search(rb'198\.51\.100', content)


def test_without_statistics_of_a_past_day_nothing_is_published(publish, directory, github):
    directory.path = directory.path.parent / 'new'
    with pytest.raises(LogsError, match='There are no daily files'):
        publish()
    assert github.requests == []


def test_github_that_cannot_be_reached_is_a_matter_of_time(publish):
    with pytest.raises(LaterError, match='Run the command again later'):
        publish({'api_url': 'http://127.0.0.1:9'})
