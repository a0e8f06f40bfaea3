"""What counts as a download in logs, and what the daily files have of it."""
import csv
import gzip
import io
import os
import time
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from plugin_tests.logs.conftest import EXTENSION, FILE, ITEM, OTHER_FILE, SIZE, Directory, fact, line
from slicer_package_manager.logs import daily

OBJECT = 'ab/cd/abcd' + 'e' * 28
ROBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'


def part(first, stop, sent=None, total=SIZE, **values):
    """A response with a part of the file, of which the log states the range."""
    return line(status=206, size=stop - first if sent is None else sent,
                rest=f' "bytes {first}-{stop - 1}/{total}"', **values)


BITSTREAM = f'/bitstream/{ITEM}'


def pieces(*sizes):
    """Responses with parts of the file, of which the log does not state the range."""
    return [line(status=206, size=size) for size in sizes]


#: Lines of a log, with the number of downloads that they are.
CASES = {
    # A response counts if it is whole.
    'whole': ([line()], 1), 'twice': ([line(), line()], 2), 'with headers': ([line(size=SIZE + 300)], 1),
    'broken off': ([line(size=SIZE - 1)], 0), 'left': ([line(status=499, size=0)], 0),
    'head': ([line(method='HEAD')], 0), 'not modified': ([line(status=304, size=0)], 0),
    'missing': ([line(status=404)], 0), 'unsatisfiable': ([line(status=416)], 0),
    'redirected': ([line(status=302, size=219)], 1), 'see other': ([line(status=303, size=0)], 1),
    'temporary redirect': ([line(status=307, size=0)], 1),
    'broken off twice': ([line(size=700_000), line(size=700_000)], 0),
    # A part counts if it reaches the end.
    'all as a part': ([part(0, SIZE)], 1), 'beginning': ([part(0, 100)], 0),
    'second half': ([part(SIZE // 2, SIZE)], 1),
    'long tail': ([part(SIZE - 65_536, SIZE)], 1), 'probe of the tail': ([part(SIZE - 65_535, SIZE)], 0),
    'broken off part': ([part(SIZE // 2, SIZE, sent=1000)], 0),
    'two parts': ([part(0, SIZE // 2), part(SIZE // 2, SIZE)], 1), 'resumed': ([line(size=1000), part(1000, SIZE)], 1),
    # Without ranges, parts count when they make up the file.
    'one piece': (pieces(SIZE), 1), 'small piece': (pieces(100), 0), 'four pieces': (pieces(*[SIZE // 4] * 4), 1),
    'three pieces': (pieces(*[SIZE // 4] * 3), 0), 'eight pieces': (pieces(*[SIZE // 4] * 8), 2),
    'one piece and a small one': (pieces(SIZE, 100), 1),
    'resumed by a piece': ([line(size=300_000), *pieces(700_100)], 1),
    'pieces of two clients': ([*pieces(SIZE // 2), line(status=206, size=SIZE // 2, address='203.0.113.1')], 0),
    # A redirect counts unless the request that follows is logged too.
    'forwarded': ([line(BITSTREAM, status=302)], 1), 'followed': ([line(BITSTREAM, status=302), line()], 1),
    'followed and broken off': ([line(BITSTREAM, status=302), line(size=10)], 0),
    'followed to a redirect': ([line(BITSTREAM, status=302), line(status=302)], 1),
    'not followed': ([line(BITSTREAM, status=302), line(address='203.0.113.1')], 2),
    'followed by two': ([line(BITSTREAM, status=302), line(), line()], 2),
    'sent at once': ([line(BITSTREAM)], 1)}


@pytest.fixture(scope='module')
def downloads(tmp_path_factory):
    """The numbers of downloads of all cases, each of which is on a day of its own."""
    directory = Directory(tmp_path_factory.mktemp('cases'))
    days = {name: date(2026, 1, 1) + timedelta(days=number) for number, name in enumerate(CASES)}
    directory.ingest(directory.log(*(one.replace('01/Nov/2026', f'{days[name]:%d/%b/%Y}')
                                     for name, (lines, _) in CASES.items() for one in lines)))
    there = directory.manifest()['days']
    return {name: directory.counts(f'{day:%Y/%m/%d}').get('Slicer', 0) if day.isoformat() in there else 0
            for name, day in days.items()}


@pytest.mark.parametrize('case', CASES)
def test_what_counts_as_a_download(downloads, case):
    assert downloads[case] == CASES[case][1]


def test_a_redirect_to_object_storage_whose_log_is_read_counts_once(directory):
    directory.use(fact(object=OBJECT))
    storage = (f'{"7" * 64} packages [01/Nov/2026:10:00:02 +0000] {{}} - 3E REST.GET.OBJECT {OBJECT} '
               f'"GET /packages/{OBJECT} HTTP/1.1" 200 - {{}} {SIZE} 70 10 "-" "curl/8.5.0" - x\n')
    directory.ingest(directory.log(*(line(status=302, agent='curl/8.5.0', address=f'198.51.100.{number}')
                                     for number in range(4))))
    assert directory.counts() == {'Slicer': 4}
    directory.ingest(directory.log(storage.format('198.51.100.0', SIZE), storage.format('198.51.100.1', 100),
                                   storage.format('198.51.100.9', SIZE), name='s3'), source='s3')
    assert directory.counts() == {'Slicer': 4}  # one broken off, one that was not redirected by the server


def test_every_address_of_a_file_stands_for_it(directory):
    directory.use(fact(aliases=['item:77', 'bitstream:1200', 'md5:' + '0c' * 16]), EXTENSION)
    targets = [f'/api/v1/item/{ITEM}/download', f'/api/v1/file/{FILE}/download', f'/bitstream/{ITEM}',
               f'/api/v1/file/hashsum/sha512/{"AB" * 64}/download', '/midas3/download?items=77', '/bitstream/1200',
               f'/midas3/api/json?method=midas.bitstream.download&checksum={"0C" * 16}',
               f'/api/v1/file/{OTHER_FILE}/download/SlicerIGT.zip']
    directory.ingest(directory.log(*(line(target, address=f'198.51.100.{number}')
                                     for number, target in enumerate(targets))))
    assert directory.counts() == {'Slicer': 7, 'SlicerIGT': 1}


def test_an_item_stands_for_the_file_that_it_had_on_that_day(directory):
    old = fact(file=OTHER_FILE, size=500, revision='old', removed='2026-11-01T12:00:00+00:00')
    directory.use(fact(created='2026-11-01T12:00:00+00:00'), old)
    directory.ingest(directory.log(line(size=500, time='31/Oct/2026:23:00:00 +0000'),
                                   line(time='02/Nov/2026:00:00:00 +0000'), line(time='01/Jan/2020:00:00:00 +0000')))
    assert directory.counts('2026/10/31', by=('revision',)) == {'old': 1}
    assert directory.counts('2026/11/02', by=('revision',)) == {'33000': 1}


def test_days_are_those_of_utc(directory):
    directory.ingest(directory.log(line(time='01/Nov/2026:23:30:00 -0100'), line(time='01/Nov/2026:00:30:00 +0100')))
    assert sorted(directory.manifest()['days']) == ['2026-10-31', '2026-11-02']


def test_a_row_has_the_facts_of_the_package_and_the_class_of_the_client(directory):
    directory.ingest(directory.log(line(), line(), line(size=10), line(address='203.0.113.1')))
    (row,) = directory.rows()
    assert row == {
        'day': '2026-11-01', 'kind': 'package', 'app': 'Slicer', 'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64',
        'revision': '33000', 'app_revision': '33000', 'version': '5.8.1', 'release': '5.8.1', 'pre_release': 'false',
        'item': ITEM, 'file': FILE, 'content': 'ab' * 8, 'country': 'unknown',
        'client': 'browser', 'client_os': 'linux', 'requests': '3',
        'clients': '2', 'incomplete': '1'}


def test_robots_are_apart(directory):
    directory.ingest(directory.log(line(), line(agent=ROBOT), line(agent=ROBOT)))
    assert directory.counts(by=('client',)) == {'browser': 1, 'robot': 2}
    day = directory.manifest()['days']['2026-11-01']
    assert (day['requests'], day['clients'], day['robots']) == (1, 1, 2)


def test_private_packages_and_unknown_files_are_not_published(directory):
    directory.use(fact(public=False), EXTENSION)
    directory.ingest(directory.log(line(), line(f'/api/v1/file/{OTHER_FILE}/download'),
                                   line('/api/v1/item/' + 'f' * 24 + '/download')))
    assert directory.counts() == {'SlicerIGT': 1}
    day = directory.manifest()['days']['2026-11-01']
    assert (day['requests'], day['private'], day['unknown']) == (1, 1, 1)
    assert not any(b'5.8.1' in one for one in directory.published().values())


def test_a_rare_combination_is_not_published(directory):
    rare = line(address='203.0.113.1', agent='curl/8.5.0')
    directory.ingest(directory.log(*(line(address=f'198.51.100.{number}') for number in range(5)), rare), threshold=5)
    assert directory.counts(by=('country', 'client', 'client_os')) == {
        ('unknown', 'browser', 'linux'): 5, ('other', 'other', 'other'): 1}


def test_rows_state_which_content_of_a_file_was_downloaded(directory):
    old, new = 'ab' * 64, 'cd' * 64
    directory.use(fact(sha512=old, removed='2026-11-01T12:00:00+00:00'),
                  fact(sha512=new, created='2026-11-01T12:00:00+00:00'), EXTENSION)
    by_checksum = f'/api/v1/file/hashsum/sha512/{old.upper()}/download'
    directory.ingest(directory.log(line(), line(by_checksum), line(by_checksum, address='203.0.113.1')))
    assert directory.counts(by=('file', 'content')) == {(FILE, 'ab' * 8): 2, (FILE, 'cd' * 8): 1}
    directory.use(fact(sha512=''), EXTENSION)
    later = '02/Nov/2026:10:00:01 +0000'
    directory.ingest(directory.log(line(f'/api/v1/file/{OTHER_FILE}/download', time=later), name='later.log'))
    assert directory.counts('2026/11/02', by=('content',)) == {'cd' * 8: 1}


def test_both_files_of_a_day_have_the_same_rows_and_the_manifest_has_their_checksums(directory):
    import hashlib
    directory.ingest(directory.log(line(), line(f'/api/v1/file/{OTHER_FILE}/download')))
    files = directory.published()
    with duckdb.connect(':memory:') as database:
        rows = database.execute('SELECT * FROM read_parquet($1)',
                                [str(directory.path / 'published/2026/11/01.parquet')]).fetchall()
    text = gzip.decompress(files['2026/11/01.csv.gz']).decode()
    in_csv = list(csv.reader(io.StringIO(text)))
    assert tuple(in_csv[0]) == daily.COLUMNS
    shown = [['' if value is None else str(value).lower() if isinstance(value, bool) else str(value) for value in row]
             for row in rows]
    assert in_csv[1:] == shown
    assert directory.manifest()['days']['2026-11-01']['files'] == {
        name: {'sha256': hashlib.sha256(content).hexdigest(), 'size': len(content)}
        for name, content in files.items() if name.startswith('2026')}


def test_the_manifest_has_totals_and_hours(directory):
    directory.ingest(directory.log(line(), line('/', time='01/Nov/2026:23:10:00 +0000')))
    manifest = directory.manifest()
    assert (manifest['definitions'], manifest['totals']['requests']) == (1, 1)
    day = manifest['days']['2026-11-01']
    assert day['hours'] == {'default': '000000000010000000000001'}
    assert day['final'] is False


def test_new_facts_change_open_days(directory):
    directory.use(EXTENSION)
    directory.ingest(directory.log(line()))
    assert directory.rows() == []
    directory.use(fact())
    directory.ingest()
    assert directory.counts() == {'Slicer': 1}
    directory.use(EXTENSION)  # facts that were known are kept
    directory.ingest()
    assert directory.counts() == {'Slicer': 1}


def aged(directory, days):
    """Let the last records of all days be so many days old."""
    for path in directory.path.rglob('open/*/*.parquet'):
        moment = time.time() - days * 86_400
        os.utime(path, (moment, moment))


def test_a_day_is_sealed_when_it_is_due(directory):
    path = directory.log(line())
    directory.ingest(path)
    published = directory.published()
    salt = (directory.path / 'open/2026-11-01/salt').read_text()
    aged(directory, 1.9)
    directory.ingest(path)
    assert (directory.path / 'open/2026-11-01').is_dir()
    aged(directory, 2.1)
    directory.ingest(path)
    assert list((directory.path / 'open').iterdir()) == []
    assert salt.encode() not in directory.everything()
    assert directory.manifest()['days']['2026-11-01']['final'] is True
    (report,) = directory.ingest(directory.log(line(), line()))
    assert report.lines == {'sealed day': 1}
    assert {name: content for name, content in directory.published().items() if name != 'manifest.json'} == {
        name: content for name, content in published.items() if name != 'manifest.json'}


def test_a_day_that_has_not_ended_stays_open(directory):
    today = datetime.now(timezone.utc)
    directory.ingest(directory.log(line(time=f'{today - timedelta(days=1):%d/%b/%Y}:00:00:00 +0000')))
    aged(directory, 9)
    directory.ingest(open_days=1)
    assert len(list((directory.path / 'open').iterdir())) == 1


def test_a_process_that_is_killed_while_it_seals_leaves_nothing(directory, monkeypatch):
    from slicer_package_manager.logs.days import Days

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed
    directory.ingest(directory.log(line()))
    aged(directory, 3)
    with monkeypatch.context() as patch:
        patch.setattr(Days, '_forget', killed)
        with pytest.raises(Killed):
            directory.ingest()
    assert date(2026, 11, 1).isoformat() in (directory.path / 'ledger.jsonl').read_text()
    directory.ingest()
    assert list((directory.path / 'open').iterdir()) == []
    assert directory.counts() == {'Slicer': 1}


def test_the_documented_query_computes_the_totals_of_the_manifest(directory, monkeypatch):
    page = (Path(__file__).parents[2] / 'docs' / 'reference' / 'statistics-files.md').read_text(encoding='utf-8')
    query = page.partition('```sql\n')[2].partition('```')[0]
    assert len(query.splitlines()) <= 10
    directory.ingest(directory.log(line(), line(size=9), line(agent=ROBOT), line(time='02/Dec/2025:01:00:00 +0000'),
                                   line(f'/api/v1/file/{OTHER_FILE}/download')))
    monkeypatch.chdir(directory.path)
    _, months, packages = query.split(';\n')[:3]
    with duckdb.connect(':memory:') as database:
        database.execute(query.split(';\n')[0])
        found = database.execute(months).fetchall()
        assert database.execute(packages).fetchall() == [
            ('package', 'Slicer', 'linux', 2), ('extension', 'SlicerIGT', 'linux', 1)]
    assert [month for month, *_ in found] == ['2025-12', '2026-11']
    totals = directory.manifest()['totals']
    assert [sum(row[column] or 0 for row in found) for column in (1, 2, 3)] == [
        totals['requests'], totals['robots'], totals['incomplete']] == [3, 1, 1]
