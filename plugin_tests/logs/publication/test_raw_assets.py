"""Raw logs in releases, and their retention."""
import gzip
import os
import re
from datetime import datetime, timedelta, timezone

import duckdb
import pytest

from plugin_tests.logs import fake_github
from plugin_tests.logs.conftest import BROWSER, ITEM, OTHER_FILE, fact, line
from plugin_tests.logs.publication.conftest import HOSTS, lines
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.rules.raw_lines import Kind

NAME = '2026-11-01-default.log.gz'
ADDRESS = re.compile(r'\d+\.\d+\.\d+\.\d+')


def shown(github, name=NAME):
    return gzip.decompress(github.asset(name)).decode().splitlines()


def raw_days(directory, kind='pseudonyms'):
    return sorted(path.name for path in (directory.path / 'raw' / kind).glob('*'))


def test_a_log_has_pseudonyms_and_countries_in_place_of_addresses(github, publish, ingest):
    ingest(*lines(), *lines(method='HEAD', size=0))
    assert publish().assets == ['dashboard.json', NAME]
    found = shown(github)
    assert len(found) == 12
    whole = re.compile(r'([0-9a-f]{16}) - DE \[01/Nov/2026:10:00:0\d \+0000\] "(GET|HEAD) '
                       rf'/api/v1/item/{ITEM}/download HTTP/1.1" 200 \d+ "-" "{re.escape(BROWSER)}"')
    matches = [whole.fullmatch(one) for one in found]
    assert len({one[1] for one in matches}) == len(HOSTS)
    assert found == sorted(found, key=lambda one: one.partition('[')[2])
    assert list(github.releases) == ['dashboard', 'raw-logs-2026-11']


def test_a_pseudonym_is_of_one_day_and_of_all_sources(github, publish, ingest):
    ingest(*lines(), *lines('02/Nov/2026'))
    ingest(*lines(), name='other', source='mirror/2')
    publish()
    people = [{one.split()[0] for one in shown(github, name)} for name in github.names() if name != 'dashboard.json']
    first, mirror, second = people
    assert first == mirror
    assert not first & second
    assert re.fullmatch(r'2026-11-01-mirror_2-[0-9a-f]{8}\.log\.gz', github.names()[1])


def test_what_few_clients_share_is_not_shown(github, publish, ingest):
    rare = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0 Rare'
    ingest(*lines(), *lines(hosts=['203.0.113.1']), *lines(hosts=['198.51.100.9'], agent=rare),
           *lines(hosts=['198.51.100.10'], agent='SecretTool/1.0'))
    publish()
    text = '\n'.join(shown(github))
    assert 'MT' not in text
    assert 'Rare' not in text
    assert '"browser; linux"' in text
    assert 'SecretTool' not in text
    assert '"other; other"' in text


def test_other_requests_and_what_could_name_a_person_are_left_out(github, publish, ingest):
    ingest(*lines(), *lines('01/Nov/2026', target='/api/v1/user/me'),
           *lines(target='/api/v1/app/5f44/extension?os=linux&app_revision=33000&token=SECRET&q=Jane'),
           *lines(target='/api/v1/app/5f44/package', method='POST'),
           line('/find?os=198.51.100.99', rest=' "203.0.113.9, 198.51.100.1"'))
    publish()
    found = shown(github)
    assert len(found) == 13
    assert '"GET /api/v1/app/5f44/extension?os=linux&app_revision=33000 HTTP/1.1"' in '\n'.join(found)
    assert not [one for one in found if ADDRESS.search(one)]


def test_private_packages_are_left_out(github, publish, ingest, directory):
    directory.use(fact(public=False), fact(file=OTHER_FILE, item='64b000000000000000000002', sha512='cd' * 64))
    ingest(*lines(), *lines(target=f'/api/v1/file/{OTHER_FILE}/download'))
    publish()
    assert len(shown(github)) == 6
    assert ITEM not in '\n'.join(shown(github))


def test_raw_logs_count_each_line_once(github, publish, ingest):
    ingest(*lines())
    ingest(*lines(), *lines(hosts=['198.51.100.77']), name='grown')
    ingest(*lines(), name='copied')
    publish()
    assert len(shown(github)) == 7


def test_raw_logs_that_are_read_again_give_the_same_daily_file(github, publish, ingest, directory, tmp_path):
    part = ' "bytes 500000-999999/1000000"'
    ingest(*lines(), *lines(size=10), *lines(status=206, size=500_000, rest=part), *lines(target=f'/bitstream/{ITEM}'))
    publish()
    wanted = directory.counts(by=('baseName', 'client', 'incomplete'))
    directory.path = tmp_path / 'again'
    ingest(gzip.decompress(github.asset(NAME)), name='raw', raw_logs=None)
    assert directory.counts(by=('baseName', 'client', 'incomplete')) == wanted == {('Slicer', 'browser', '6'): 18}


def test_a_log_that_has_grown_is_replaced(github, publish, ingest):
    ingest(*lines())
    publish()
    before = github.asset(NAME)
    assert publish().assets == []
    ingest(*lines(hosts=['198.51.100.77']), name='late')
    assert publish().assets == ['dashboard.json', NAME]
    assert len(shown(github)) == 7
    assert gzip.decompress(github.asset(NAME)) != gzip.decompress(before)


def test_a_log_that_was_changed_there_is_replaced(github, publish, ingest):
    ingest(*lines())
    publish()
    (asset,) = [one for one in github.assets.values() if one['name'] == NAME]
    asset['content'] = b'x' * len(asset['content'])
    assert publish().assets == [NAME]
    assert len(shown(github)) == 6
    github.digests = False  # then the size is compared
    assert publish().assets == []


def test_an_upload_that_broke_off_is_replaced(github, publish, ingest):
    ingest(*lines())
    github.add_release('raw-logs-2026-11')
    github.add_asset('raw-logs-2026-11', NAME, b'half', state='starter')
    publish()
    assert len(shown(github)) == 6


def test_a_release_that_appears_meanwhile_is_used(github, publish, ingest):
    ingest(*lines())
    github.fail('POST', 'releases$', 422, 'already_exists', skip=1, after=True)
    publish()
    assert len(shown(github)) == 6


def test_an_asset_that_appears_meanwhile_is_compared(github, publish, ingest, pauses):
    def hidden(*_):
        github.routes = fake_github.ROUTES
        return fake_github.answer([])
    ingest(*lines())
    publish()
    github.routes = (('GET', rf'/releases/{github.releases["raw-logs-2026-11"]["id"]}/assets', hidden),
                     *fake_github.ROUTES)
    assert publish().assets == []
    assert pauses == []
    github.routes = (('GET', rf'/releases/{github.releases["dashboard"]["id"]}/assets', hidden), *fake_github.ROUTES)
    assert publish().assets == []
    assert len(pauses) == 1


def test_damaged_uploads_are_deleted(github, publish, ingest):
    ingest(*lines())
    publish(raw_logs=None)
    github.damage = lambda content: content[::-1]
    with pytest.raises(LogsError, match='GitHub has received other bytes of 2026-11-01-default'):
        publish()
    assert github.names() == ['dashboard.json']


def test_lines_as_they_are_are_published_if_the_operator_asks(github, publish, ingest):
    given = [*lines(), line('/', address='203.0.113.1', rest=' "x"')]
    ingest(*given, raw_logs='unchanged')
    result = publish()
    assert result.assets == ['dashboard.json']
    assert '--raw-logs pseudonyms' in result.notices[0]
    assert publish(raw_logs=Kind.UNCHANGED).assets == ['2026-11-01-default.unchanged.log.gz']
    assert set(shown(github, '2026-11-01-default.unchanged.log.gz')) == {one.rstrip('\n') for one in given}


@pytest.mark.parametrize('visibility', ['public', 'internal'])
def test_a_repository_that_others_can_read_is_refused(github, publish, ingest, visibility):
    ingest(*lines())
    github.visibility = visibility
    with pytest.raises(LogsError, match=f'owner/statistics is {visibility}, so that others can read it'):
        publish()
    assert {one.method for one in github.requests} == {'GET'}


def test_a_repository_that_becomes_public_meanwhile_gets_no_raw_logs(github, publish, ingest):
    def create(self, request):
        github.visibility = 'public'
        return github.create_release(request)
    ingest(*lines())
    publish(raw_logs=None)
    github.routes = (('POST', '/releases', create), *fake_github.ROUTES)
    with pytest.raises(LogsError, match='is public'):
        publish()
    assert github.names() == ['dashboard.json']


def aged(directory, days=3):
    """Let the last lines of all days be so old that the days are sealed."""
    for path in directory.path.rglob('*.parquet'):
        moment = (datetime.now(timezone.utc) - timedelta(days=days)).timestamp()
        os.utime(path, (moment, moment))


@pytest.fixture
def long_ago(ingest, directory):
    """A day with raw logs that is 10 days ago, and another that was 20 days ago; both are sealed."""
    today = datetime.now(timezone.utc).date()
    days = [today - timedelta(days=number) for number in (20, 10)]
    for day in days:
        ingest(*lines(f'{day:%d/%b/%Y}'), name=str(day))
    aged(directory)
    ingest(name='nothing')
    assert list((directory.path / 'open').iterdir()) == []
    return days


def sent_on(github, day):
    github.created = f'{day}T00:00:00Z'


def test_old_raw_logs_are_deleted_here_and_there(github, publish, directory, long_ago):
    older, newer = long_ago
    sent_on(github, older + timedelta(days=1))
    publish()
    assert raw_days(directory) == [str(older), str(newer)]
    result = publish(keep_raw_days=15)
    assert (result.deleted_here, result.deleted_there) == ([str(older)], [f'{older}-default.log.gz'])
    assert raw_days(directory) == [str(newer)]
    assert github.names() == [f'{newer}-default.log.gz', 'dashboard.json']
    assert publish(keep_raw_days=15).is_empty


@pytest.mark.parametrize(('keep', 'left'), [(20, 2), (19, 1)])
def test_a_day_is_kept_for_as_many_days(publish, directory, long_ago, github, keep, left):
    sent_on(github, long_ago[0] + timedelta(days=1))
    publish(keep_raw_days=keep)
    assert len(raw_days(directory)) == left


def test_nothing_is_deleted_that_is_not_published(github, publish, directory, long_ago):
    sent_on(github, long_ago[0])
    github.fail('POST', 'assets', 400, skip=1, times=99)
    with pytest.raises(LogsError):
        publish(keep_raw_days=5)
    assert len(raw_days(directory)) == 2
    assert publish(keep_raw_days=5, dry=True).deleted_here == []
    publish(raw_logs=None, keep_raw_days=5)
    assert len(raw_days(directory)) == 2


def test_what_was_published_late_stays_there_as_long(github, publish, directory, long_ago):
    sent_on(github, datetime.now(timezone.utc).date())
    result = publish(keep_raw_days=5)
    assert (len(result.deleted_here), result.deleted_there) == (2, [])
    assert len(github.names()) == 3


def test_an_open_day_is_kept(github, publish, directory, ingest):
    ingest(*lines('01/Nov/2025'))
    sent_on(github, '2025-11-02')
    assert publish(keep_raw_days=5).deleted_here == []
    assert raw_days(directory) == ['2025-11-01']
    assert publish(keep_raw_days=5).is_empty
    assert github.names() == ['2025-11-01-default.log.gz', 'dashboard.json']


def test_only_raw_logs_are_deleted(github, publish, ingest):
    ingest(*lines())
    for tag, name in (('raw-logs-2020-01', '2020-01-05-default.log.gz'), ('raw-logs-2020-02', 'notes.txt'),
                      ('v1', '2020-01-06-default.log.gz')):
        github.add_release(tag)
        github.add_asset(tag, name, b'x', created='2020-02-01T00:00:00Z')
    github.add_commit({'README.md': b'x'})
    assert publish().deleted_there == ['2020-01-05-default.log.gz']
    assert list(github.releases) == ['raw-logs-2020-02', 'v1', 'dashboard', 'raw-logs-2026-11']
    assert len(github.asked('DELETE', 'git/refs/tags/raw-logs-2020-01')) == 1


def test_a_deletion_that_was_interrupted_is_completed(publish, directory, long_ago, github):
    (directory.path / 'raw/pseudonyms' / str(long_ago[0])).rename(directory.path / 'raw/pseudonyms/2020-01-01.deleted')
    publish()
    assert raw_days(directory) == [str(long_ago[1])]


def test_without_the_option_no_request_is_kept(ingest, directory):
    ingest(*lines(), raw_logs=None)
    assert not (directory.path / 'raw').exists()
    assert b'Firefox' not in directory.everything()


def test_what_is_kept_with_pseudonyms_has_no_address(ingest, directory):
    ingest(*lines())
    with duckdb.connect() as database:
        text = str(database.execute(f"SELECT * FROM '{directory.path}/raw/*/*/*.parquet'").fetchall())
    assert 'Firefox' in text
    assert '198.51.100' not in text


def test_many_assets_are_listed_by_pages(github, publish, ingest):
    ingest(*lines())
    publish()
    for number in range(150):
        github.add_asset('raw-logs-2026-11', f'{number}.txt', b'x')
    moved = github.assets.pop(next(number for number, one in github.assets.items() if one['name'] == NAME))
    github.assets[moved['id']] = moved  # the last one
    assert publish().assets == []
