"""The benchmark's own data and arithmetic, as far as its ratios rest on them."""
import re
import sys

import bson
import pytest
from bson.objectid import ObjectId

from benchmarks import command_line, extensions, report, runner
from benchmarks.cases import SUITES, Case
from benchmarks.options import FULL, QUICK
from benchmarks.servers import LARGE, OURS, PEER
from plugin_tests.conftest import upload

CONTENT = b'content'
#: Differs between any two packages.
OWN = {'_id', 'created', 'updated', 'folderId'}


def case(better='more', target=2.0, **more):
    return Case('name', 'title', 'unit', better, None, None, target, **more)


def test_a_ratio_is_how_many_times_as_good_ours_is():
    more = runner.Result(case(), {OURS: [30.0, 10.0, 50.0], PEER: [10.0, 10.0, 10.0]})
    less = runner.Result(case('less'), {OURS: [30.0], PEER: [10.0]})
    assert (more.ratio, more.good) == (3.0, True)
    assert (round(less.ratio, 3), less.good) == (0.333, False)


def test_a_limit_takes_the_place_of_the_other_server():
    result = runner.Result(case('less', 1.0, sides=(LARGE,), limit=5.0), {LARGE: [4.0, 2.5, 1.0]})
    assert (result.ratio, result.good) == (2.0, True)
    assert '| 5 (limit) |' in report.table([result])


def test_the_table_shows_what_was_missed():
    missed = runner.Result(case(), {OURS: [10.0], PEER: [10.0]})
    shown = runner.Result(case(target=None), {OURS: [10.0], PEER: [100.0]})
    rows = report.table([missed, shown]).splitlines()[2:]
    assert ('**missed**' in rows[0], 'missed' in rows[1], shown.good) == (True, False, True)


@pytest.mark.process
def test_the_cost_of_a_command_is_not_that_of_the_benchmark():
    held = bytearray(b'x' * (400 << 20))  # a child has it, too, until it runs its program
    cost = command_line.run(sys.executable, '-c', 'import hashlib; hashlib.sha512(b"x" * (64 << 20))')
    assert 64 < cost.memory < len(held) >> 20
    with pytest.raises(RuntimeError, match='status 3'):
        command_line.run(sys.executable, '-c', 'raise SystemExit(3)')


def test_every_case_of_a_suite_has_a_name_of_its_own():
    for suite in SUITES.values():
        assert len({case.name for case in suite}) == len(suite)


def test_a_quick_run_asks_for_no_more_than_a_full_one():
    assert all(quick <= full for quick, full in zip(QUICK, FULL, strict=True))


@pytest.mark.parametrize('number', range(0, 240, 40))
def test_made_up_extensions_are_the_same_in_every_run_and_differ(number):
    again = extensions.metadata.__wrapped__(number)
    assert extensions.metadata(number) == again
    assert extensions.metadata(number + 1)['baseName'] != again['baseName']
    assert re.fullmatch('[A-Za-z0-9]+', again['baseName'])


@pytest.mark.database
@pytest.mark.parametrize('package_type', ['package', 'extension'])
def test_what_is_put_into_the_database_is_what_a_post_and_an_upload_leave_there(db, api, app, admin, package_type):
    from benchmarks import fill
    from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
    from slicer_package_manager.registry.server import transactions
    forms = {'package': extensions.package_form, 'extension': lambda *where: extensions.form(3, *where)}
    form = forms[package_type](extensions.SYSTEMS[1], '33000')
    posted = api.post(f'/app/{app["_id"]}/{package_type}', params=form).raise_for_status().json()
    upload(api, posted['_id'], CONTENT)
    stored = db.item.find_one({'_id': ObjectId(posted['_id'])}, {transactions.LOCK: 0})
    folder = db.folder.find_one({'_id': stored['folderId']})
    app = db.folder.find_one({'_id': ObjectId(app['_id'])})
    filled = bson.decode(bson.encode(fill.document(PACKAGE_TYPES[package_type], app, folder, form, CONTENT, admin)))
    assert filled.keys() == stored.keys()
    assert {key: filled[key] for key in stored.keys() - OWN} == {key: stored[key] for key in stored.keys() - OWN}


@pytest.mark.database
def test_drafts_that_are_put_into_the_database_are_listed_and_counted(db, api, anonymous, app, make):
    from benchmarks import fill
    make('extension', content=CONTENT)
    fill.main('admin', app['_id'], ['40001', '40002'], systems=2, per_draft=3, counted=1)
    base = f'/app/{app["_id"]}'
    assert [one['name'] for one in anonymous.get(f'{base}/draft').json()] == ['40002', '40001', '33000']
    system, arch = extensions.SYSTEMS[0]
    listed = anonymous.get(f'{base}/extension', params={'app_revision': '40001', 'os': system, 'arch': arch}).json()
    assert len(listed) == 3
    (file,) = anonymous.get(f'/item/{listed[0]["_id"]}/files').json()
    assert file['sha512'] == listed[0]['meta']['sha512']
    stats = anonymous.get(f'{base}/downloadstats').json()
    assert (len(stats['40002']['extensions']), len(stats['40002']['applications'])) == (1, 2)


@pytest.mark.database
def test_as_many_packages_are_counted_as_requested(db, app, make):
    from benchmarks import fill
    make('extension', content=CONTENT)
    fill.main('admin', app['_id'], ['40001'], systems=1, per_draft=3)
    fill.main('admin', app['_id'], counts=10)
    assert db.slicer_package_download.count_documents({'kind': {'$ne': 'past'}}) == 10 + 1
