import csv
import io
import json
from datetime import datetime, timezone

import pytest

from slicer_package_manager_client.cli.prune import plan
from slicer_package_manager_client.cli.statistics import as_csv_text

NOW = datetime(2026, 11, 30, tzinfo=timezone.utc)


def draft(day):
    return {'_id': str(day), 'created': f'2026-11-{day:02}T00:00:00+00:00', 'meta': {'revision': str(day)}}


@pytest.mark.parametrize(('keep', 'older_than', 'doomed'), [
    (0, None, [1, 10, 20]), (1, None, [1, 10]), (3, None, []), (9, None, []),
    (0, 15, [1, 10]), (2, 15, [1]), (0, 100, []), (0, 10, [1, 10])])
def test_plans_the_oldest_first(keep, older_than, doomed):
    assert [int(one['_id']) for one in plan([draft(20), draft(10), draft(1)], keep, older_than, NOW)] == doomed


def test_a_time_without_zone_is_utc():
    assert plan([{**draft(1), 'created': '2026-11-01T00:00:00'}], 0, 1, NOW)


@pytest.fixture
def drafts(girder):
    for day in range(1, 6):
        girder.make_draft(str(day), f'2020-01-0{day}T00:00:00.000000+00:00')


def test_prunes_the_oldest_first(drafts, run, girder):
    done = run('draft', 'prune', 'Slicer', '--keep', '2')
    assert done.exit_code == 0, done.stderr
    assert [one['name'] for one in girder.drafts] == ['5', '4']
    ids = [one.path.rpartition('/')[2] for one in girder.asked('DELETE')]
    assert ids == sorted(ids)
    assert done.stdout.splitlines()[0] == '3 of 5 drafts to delete, the oldest first:'


def test_a_prune_that_was_interrupted_is_completed_by_the_next(drafts, run, girder):
    girder.fail('DELETE', 'release', 403, skip=1)
    assert run('draft', 'prune', 'Slicer', '--keep', '2').exit_code == 4
    assert len(girder.drafts) == 4
    assert run('draft', 'prune', 'Slicer', '--keep', '2').exit_code == 0
    assert len(girder.drafts) == 2


def test_a_draft_that_another_user_deleted_meanwhile_is_no_failure(drafts, run, girder):
    girder.fail('DELETE', 'release', 404)
    done = run('draft', 'prune', 'Slicer', '--keep', '2', '--json')
    assert done.exit_code == 0
    assert 'was already deleted' in done.stderr
    assert len(json.loads(done.stdout)['drafts']) == 2


def test_how_many_to_keep_must_be_said(drafts, run, girder):
    assert run('draft', 'prune', 'Slicer').exit_code == 2
    assert len(girder.drafts) == 5


TOTALS = {'33000': {'applications': {'linux': {'amd64': 12}},
                    'extensions': {'Foo': {'win': {'amd64': 3, 'arm64': 1}}}}}
ROWS = [{'period': '2026-11', 'kind': 'extension', 'baseName': 'Foo', 'os': 'linux', 'arch': 'amd64',
         'revision': '33000', 'release': '', 'count': 7}]


def test_totals_are_a_table(run, girder):
    girder.stats = TOTALS
    lines = run('stats', 'Slicer').stdout.splitlines()
    assert lines[0].split() == ['KIND', 'BASENAME', 'REVISION', 'OS', 'ARCH', 'COUNT']
    assert [line.split()[-1] for line in lines[2:]] == ['12', '3', '1']


def test_periods_are_asked_from_the_server(run, girder):
    girder.stats = ROWS
    done = run('stats', 'Slicer', '--from', '2026-11-01', '--to', '2026-11-30', '--by', 'month', '--csv')
    assert girder.asked('GET', 'downloadstats')[0].args.to_dict() == {
        'date_from': '2026-11-01', 'date_to': '2026-11-30', 'granularity': 'month', 'limit': '0'}
    assert list(csv.DictReader(io.StringIO(done.stdout))) == [{key: str(value) for key, value in ROWS[0].items()}]


def test_a_server_without_periods_is_reported(run, girder):
    girder.stats = TOTALS
    assert run('stats', 'Slicer', '--by', 'day').exit_code == 1


def test_json_is_as_the_server_says(run, girder):
    girder.stats = TOTALS
    assert json.loads(run('stats', 'Slicer', '--json').stdout) == TOTALS


def test_no_cell_is_a_formula():
    assert as_csv_text(['a'], [{'a': '=1+1'}, {'a': None}, {'a': 3}]) == "a\n'=1+1\n\"\"\n3\n"
