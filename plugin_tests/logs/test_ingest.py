"""Each line of a log counts once, however often and in whichever files it arrives."""
import bz2
import gzip
import json
import os
import random
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


@pytest.mark.parametrize('cut', [1, 30, 80, 120, len(ALL[-1]) - 2])
def test_a_torn_last_line_is_read_when_it_is_complete(directory, expected, cut):
    torn = ''.join(ALL)[:-len(ALL[-1])] + ALL[-1][:cut]
    (report,) = directory.ingest(directory.log(torn))
    assert report.incomplete
    directory.ingest(directory.log(*ALL))
    assert directory.published() == expected


def test_a_last_line_without_a_line_break_counts_once(directory, expected):
    (report,) = directory.ingest(directory.log(''.join(ALL)[:-1]))
    assert not report.incomplete
    assert directory.published() == expected
    directory.ingest(directory.log(''.join(ALL)[:-1]))
    directory.ingest(directory.log(*ALL))
    assert directory.published() == expected


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
