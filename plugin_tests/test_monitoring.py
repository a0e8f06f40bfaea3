"""The files in deploy/monitoring fit each other, Prometheus, and what the server exports."""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_tests.waiting import PATIENCE

MONITORING = Path(__file__).parent.parent / 'deploy' / 'monitoring'
DASHBOARD = json.loads((MONITORING / 'dashboard.json').read_text(encoding='utf-8'))
PAGE = MONITORING.parent.parent / 'docs' / 'how-to' / 'monitor-the-server.md'
_NAME = re.compile(r'\bspm_\w+')
_EXPORTED = """
from prometheus_client import generate_latest
from slicer_package_manager.registry import health
from slicer_package_manager.rest.middleware import metrics
health.state = lambda: {'database': 'ok', 'assetstore': 'ok', 'version': '1'}
for meter in (metrics.REQUESTS.labels('GET', 'x', 200), metrics.SECONDS.labels('GET', 'x'), metrics.SENT.labels('x'),
              metrics.DOWNLOADS.labels('package')):
    getattr(meter, 'inc', meter.observe if hasattr(meter, 'observe') else None)(1)
metrics.WorkMetrics('reads').refused()
print(metrics.exposition().decode())
"""
needs_promtool = pytest.mark.skipif(shutil.which('promtool') is None, reason='promtool is not installed')


def expressions():
    return [target['expr'] for panel in DASHBOARD['panels'] for target in panel['targets']]


@pytest.fixture(scope='module')
def exported():
    """The names of the samples that the server exports, of which histograms and counters have several."""
    result = subprocess.run([sys.executable, '-c', _EXPORTED], capture_output=True, text=True, timeout=PATIENCE,
                          check=True)
    return {line.split('{')[0].split()[0] for line in result.stdout.splitlines() if line.startswith('spm_')}


@pytest.mark.parametrize('text', [
    pytest.param('\n'.join(expressions()), id='dashboard'),
    pytest.param((MONITORING / 'alerts.yml').read_text(encoding='utf-8'), id='alerts')])
def test_every_metric_that_is_asked_for_is_exported(exported, text):
    assert set(_NAME.findall(text)) - exported == set()


def test_the_page_about_monitoring_names_every_metric(exported):
    documented = set(_NAME.findall(PAGE.read_text(encoding='utf-8')))
    series = {re.sub('_(bucket|sum|count|created)$', '', name) for name in exported}
    assert series - documented == {'spm_http_requests', 'spm_http_sent_bytes', 'spm_downloads', 'spm_uploads',
                                   'spm_uploaded_bytes', 'spm_work_refused'}  # the moments at which counters began
    assert documented - series == set()


def test_every_panel_has_a_title_a_meaning_and_a_place_of_its_own():
    places = set()
    for panel in DASHBOARD['panels']:
        assert panel['title']
        assert panel['description']
        place = panel['gridPos']
        cells = {(x, y) for x in range(place['x'], place['x'] + place['w'])
                 for y in range(place['y'], place['y'] + place['h'])}
        assert not cells & places
        assert max(x for x, _ in cells) < 24
        places |= cells


@needs_promtool
def test_prometheus_takes_the_alert_rules():
    run('check', 'rules', 'alerts.yml')


@needs_promtool
def test_the_alerts_fire_when_they_should_and_only_then():
    run('test', 'rules', 'alerts-test.yml')


@needs_promtool
def test_prometheus_understands_the_dashboard(tmp_path):
    rules = [{'record': f'panel:{number}', 'expr': expression.replace('$__rate_interval', '1m')}
             for number, expression in enumerate(expressions())]
    file = tmp_path / 'rules.yml'
    file.write_text(json.dumps({'groups': [{'name': 'dashboard', 'rules': rules}]}))
    run('check', 'rules', str(file))


def run(*args):
    done = subprocess.run(['promtool', *args], cwd=MONITORING, capture_output=True, text=True, timeout=PATIENCE,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
