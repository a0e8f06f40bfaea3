"""The command ``logs report``, run as a person runs it on a laptop."""
import pytest

from plugin_tests import commands
from plugin_tests.logs.conftest import Directory, line
from plugin_tests.logs.report.conftest import Files, package

pytestmark = pytest.mark.process


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def run(files, *args):
    return commands.run('logs', 'report', '--statistics-dir', files.path, *args)


def test_a_report_is_made_of_a_copy_of_the_daily_files(files):
    for day in ('2026-10-31', '2026-11-01', '2026-11-30', '2026-12-01'):
        files.write(day, package(600))
    done = commands.run('logs', 'report', '--statistics-dir', files.published, '-o', files.output,
                        '--from', '2026-11-01', '--to', '2026-11-30',
                        SLICER_PACKAGE_MANAGER_COUNTRIES_NOTICE='Made by X')
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'{files.output}/report.html has 1,200 downloads from 2026-11-01 to 2026-11-30.\n'
    assert 'Made by X' in (files.output / 'report.html').read_text()
    assert (files.output / 'by-country.png').exists()


def test_logs_become_a_report_with_the_counts_of_the_server(tmp_path):
    logs = Directory(tmp_path)
    counts = logs.log('period,kind,baseName,os,arch,revision,release,count\n'
                      '2026-11-01,package,Slicer,linux,amd64,33000,5.8.1,5\n', name='counts.csv')
    logs.ingest(logs.log(line(), line()))
    assert commands.run('logs', 'check', '--statistics-dir', logs.path, '--counts', counts, '--save').returncode == 1
    done = run(logs)
    assert done.returncode == 0, done.stderr
    assert (logs.path / 'report' / 'server-and-logs.csv').read_text().splitlines()[1].startswith(
        '2026-11-01,5,2,0,0,-3,"no request in the logs')


def test_what_cannot_be_reported_has_an_exit_code_and_a_reason(files):
    files.write('2026-11-01', package(0))
    broken = files.path / 'broken.json'
    broken.write_text('{')
    for args, code, reason in (
            (('--from', '2026-11-02', '--to', '2026-11-01'), 2, 'The period ends (2026-11-01) before it begins'),
            (('--from', 'yesterday'), 2, 'yesterday'), (('--check', files.path / 'missing'), 2, 'does not exist'),
            (('--from', '2026-12-01'), 1, 'There are no daily files of 2026-12-01 to 2026-11-01'),
            ((), 1, 'The daily files of 2026-11-01 to 2026-11-01 have no downloads')):
        done = run(files, *args)
        assert (done.returncode, done.stdout) == (code, ''), done.stderr
        assert reason in done.stderr
        assert 'Traceback' not in done.stderr
    files.write('2026-11-01', package(1))
    for args, reason in ((('--check', broken), 'broken.json has no comparison'), (('-o', broken / 'x'), 'broken.json')):
        done = run(files, *args)
        assert (done.returncode, done.stdout) == (1, ''), done.stderr
        assert reason in done.stderr
        assert 'Traceback' not in done.stderr


def test_without_matplotlib_the_extra_is_named(files, monkeypatch, tmp_path):
    files.write('2026-11-01', package(1))
    (tmp_path / 'matplotlib.py').write_text(
        'raise ModuleNotFoundError("No module named \'matplotlib\'", name="matplotlib")')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    done = run(files)
    assert done.returncode == 1
    assert 'require the package matplotlib. Install the extra "logs"' in done.stderr
