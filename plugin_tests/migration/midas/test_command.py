"""The command ``migrate midas``, run as an administrator runs it, on a real MariaDB."""
import json
import random

import pytest

from plugin_tests import commands
from plugin_tests.migration import kills
from plugin_tests.migration.midas import older_midas
from slicer_package_manager.registry.catalog.applications import SLICER

pytestmark = [pytest.mark.database, pytest.mark.process]


def stores(midas):
    return [part for number in (1, 2, 3) for part in ('--assetstore', f'{number}={midas.root / str(number)}')]


def state(found):
    """What an import writes, without moments and ids that are made once for a new application."""
    rows = {name: list(found[name].find({'lowerName': {'$nin': ['applications', 'packages', 'slicer', 'draft']}},
                                        {'assetstoreId': 0}, sort=[('_id', 1)]))
            for name in ('user', 'folder', 'item', 'file')}
    aliases = sorted((one['kind'], one['value'], one['targets']) for one in found['slicer_package_alias'].find())
    counts = sorted((one['baseName'], one['day'], one['count']) for one in found['slicer_package_download'].find(
        {'kind': {'$ne': 'total'}}))
    return rows, aliases, counts


@pytest.mark.parametrize('old', [False, True], ids=['3.4', '3.2.8'])
def test_it_reports_and_exits_with_1_if_a_person_has_to_decide(restored_midas, target, tmp_path, old):
    midas = older_midas.whole(tmp_path / 'midas', old=old)
    address, found = target
    args = ('migrate', 'midas', restored_midas(midas), '--database', address, *stores(midas),
            '--path-map', f'/dead/remote={midas.root / "3"}', '--redirects', tmp_path / 'table.txt', '--admins')
    (tmp_path / 'table.txt').write_text('\ufeff950 https://github.com/Slicer/SlicerDataStore\n', 'utf-8')
    dry = commands.run(*args, '--dry-run')
    assert (dry.returncode, found['item'].count_documents({})) == (1, 0), dry.stderr
    run = commands.run(*args, '--verify', '--report', tmp_path / 'report.json')
    printed = commands.printed(run, 1)
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['conclusion'] == 'Not ready to switch: 2 lost and 1 undecided; see these lines of the report.'
    assert 'example.org' not in printed + run.stderr + (tmp_path / 'report.json').read_text()
    extensions = {one['meta']['baseName']: one['meta'] for one in found['item'].find({'spm.kind': 'extension'})}
    assert extensions.keys() == {'Ext', 'Other', 'Twin', 'Public', 'Alone', 'Example', 'Four'}
    assert extensions['Four']['description'] == 'four bytes 😀'
    assert found['user'].find_one({'login': 'jose.nunez'})['lastName'] == 'Núñez'
    assert {one['login'] for one in found['user'].find({'admin': True})} == {'admin', 'site.admin', 'idle.admin'}
    assert found['slicer_package_alias'].find_one({'kind': 'item', 'value': '950'})['url'].endswith('SlicerDataStore')
    before = state(found)
    assert commands.run(*args).returncode == 1
    assert state(found) == before
    assert commands.run('doctor', '--database', address).returncode in (0, 1)


def test_a_run_that_was_killed_is_continued_by_the_same_command(restored_midas, target, tmp_path):
    midas = older_midas.simple(tmp_path / 'midas')
    for number in range(100, 400):
        midas.item(number, files=[(f'{number}.tar.gz', str(number).encode())], downloads=number)
        midas.extension(number, number, f'Ext{number}', slicer_revision=str(30000 + number % 7))
    address, found = target
    args = ('migrate', 'midas', restored_midas(midas), '--database', address, *stores(midas))
    whole = commands.run(*args)
    assert commands.last_line(whole) == 'Ready to switch.'
    expected = state(found)
    for name in found.list_collection_names():
        found[name].delete_many({'login': {'$ne': 'admin'}} if name == 'user' else {})
    found['assetstore'].insert_one({'type': 0, 'name': 'files', 'root': str(tmp_path / 'new'), 'perms': 0o600,
                                    'created': older_midas.DAY, 'current': True})
    for _ in range(4):
        kills.kill(args, found, random.randrange(5, 90))
    assert commands.last_line(commands.run(*args)) == 'Ready to switch.'
    assert state(found) == expected
    assert found['folder'].find_one({'spm.app': {'$exists': True}, 'name': 'Slicer'})['_id'].binary.hex() == SLICER


@pytest.mark.parametrize(('args', 'message'), [
    ([], 'Missing argument'), (['mysql://x/y', '--assetstore', 'abc'], 'must be a number or path of MIDAS'),
    (['mysql://x/y', '--sample', '3'], 'use --verify'), (['mysql://x/y', '--assetstore', '1=/no/such'], 'must be')])
def test_what_is_refused(args, message):
    run = commands.run('migrate', 'midas', *args)
    assert (run.returncode, run.stdout) == (2, '')
    assert message in run.stderr


def test_what_cannot_be_done_exits_with_2_and_the_reason(target):
    for source, message in (('mysql://root:secret@127.0.0.1:9/midas', 'cannot be read'),
                            ('mysql://x', 'must be mysql')):
        run = commands.run('migrate', 'midas', source, '--database', target[0])
        assert (run.returncode, run.stdout) == (2, ''), run.stderr
        assert 'Error: the migration is not done: ' in run.stderr
        assert message in run.stderr
        assert 'secret' not in run.stderr
