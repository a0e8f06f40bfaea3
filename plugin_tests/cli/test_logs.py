"""The commands ``logs``, run as an operator runs them."""
import gzip
import json
import os
from datetime import datetime, timezone

import pytest

from plugin_tests import commands
from plugin_tests.conftest import upload
from plugin_tests.logs.conftest import Directory, line

pytestmark = pytest.mark.process


@pytest.fixture
def logs(tmp_path):
    return Directory(tmp_path)


def run(directory, *args):
    return commands.run('logs', *args, '--statistics-dir', directory.path, '--data-dir', directory.path / 'no-server')


def test_logs_are_read_and_what_is_left_out_is_reported(logs):
    log = logs.log(line(), line('/'), line('/'), 'torn')
    done = run(logs, 'ingest', log, '--facts', logs.facts)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        '1 files, 3 new lines: 1 are requests for packages.',
        '  2 lines left out: not the address of a package ("other address")',
        'Daily files were made for 1 days, 2026-11-01 to 2026-11-01.']
    assert f'{log}: the last line is not complete yet' in done.stderr
    assert 'Reading logs' in done.stderr
    again = run(logs, 'ingest', log)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith('1 files, 0 new lines')
    assert logs.path.stat().st_mode & 0o077 == 0


def test_a_directory_is_read_with_a_report_as_json(logs):
    logs.log(gzip.compress(line().encode()), name='access.log.1.gz')
    logs.log(line(address='203.0.113.1'))
    logs.log('no log\n', name='error.log')
    done = run(logs, 'ingest', '--dir', logs.logs, '--facts', logs.facts, '--threshold', '1', '--json')
    report = json.loads(commands.printed(done))
    assert (report['lines'], report['kept'], report['left_out'], report['days']) == (
        3, 2, {'damaged': 1}, ['2026-11-01'])
    assert [one['problem'] for one in report['files']] == ['', '', 'it is no access log: no line is in a known format']
    assert logs.counts() == {'Slicer': 2}
    some = run(logs, 'ingest', '--dir', logs.logs, '--match', '*access*', '--json')
    assert len(json.loads(commands.printed(some))['files']) == 2


def test_a_dry_run_writes_nothing(logs):
    done = run(logs, 'ingest', logs.log(line()), '--dry-run')
    assert done.returncode == 0, done.stderr
    assert done.stdout == '1 files, 1 new lines: 1 are requests for packages.\n'
    assert not logs.path.exists()


def test_what_cannot_be_done_has_an_exit_code_and_a_reason(logs):
    log = logs.log(line())
    assert run(logs, 'ingest').returncode == 2
    assert run(logs, 'ingest', '--dir', logs.path / 'missing').returncode == 2
    for args, code, reason in (
            ((log,), 1, 'There are no facts about the files that the logs name.'),
            ((log, '--facts', log), 1, 'has no facts of files'),
            ((log, '--facts', logs.facts, '--countries', log), 1, 'The database of countries'),
            ((logs.logs / 'missing', log, '--facts', logs.facts), 3, 'missing: No such file or directory'),
            ((logs.log('x\n', name='other'), '--facts', logs.facts), 3, 'it is no access log')):
        done = run(logs, 'ingest', *args)
        assert done.returncode == code, (done.stdout, done.stderr)
        assert reason in done.stderr
        assert 'Traceback' not in done.stderr


def test_what_a_directory_has_that_cannot_be_read_is_named_and_changes_the_exit_code(logs):
    logs.log(line())
    logs.log('no log\n', name='error.log')
    assert run(logs, 'ingest', '--dir', logs.logs, '--facts', logs.facts).returncode == 0
    (logs.logs / 'access.log.1').symlink_to(logs.path / 'missing')
    os.mkfifo(logs.logs / 'pipe')
    done = run(logs, 'ingest', '--dir', logs.logs)
    assert done.returncode == 3
    assert f'{logs.logs}/access.log.1: it is a link to a file that does not exist' in done.stderr
    assert f'{logs.logs}/pipe: it is a pipe' in done.stderr
    nothing = run(logs, 'ingest', '--dir', logs.logs, '--match', 'acess*')
    assert nothing.returncode == 3
    assert f'No file below {logs.logs} has a name that matches acess*.' in nothing.stderr
    assert run(logs, 'ingest', '--dir', logs.logs, '--match', '').returncode == 2


@pytest.mark.database
def test_facts_come_from_the_server_or_from_a_file_that_it_exports(logs, mongo_uri, make, api):
    item = make('package', content=b'one')
    upload(api, item['_id'], b'second')
    make('extension', content=b'other')
    exported = logs.path.parent / 'facts.jsonl.gz'
    done = commands.run('logs', 'facts', '-o', exported, '--database', mongo_uri)
    assert (done.returncode, done.stdout) == (0, ''), done.stderr
    facts = [json.loads(one) for one in gzip.decompress(exported.read_bytes()).splitlines()]
    assert sorted(one['size'] for one in facts) == [3, 5, 6]
    assert exported.stat().st_mode & 0o077 == 0
    target = f'/api/v1/item/{item["_id"]}/download'
    log = logs.log(line(target, size=6, time='01/Jan/2026:00:00:00 +0000'))
    for args in (('--facts', exported), ('--database', mongo_uri)):
        done = run(logs, 'ingest', log, *args, '--threshold', '1')
        assert done.returncode == 0, done.stderr
        assert logs.counts('2026/01/01', by=('kind', 'baseName', 'revision')) == {('package', 'Slicer', '33000'): 1}


def test_a_missing_package_is_named(logs, monkeypatch, tmp_path):
    (tmp_path / 'duckdb.py').write_text('raise ModuleNotFoundError("No module named \'duckdb\'", name="duckdb")')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    done = run(logs, 'ingest', logs.log(line()), '--facts', logs.facts)
    assert done.returncode == 1
    assert 'require the package duckdb. Install the extra "logs"' in done.stderr


@pytest.mark.database
def test_the_counts_of_the_server_are_compared_with_the_logs(logs, mongo_uri, make, api, anonymous, app):
    item = make('package', content=b'one')
    for _ in range(3):
        assert anonymous.get(f'/item/{item["_id"]}/download').content == b'one'
    day = f'{datetime.now(timezone.utc):%d/%b/%Y}'
    lines = [line(f'/api/v1/item/{item["_id"]}/download', size=3, time=f'{day}:00:00:{number:02} +0000')
             for number in range(3)]
    assert run(logs, 'ingest', logs.log(*lines), '--database', mongo_uri).returncode == 0
    done = run(logs, 'check', '--database', mongo_uri)
    assert commands.last_line(done) == '1 days: server 3, logs 3, of them 0 by robots (+0.000 %).'

    counts = logs.path.parent / 'counts.csv'
    counts.write_bytes(api.get(f'/app/{app["_id"]}/downloadstats', params={
        'granularity': 'day', 'format': 'csv', 'limit': 0}).content.replace(b',3\r\n', b',4\r\n'))
    different = run(logs, 'check', '--counts', counts)
    assert different.returncode == 1
    assert ('package Slicer linux amd64 33000: server 4, logs 3: no request in the logs of "default" in the hours '
            '01') in different.stdout
    (package,) = json.loads(commands.printed(run(logs, 'check', '--counts', counts, '--json'), 1))['packages']
    assert (package['baseName'], package['server'], package['logs'], package['difference']) == ('Slicer', 4, 3, -1)
    assert run(logs, 'check', '--counts', counts, '--tolerance', '30').returncode == 0


def test_what_cannot_be_compared_has_exit_code_2_and_a_reason(logs):
    counts = logs.log('period,count,kind,baseName,os,arch,revision\n', name='counts.csv')
    done = run(logs, 'check', '--counts', counts)
    assert (done.returncode, done.stdout) == (2, '')
    assert 'There are no daily files in' in done.stderr
    assert run(logs, 'check').returncode == 2


def asked(client, app, **params):
    """The downloads by country that the server shows."""
    rows = client.get(f'/app/{app["_id"]}/downloadstats', params={'columns': 'country', **params})
    return [(one['period'], one['country'], one['count']) for one in rows.raise_for_status().json()]


@pytest.fixture
def item(make):
    return make('package', content=b'one')


@pytest.mark.database
def test_statistics_with_the_facts_of_the_server_are_loaded_into_it(logs, mongo_uri, item, anonymous, app, db):
    target = f'/api/v1/item/{item["_id"]}/download'
    log = logs.log(line(target, size=3), line(target, size=3, time='02/Nov/2026:00:00:00 +0000'))
    done = run(logs, 'ingest', log, '--database', mongo_uri, '--threshold', '1')
    assert commands.last_line(done) == '2 days with 2 rows were loaded into the server; it had 0 others.'
    assert asked(anonymous, app) == [('2026-11-01', 'unknown', 1), ('2026-11-02', 'unknown', 1)]
    log = logs.log(log.read_bytes(), line(target, size=3), name='grown.log')
    done = run(logs, 'ingest', log, '--database', mongo_uri, '--threshold', '1')
    assert commands.last_line(done) == '1 days with 1 rows were loaded into the server; it had 1 others.'
    assert asked(anonymous, app) == [('2026-11-01', 'unknown', 2), ('2026-11-02', 'unknown', 1)]
    db['slicer_package_logged_day'].delete_one({'_id': '2026-11-02'})  # as if a run was killed before it loaded the day
    done = run(logs, 'ingest', log, '--database', mongo_uri, '--threshold', '1')
    assert commands.last_line(done) == '1 days with 1 rows were loaded into the server; it had 1 others.'
    assert asked(anonymous, app) == [('2026-11-01', 'unknown', 2), ('2026-11-02', 'unknown', 1)]


@pytest.mark.database
def test_statistics_that_were_made_elsewhere_are_loaded(logs, mongo_uri, item, anonymous, app, monkeypatch, tmp_path):
    assert commands.run('logs', 'facts', '-o', logs.facts, '--database', mongo_uri).returncode == 0
    log = logs.log(line(f'/api/v1/item/{item["_id"]}/download', size=3))
    assert run(logs, 'ingest', log, '--facts', logs.facts, '--threshold', '1').returncode == 0
    assert anonymous.get(f'/app/{app["_id"]}/downloadstats', params={'country': 'DE'}).status_code == 404

    (tmp_path / 'duckdb.py').write_text('raise ModuleNotFoundError("No module named \'duckdb\'", name="duckdb")')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    done = run(logs, 'load', '--database', mongo_uri)
    assert (done.returncode, done.stdout) == (
        0, '1 days with 1 rows were loaded into the server; it had 0 others.\n'), done.stderr
    assert asked(anonymous, app) == [('2026-11-01', 'unknown', 1)]
    assert commands.printed(run(logs, 'load', '--database', mongo_uri)) == (
        '0 days with 0 rows were loaded into the server; it had 1 others.\n')


@pytest.mark.database
def test_loaded_days_are_removed(logs, mongo_uri, item, anonymous, app):
    target = f'/api/v1/item/{item["_id"]}/download'
    log = logs.log(*(line(target, size=3, time=f'0{day}/Nov/2026:00:00:00 +0000') for day in (1, 2, 3)))
    assert run(logs, 'ingest', log, '--database', mongo_uri, '--threshold', '1').returncode == 0
    done = run(logs, 'unload', '--from', '2026-11-02', '--to', '2026-11-02', '--database', mongo_uri)
    assert (done.returncode, done.stdout) == (
        0, '1 days were removed from the server, 2026-11-02 to 2026-11-02.\n'), done.stderr
    assert f'1 of them are still in {logs.path / "published"}' in done.stderr
    assert [day for day, _, _ in asked(anonymous, app)] == ['2026-11-01', '2026-11-03']
    assert asked(anonymous, app, granularity='month') == [('2026-11', 'unknown', 2)]

    for args in (('--to', '2026-10-31'), ('--from', '2026-11-02', '--to', '2026-11-02')):
        done = run(logs, 'unload', *args, '--database', mongo_uri)
        assert (done.returncode, done.stdout) == (1, '')
        assert 'It has 2 days, 2026-11-01 to 2026-11-03.' in done.stderr
    assert commands.printed(run(logs, 'load', '--database', mongo_uri)).startswith('1 days with 1 rows')
    other = (logs.path.parent / 'none', '--database', mongo_uri)
    assert commands.run('logs', 'unload', '--from', '2026-11-03', '--statistics-dir', *other).stderr.count('still') == 0
    assert asked(anonymous, app, granularity='month') == [('2026-11', 'unknown', 2)]
    assert commands.run('logs', 'unload', '--all', '--statistics-dir', *other).returncode == 0
    done = commands.run('logs', 'unload', '--all', '--statistics-dir', *other)
    assert 'No days were loaded into it.' in done.stderr


@pytest.mark.parametrize('args', [(), ('--all', '--from', '2026-11-01'), ('--from', 'x')])
def test_the_days_to_remove_are_named(logs, args):
    done = run(logs, 'unload', *args)
    assert (done.returncode, done.stdout) == (2, '')


def test_what_cannot_be_loaded_has_a_reason(logs):
    done = run(logs, 'load')
    assert (done.returncode, done.stdout) == (1, '')
    assert 'There are no daily files in' in done.stderr


@pytest.mark.database
def test_a_daily_file_that_was_changed_is_not_loaded(logs, mongo_uri, item, anonymous, app):
    assert run(logs, 'ingest', logs.log(line()), '--facts', logs.facts).returncode == 0
    (path,) = logs.path.glob('published/2026/11/*.csv.gz')
    path.write_bytes(gzip.compress(b'day\n'))
    done = run(logs, 'load', '--database', mongo_uri)
    assert done.returncode == 1
    assert f'{path} is not what the manifest states' in done.stderr
    assert anonymous.get(f'/app/{app["_id"]}/downloadstats', params={'country': 'DE'}).status_code == 404


@pytest.mark.database
def test_who_has_a_file(logs, mongo_uri, item, api):
    target = f'/api/v1/item/{item["_id"]}/download'
    log = logs.log(line(target, size=3), line(target, size=3, address='203.0.113.1'))
    assert run(logs, 'ingest', log, '--database', mongo_uri, '--threshold', '1').returncode == 0
    checksum = api.get(f'/item/{item["_id"]}').json()['meta']['sha512']
    upload(api, item['_id'], b'better')
    api.delete(f'/item/{item["_id"]}').raise_for_status()
    done = commands.run('logs', 'who', checksum, '--database', mongo_uri)
    text = commands.printed(done).splitlines()
    assert text[0].startswith('file.tar.gz: package Slicer linux amd64 33000, published ')
    assert ', replaced or deleted ' in text[0]
    assert text[1] == '2 downloads, and 0 by robots, in the logs of 1 days, 2026-11-01 to 2026-11-01.'
    assert [one.split() for one in text[2:]] == [
        [], ['Day', 'Downloads', 'Clients'], ['2026-11-01', '2', '2'],
        [], ['Country', 'Downloads', 'Clients'], ['unknown', '2', '2'],
        [], ['System', 'Downloads', 'Clients'], ['linux', '2', '2']]
    found = json.loads(commands.printed(commands.run('logs', 'who', checksum, '--database', mongo_uri, '--json')))
    assert (found['requests'], found['rows']) == (2, [
        {'day': '2026-11-01', 'country': 'unknown', 'client_os': 'linux', 'requests': 2, 'clients': 2}])
    for wrong, reason in (('x', 'is no checksum'), ('0' * 128, 'was ever published')):
        done = commands.run('logs', 'who', wrong, '--database', mongo_uri)
        assert (done.returncode, done.stdout) == (1, '')
        assert reason in done.stderr
