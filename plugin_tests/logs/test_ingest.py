"""Each line of a log counts once, however often and in whichever files it arrives."""
import bz2
import errno
import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
import zstandard

from plugin_tests.commands import environment
from plugin_tests.logs.conftest import BROWSER, ITEM, OTHER_ITEM, Directory, line
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.logs.ingest import Ingest, files_below

LINES = [line(address=f'198.51.100.{number % 50}',
              time=f'{1 + number % 3:02}/Nov/2026:10:{number // 60 % 60:02}:00 +0000',
              target=f'/api/v1/item/{(ITEM, OTHER_ITEM)[number % 2]}/download') for number in range(400)]
#: Requests of a client in one second: the log has equal lines.
EQUAL = [line(address='203.0.113.9')] * 5
ALL = LINES[:200] + EQUAL + LINES[200:]


@pytest.fixture
def expected(tmp_path):
    """What is published of all lines in one log."""
    (tmp_path / 'expected').mkdir()
    whole = Directory(tmp_path / 'expected')
    whole.ingest(whole.log(*ALL))
    return whole.published()


def test_a_log_is_counted(directory):
    (report,) = directory.ingest(directory.log(*ALL, line('/'), 'torn\n'))
    assert report.lines == {'': 405, 'other address': 1, 'damaged': 1}
    numbers = Counter()
    for day in ('01', '02', '03'):
        numbers.update(directory.counts(f'2026/11/{day}'))
    assert numbers == {'Slicer': 205, 'SlicerIGT': 200}


@pytest.mark.parametrize('again', [1, 3])
def test_a_log_that_is_read_again_changes_nothing(directory, expected, again):
    path = directory.log(*ALL)
    for _ in range(again + 1):
        report = directory.ingest(path)[0]
    assert (report.lines.total(), report.known) == (0, path.stat().st_size)
    assert directory.published() == expected


def test_the_same_log_in_another_form_is_known(directory, expected):
    text = ''.join(ALL).encode()
    directory.ingest(directory.log(text))
    paths = [directory.log(way(text), name=str(number))
             for number, way in enumerate((gzip.compress, bz2.compress, zstandard.compress))]
    assert [report.lines.total() for report in directory.ingest(*paths)] == [0, 0, 0]
    assert directory.published() == expected


def test_a_growing_log_is_continued(directory, expected):
    for end in (1, 150, 202, 203, 300, 405):  # also between equal lines
        report = directory.ingest(directory.log(*ALL[:end]))[0]
        if end > 1:
            assert report.known > 0
    assert report.lines.total() == 105
    assert directory.published() == expected


def test_a_growing_log_that_is_rotated_and_compressed_is_continued(directory, expected):
    directory.ingest(directory.log(*ALL[:202]))
    directory.ingest(directory.log(gzip.compress(''.join(ALL).encode()), name='access.log.1.gz'))
    assert directory.published() == expected


def test_overlapping_logs_in_any_order_have_the_same_result(directory, expected):
    parts = [ALL[:180], ALL[100:300], ALL[203:350], ALL[250:], ALL[:300]]
    paths = [directory.log(*part, name=f'{number}.log') for number, part in enumerate(parts)]
    random.Random(1).shuffle(paths)
    for path in paths[:2]:
        directory.ingest(path)
    directory.ingest(*paths[1:])
    # The five equal lines are in one of the logs.
    assert directory.published() == expected


def test_equal_lines_count_as_often_as_in_the_log_that_has_most(directory):
    directory.ingest(directory.log(*EQUAL[:2], name='a'), directory.log(*EQUAL[:3], name='b'))
    directory.ingest(directory.log(LINES[0], *EQUAL[:1], name='c'))
    assert directory.counts()['Slicer'] == 4


def test_sources_are_apart(directory):
    directory.ingest(directory.log(*EQUAL[:2]), source='one')
    directory.ingest(directory.log(*EQUAL[:3]), source='other')
    assert directory.counts() == {'Slicer': 5}


def test_a_copy_that_is_older_than_what_was_read_changes_nothing(directory, expected):
    directory.ingest(directory.log(*ALL[:100]))
    directory.ingest(directory.log(*ALL))
    directory.ingest(directory.log(*ALL[:50], name='copy'), directory.log(*ALL[:100], name='copy2'),
                     directory.log(*ALL[:205], name='copy3'))
    assert directory.published() == expected


def test_two_logs_with_the_same_beginning_are_apart(directory, expected):
    directory.ingest(directory.log(*ALL[:100]))
    directory.ingest(directory.log(*ALL[:250], name='one'), directory.log(*ALL[:100], *ALL[203:], name='other'))
    directory.ingest(directory.log(*ALL[200:260], name='more'))
    assert directory.published() == expected


#: A line in which quotes are at each place where one can be torn off.
RANGED = line(address='203.0.113.9', status=206, agent='a \\"b\\" c', rest=' "bytes 0-999999/1000000"')
CUTS = [at for at in range(1, len(RANGED) - 1) if RANGED[at - 1] == '"' or at in (1, 30, 80, len(RANGED) - 2)]


@pytest.mark.parametrize('before', ['', RANGED], ids=['alone', 'after another'])
def test_a_torn_last_line_is_read_when_it_is_complete(directory, tmp_path, before):
    (tmp_path / 'expected').mkdir()
    whole = Directory(tmp_path / 'expected')
    whole.ingest(whole.log(before, RANGED))
    for cut in CUTS[1:]:
        (tmp_path / str(cut)).mkdir()
        torn = Directory(tmp_path / str(cut))
        (report,) = torn.ingest(torn.log(before, RANGED[:cut]))
        assert report.incomplete, RANGED[:cut]
        torn.ingest(torn.log(before, RANGED))
        assert torn.published() == whole.published(), RANGED[:cut]


def test_a_last_line_without_a_line_break_counts_once(directory, expected):
    (report,) = directory.ingest(directory.log(''.join(ALL)[:-1]))
    assert not report.incomplete
    assert directory.published() == expected
    directory.ingest(directory.log(''.join(ALL)[:-1]))
    directory.ingest(directory.log(*ALL))
    assert directory.published() == expected


def test_a_last_line_without_a_line_break_counts_when_the_lines_before_it_are_known(directory, expected):
    directory.ingest(directory.log(*ALL[:-1]))
    (report,) = directory.ingest(directory.log(''.join(ALL)[:-1]))
    assert (report.incomplete, report.lines['']) == (False, 1)
    assert directory.published() == expected


def test_a_last_line_of_json_without_a_line_break_counts_if_it_is_complete(directory):
    one = json.dumps({'method': 'GET', 'path': f'/api/v1/item/{ITEM}/download', 'status': 200, 'address': '::1',
                      'time': '2026-11-01T10:00:01Z', 'nested': {'a': {}}})
    for end in (len(one) - 2, len(one) - 1):
        assert directory.ingest(directory.log(one[:end]))[0].incomplete
    for _ in range(2):
        assert not directory.ingest(directory.log(one))[0].incomplete
    directory.ingest(directory.log(one + '\n'))
    assert directory.counts() == {'Slicer': 1}


def test_what_precedes_a_line_without_end_is_known_the_next_time(directory):
    text = ''.join(LINES[:5])
    directory.ingest(directory.log(text, 'x' * 3_000_000))
    (report,) = directory.ingest(directory.log(text, 'x' * 3_000_000, '\n', LINES[5]))
    assert report.known == len(text)
    assert report.lines == {'': 1, 'damaged': 1}


def test_a_log_that_is_rotated_while_it_is_read_is_read_to_its_end(directory, monkeypatch):
    """The name belongs to another file as soon as what is known of the first one has been looked up."""
    log = directory.log(*LINES[:10])
    directory.ingest(log)
    directory.log(*LINES[:20])
    known = Ingest._known

    def rotated(self, file, head):
        found = known(self, file, head)
        log.rename(directory.logs / 'access.log.1')
        directory.log(*LINES[20:40])
        return found
    with monkeypatch.context() as patch:
        patch.setattr(Ingest, '_known', rotated)
        (report,) = directory.ingest(log)
    assert (report.known, report.lines['']) == (len(''.join(LINES[:10])), 10)
    reports = directory.ingest(log, directory.logs / 'access.log.1')
    assert [one.lines[''] for one in reports] == [20, 0]


def test_a_last_line_of_another_form_than_the_one_before_is_not_read(directory):
    extended = [one[:-1] + ' 0.01\n' for one in LINES[:4]]
    (report,) = directory.ingest(directory.log(*extended[:3], LINES[3][:-1]))
    assert (report.incomplete, report.lines['']) == (True, 3)


def test_line_breaks_of_windows_make_no_difference(directory, expected):
    directory.ingest(directory.log(*ALL[:202]))
    directory.ingest(directory.log(''.join(ALL).replace('\n', '\r\n'), name='other'))
    assert directory.published() == expected


def test_a_half_written_compressed_log_is_read_as_far_as_it_goes(directory, expected):
    packed = gzip.compress(''.join(ALL).encode())
    (report,) = directory.ingest(directory.log(packed[:len(packed) // 2]))
    assert report.problem == 'it ends in the middle'
    assert 0 < report.lines[''] < 405
    (report,) = directory.ingest(directory.log(packed))
    assert report.known > 0
    assert directory.published() == expected


def test_hostile_lines_do_no_harm(directory):
    hostile = [b'\0' * 1000 + b'\n', b'\xff\xfe\xfd\n', os.urandom(3000).replace(b'\n', b'') + b'\n',
               b'"' * 5000 + b'\n', b'{"a":' * 5000 + b'\n', b'\r\r\r\n', b'\n\n\n',
               line(agent="'; DROP TABLE staging; --").encode(),
               line(agent='\x1b[31m').encode(), line(f'/api/v1/item/{ITEM}/download?' + 'x' * 60_000).encode(),
               line(agent='\u202e').encode(), line(address='999.999.999.999').encode(), line(address='-').encode(),
               line(time='01/Nov/2999:10:00:01 +0000').encode(), line(time='01/Nov/1970:10:00:01 +0000').encode(),
               line(size='99999999999999999999').encode(), line(size='-1').encode(), b'x' * 3_000_000 + b'\n']
    (report,) = directory.ingest(directory.log(*hostile, LINES[0]))
    assert report.problem == ''
    assert report.lines['date'] == 2
    assert directory.counts()['Slicer'] >= 6
    assert '2999' not in json.dumps(directory.manifest())


def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_read(directory):
    damaged = bytearray(gzip.compress(''.join(LINES).encode()))
    damaged[200:] = b'\xff' * 500
    reports = directory.ingest(directory.logs / 'missing', directory.log(bytes(damaged), name='damaged.gz'),
                               directory.log('no log\n', name='error.log'), directory.log(LINES[0]))
    assert reports[0].problem == 'No such file or directory'
    assert reports[1].problem.startswith('it cannot be decompressed')
    assert (reports[2].problem, reports[2].is_no_log) == ('it is no access log: no line is in a known format', True)
    assert (reports[3].problem, reports[3].lines['']) == ('', 1)


def test_what_is_no_file_is_named_and_not_waited_for(directory, tmp_path):
    directory.log(LINES[0])
    (directory.logs / 'sub').mkdir()
    (directory.logs / 'sub' / 'access.log').write_text(LINES[1])
    (directory.logs / '.hidden').write_text(LINES[2])
    (directory.logs / 'nowhere').symlink_to(tmp_path / 'missing')
    (directory.logs / 'other').symlink_to(tmp_path)
    (directory.logs / 'copy').symlink_to(directory.logs / 'access.log')
    os.mkfifo(directory.logs / 'pipe')
    paths = files_below(directory.logs, '*')
    assert [path.name for path in paths] == ['access.log', 'copy', 'nowhere', 'other', 'pipe', 'access.log']
    assert files_below(directory.logs, '*access*') == [paths[0], paths[5]]
    problems = [one.problem for one in directory.ingest(*paths)]
    assert problems[:2] + problems[5:] == [''] * 3
    assert [problem.partition(',')[0].partition('.')[0] for problem in problems[2:5]] == [
        'it is a link to a file that does not exist', 'it is a directory', 'it is a pipe']


def test_what_must_not_be_read_is_named(directory, monkeypatch):
    """Root may read everything, so that the system is made to refuse."""
    log, refused = directory.log(LINES[0]), directory.logs / 'sub'
    refused.mkdir()
    (refused / 'access.log').write_text(LINES[1])
    listed = os.scandir

    def scandir(path='.'):
        if str(path) == str(refused):
            raise PermissionError(errno.EACCES, 'Permission denied', str(path))
        return listed(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, 'scandir', scandir)
        paths = files_below(directory.logs, '*access*')
        assert [one.problem for one in directory.ingest(*paths)] == ['', 'Permission denied']
    assert paths == [log, refused]


def test_a_dry_run_changes_nothing(directory):
    directory.ingest(directory.log(*LINES[:10]))
    before = directory.everything()
    (report,) = directory.ingest(directory.log(*LINES), dry=True)
    assert report.lines.total() == 390
    assert directory.everything() == before


def test_requests_that_are_no_downloads_have_a_reason(directory):
    (report,) = directory.ingest(directory.log(
        line(), line(method='HEAD'), line(method='POST'), line(status=404), line(status=304), line('/find?os=linux'),
        line('/download?os=linux', status=302), '#Fields: x\n'))
    assert report.lines == {'': 1, 'method': 2, 'status': 2, 'other address': 2, 'no request': 1}


def test_many_records_are_written_in_parts(directory, expected, monkeypatch):
    from slicer_package_manager.logs import ingest, reading
    monkeypatch.setattr(ingest, '_RECORDS', 20)
    monkeypatch.setattr(reading, '_BLOCK', 3000)
    directory.ingest(directory.log(*ALL))
    assert len(list((directory.path / 'open' / '2026-11-01').glob('*.parquet'))) > 1
    assert directory.published() == expected


def test_what_is_remembered_of_values_is_limited(directory, expected, monkeypatch):
    from slicer_package_manager.logs import engine, reading
    monkeypatch.setattr(engine, '_REMEMBERED', 0)
    monkeypatch.setattr(reading, '_BLOCK', 3000)
    directory.ingest(directory.log(*ALL))
    assert directory.published() == expected


@pytest.mark.parametrize('name', ['facts.parquet', 'open/2026-11-01/*.parquet', 'published/manifest.json',
                                  'ledger.jsonl'])
def test_a_damaged_file_of_the_statistics_is_named(directory, name):
    from slicer_package_manager.logs.errors import LogsError
    directory.ingest(directory.log(*ALL[:9]))
    (path,) = directory.path.glob(name)
    path.write_text('junk\n')
    directory.log(*ALL[:20])
    with pytest.raises(LogsError, match=re.escape(str(path))):
        directory.ingest(directory.logs / 'access.log')


def test_one_process_works_on_the_directory(directory):
    from slicer_package_manager.logs.errors import LogsError
    from slicer_package_manager.logs.statistics import locked
    with locked(directory.path), pytest.raises(LogsError, match='in use by process'), locked(directory.path):
        pass


KILLED = """
import sys
from pathlib import Path
from plugin_tests.logs.conftest import Directory
from slicer_package_manager.logs import ingest, reading
ingest._RECORDS, reading._BLOCK = 20, 3000
directory = Directory(Path(sys.argv[1]))
print('begun', flush=True)
directory.ingest(*map(Path, sys.argv[2:]))
"""


@pytest.mark.process
def test_a_process_that_is_killed_at_any_moment_changes_nothing_of_the_result(directory, expected, request):
    paths = [directory.log(*ALL[:250], name='one'), directory.log(gzip.compress(''.join(ALL).encode()), name='two.gz')]
    chosen = random.Random(1)
    kills = 0
    for _ in range(2 * request.config.getoption('--kill-rounds')):
        process = subprocess.Popen([sys.executable, '-c', KILLED, str(directory.path.parent), *map(str, paths)],
                                   env=environment(), stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(chosen.uniform(0, 1))
        process.send_signal(signal.SIGKILL)
        kills += process.wait(PATIENCE) == -signal.SIGKILL
        process.stdout.close()
    assert kills
    directory.ingest(*paths)
    assert directory.published() == expected
    assert not list(directory.path.rglob('.new-*'))


@pytest.mark.parametrize('step', range(6))
def test_an_interruption_at_each_write_changes_nothing_of_the_result(directory, expected, monkeypatch, step):
    from slicer_package_manager.logs import daily, days, ledger, manifest
    from slicer_package_manager.logs.engine import Engine

    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    def after(function):
        def work(*args, **kwargs):
            function(*args, **kwargs)
            raise Killed
        return work
    where, name, what = (
        (Engine, 'write', after(Engine.write)), (ledger.Ledger, 'commit', killed),
        (ledger.Ledger, 'commit', after(ledger.Ledger.commit)), (daily.Daily, '_write', killed),
        (manifest, 'write', killed), (days.Days, 'note_made', killed))[step]
    path = directory.log(*ALL)
    with monkeypatch.context() as patch:
        patch.setattr(where, name, what)
        with pytest.raises(Killed):
            directory.ingest(path)
    with directory.path.joinpath('ledger.jsonl').open('ab') as file:
        file.write(b'{"flush": "torn')
    directory.ingest(path)
    assert directory.published() == expected


def test_no_address_and_no_user_agent_is_stored(directory):
    directory.ingest(directory.log(*ALL, line(agent='Unusual/7.7 (someone@example.org)', address='2001:db8::4242')))
    stored = directory.everything()
    for text in ('198.51.100', '203.0.113', '2001:db8', 'Unusual', 'someone', BROWSER, 'Firefox'):
        assert text.encode() not in stored
