"""The commands ``expected``, run as an administrator runs them."""
import json

import pytest

from plugin_tests import commands

pytestmark = [pytest.mark.database, pytest.mark.process]


@pytest.fixture
def run(mongo_uri, db):
    return lambda *args: commands.run('expected', *map(str, args), '--database', mongo_uri)


@pytest.fixture
def index(tmp_path):
    """A Git checkout of an index."""
    folder = tmp_path / 'index'
    (folder / '.git').mkdir(parents=True)
    (folder / '.git' / 'HEAD').write_text('ref: refs/heads/main\n')
    (folder / 'A.json').write_text('{"scm_url": "https://example.org/a.git", "tier": 5}')
    (folder / 'B.s4ext').write_text('scmurl https://example.org/b.git\n')
    return folder


def test_an_index_is_synchronized_listed_and_removed(run, index, app, anonymous):
    done = run('sync', index)
    assert (done.returncode, done.stdout, done.stderr) == (
        0, '2 extensions are expected of builds of main: 2 new, 0 removed.\n+ A\n+ B\n', '')
    (index / 'B.s4ext').unlink()
    done = run('sync', index, 'Slicer', '--branch', '5.8')
    assert commands.printed(done) == '1 extensions are expected of builds of 5.8: 1 new, 0 removed.\n+ A\n'
    assert commands.printed(run('sync', index, app['_id'])).endswith('- B\n')
    listed = json.loads(commands.printed(run('list', '--json')))
    assert [(one['branch'], [entry['name'] for entry in one['extensions']]) for one in listed] == [
        ('5.8', ['A']), ('main', ['A'])]
    branches = anonymous.get(f'/app/{app["_id"]}/expected').raise_for_status().json()['branches']
    assert [(one['branch'], one['extensions']) for one in branches] == [('5.8', 1), ('main', 1)]
    assert run('remove', '5.8').returncode == 0
    assert '5.8' not in run('list').stdout


def test_problems_are_reported_and_change_nothing(run, index, app):
    assert run('sync', index).returncode == 0
    (index / 'C.json').write_text('{')
    done = run('sync', index)
    assert (done.returncode, done.stdout) == (1, '')
    assert 'C.json' in done.stderr
    assert json.loads(commands.printed(run('list', '--json')))[0]['extensions'][1]['name'] == 'B'
    for args, message in (
            (('sync', index.parent), '--branch'), (('sync', index, 'Other'), 'There is no application "Other"'),
            (('remove', '4.11'), 'branch "4.11"')):
        done = run(*args)
        assert (done.returncode, message in done.stderr) == (1, True), done.stderr
