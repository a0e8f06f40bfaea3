"""The command ``migrate girder``, run as an administrator runs it."""
import json
import random
import re
import shlex
import signal
from pathlib import Path

import pytest
from pymongo.errors import BulkWriteError, DuplicateKeyError, ExecutionTimeout

from plugin_tests import commands
from plugin_tests.migration import kills
from plugin_tests.migration.older_server import APP
from plugin_tests.waiting import PATIENCE, poll
from slicer_package_manager.cli import database, migrate

pytestmark = [pytest.mark.database, pytest.mark.process]

HOW_TO = Path(__file__).parents[2] / 'docs' / 'how-to' / 'move-from-the-older-server.md'


@pytest.fixture
def uri(older, mongo_uri):
    return mongo_uri.rpartition('/')[0] + '/older'


@pytest.fixture
def filled(older):
    """An older server with enough items to be killed between them."""
    for number in range(20):
        _, extensions = older.draft(str(30000 + number))
        for name in 'ABCDEFGH':
            older.extension(extensions, f'{name}{number}'.encode(), baseName=name, app_revision=str(30000 + number))
    older.db['folder'].update_one({'_id': older.drafts['_id']}, {'$set': {'meta.downloadStats': {
        '30000': {'extensions': {'A': {'linux': {'amd64': 6}}}}}}})
    return older


def state(found):
    """What a migration writes, without what differs between two of them."""
    names = ('user', 'folder', 'item', 'file', 'collection')
    kept = {name: list(found[name].find(sort=[('_id', 1)])) for name in names}
    counts = [(one['baseName'], one['count']) for one in found['slicer_package_download'].find({'kind': 'extension'})]
    return kept, counts


@pytest.mark.usefixtures('filled')
def test_it_reports_and_exits_with_0(uri, target, tmp_path):
    address, found = target
    run = commands.run('migrate', 'girder', uri, '--database', address, '--verify',
                       '--report', tmp_path / 'report.json')
    assert commands.last_line(run) == 'Ready to switch.'
    report = json.loads((tmp_path / 'report.json').read_text())
    assert (report['totals']['items listed'], report['conclusion']) == (160, 'Ready to switch.')
    assert re.search('Migrating files: .* bytes', run.stderr)
    assert found['folder'].find_one({'_id': APP})['spm']['role'] == 'application'
    assert commands.run('doctor', '--database', address).returncode in (0, 1)


def test_it_exits_with_1_and_names_what_a_person_has_to_decide(filled, uri, target):
    filled.link(filled.extension(filled.folder('extensions', filled.drafts), baseName='Link'), 'http://a.org/b.tar.gz')
    run = commands.run('migrate', 'girder', uri, '--database', target[0], '--dry-run')
    printed = commands.printed(run, 1)
    assert 'undecided: link "a.org"' in printed
    assert 'This was a dry run; nothing was written.' in printed
    assert target[1]['item'].count_documents({}) == 0


@pytest.mark.parametrize(('args', 'message'), [
    ([], 'Name the database of the older server'), (['mongodb://x/y', '--in-place'], 'Name the database'),
    (['--in-place'], '--in-place migrates the database of --database'), (['ftp://old.example.org'], 'SOURCE must be'),
    (['mongodb://x/y', '--source-assetstore', 'abc'], 'ID=PATH'), (['mongodb://x/y', '--delete'], 'use --since-last'),
    (['mongodb://x/y', '--sample', '3'], 'use --verify'),
    (['mongodb://x/y', '--api', 'http://x'], 'all three together'),
    (['mongodb://x/y', '--files', 'link'], 'name its API, --source-api'),
    (['--in-place', '--files', 'link', '--source-api', 'https://x'], '--files link makes links to the older server'),
    (['mongodb://x/y', '--source-api', 'https://x'], 'all three together'),
    (['mongodb://x/y', '--report', '/missing/directory/r.json'], 'the directory /missing/directory does not exist')])
def test_what_is_refused(args, message):
    run = commands.run('migrate', 'girder', *args)
    assert (run.returncode, run.stdout) == (2, '')
    assert message in run.stderr


def test_what_cannot_be_done_exits_with_2_and_the_reason(target, mongo_uri):
    for source, message in (('mongodb://127.0.0.1:9/girder?serverSelectionTimeoutMS=500', 'cannot be read'),
                            (mongo_uri.rpartition('/')[0] + '/nothing', 'is not one of Girder')):
        run = commands.run('migrate', 'girder', source, '--database', target[0])
        assert (run.returncode, run.stdout) == (2, '')
        assert 'Error: the migration is not done: ' in run.stderr
        assert message in run.stderr


def test_control_characters_are_not_printed(filled, uri, target):
    filled.db['item'].update_one({'meta.baseName': 'A'}, {'$set': {'name': 'evil\x1b[2J\nundecided: x', 'meta.x': 'y'}})
    run = commands.run('migrate', 'girder', uri, '--database', target[0], '--dry-run')
    printed = commands.printed(run)
    assert '\x1b' not in printed
    assert r'evil\x1b[2J\nundecided: x' in printed


@pytest.mark.parametrize(('raised', 'reason'), [
    (KeyError('name'), "KeyError: 'name'. Set LOGLEVEL=debug"),
    (BulkWriteError({'writeErrors': [{'errmsg': 'E11000 duplicate key: x dup key: { salt: 1 }', 'op': 'secret'}]}),
     'not done: E11000 duplicate key: x\n'),
    (DuplicateKeyError('E11000 x, full error: secret'), 'not done: E11000 x\n'),
    (ExecutionTimeout('operation would exceed time limit'), 'another process has locked what is to be written. Run'),
    (KeyboardInterrupt(), 'Run the same command again to continue.')], ids=repr)
def test_every_failure_exits_with_2_and_a_reason(raised, reason, monkeypatch, capsys):
    for level, shows in ('info', False), ('debug', not isinstance(raised, KeyboardInterrupt)):
        monkeypatch.setenv('LOGLEVEL', level)
        with pytest.raises(SystemExit) as found, migrate._failures():
            raise raised
        printed = capsys.readouterr().err
        assert (found.value.code, 'Traceback' in printed) == (2, shows)
        assert reason in printed
        assert shows or 'secret' not in printed


@pytest.mark.usefixtures('filled')
def test_an_interrupted_run_exits_with_2_and_is_continued(uri, target):
    process = commands.started('migrate', 'girder', uri, '--database', target[0], '--rate', '1')
    poll(lambda: target[1]['slicer_package_migration'].find_one({'_id': 'lease'}), 'it runs')
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert 'Run the same command again to continue.' in printed
    assert 'Traceback' not in printed
    run = commands.run('migrate', 'girder', uri, '--database', target[0])
    assert commands.last_line(run) == 'Ready to switch.'


def test_in_place_needs_a_backup_and_then_the_server_accepts_the_database(filled, uri):
    address = database.completed(uri)
    run = commands.run('migrate', 'girder', '--in-place', '--database', address)
    assert (run.returncode, '--i-have-a-backup' in run.stderr) == (2, True)
    assert 'has not been migrated' in commands.run('account', 'list', '--database', address).stderr
    run = commands.run('migrate', 'girder', '--in-place', '--database', address, '--i-have-a-backup')
    assert commands.last_line(run) == 'Ready to switch.'
    assert commands.run('account', 'list', '--database', address).returncode == 0
    assert filled.db['item'].count_documents({'spm.kind': 'extension'}) == 160


def shown(way):
    """The commands of the how-to that copy, or that migrate in place, in their order."""
    found = re.findall(r'^ *slicer-package-manager (migrate girder .*)$', HOW_TO.read_text(), re.MULTILINE)
    return [shlex.split(one)[2:] for one in found if way in one]


@pytest.mark.usefixtures('filled')
def test_the_how_to_copies_catches_up_and_switches(uri, target, tmp_path):
    address, found = target
    run = [commands.run('migrate', 'girder', uri, '--database', address, *options)
           for _, *options in ([word.replace('report.json', str(tmp_path / 'report.json')) for word in words]
                               for words in shown('mongodb://old.example.org/girder'))]
    assert [commands.last_line(one) for one in run] == ['Ready to switch.'] * 5
    assert 'This was a dry run' in run[0].stdout
    assert found['item'].count_documents({'spm.kind': 'extension'}) == 160
    assert json.loads((tmp_path / 'report.json').read_text())['totals']['items listed'] == 160


def test_the_how_to_migrates_in_place(filled, uri):
    run = [commands.run('migrate', 'girder', *(word.replace('mongodb://127.0.0.1:27017/girder', database.completed(uri))
                                               for word in words)) for words in shown('--in-place')]
    assert ['This was a dry run' in commands.printed(one) for one in run] == [True, False]
    assert filled.db['item'].count_documents({'spm.kind': 'extension'}) == 160


@pytest.mark.usefixtures('filled')
def test_a_run_that_was_killed_is_continued_by_the_same_command(uri, target):
    address, found = target
    whole = commands.run('migrate', 'girder', uri, '--database', address)
    assert whole.returncode == 0, whole.stderr
    expected = state(found)
    for name in found.list_collection_names():
        if name != 'assetstore':
            found[name].delete_many({})
    for _ in range(4):
        kills.kill(('migrate', 'girder', uri, '--database', address), found, random.randrange(5, 60))
        app = found['folder'].find_one({'_id': APP})
        assert not app or 'spm' not in app or found['item'].count_documents({}) == 160
    run = commands.run('migrate', 'girder', uri, '--database', address, '--verify')
    assert commands.last_line(run) == 'Ready to switch.'
    assert state(found) == expected
