"""Tests wait for conditions with generous limits, so that they pass on a machine that has ten times too much to do."""
import ast
import inspect
from functools import lru_cache
from pathlib import Path

import httpx
import pytest

from plugin_tests import waiting

ROOT = Path(__file__).parents[1]
FOLDERS = ('plugin_tests', 'python_client/tests')
#: What takes a limit in seconds as its first argument, or as ``timeout``.
LIMITED = {'wait', 'join', 'result', 'communicate', 'settimeout', 'run', 'poll', 'ready', 'stop', 'check_output',
           'get', 'post', 'put', 'delete', 'request', 'stream', 'Client', 'HTTPConnection', 'HTTPSConnection',
           'create_connection', 'set_default_timeout'}
SHORTEST = 60
#: Places where a short limit, or a short pause, is what the test is about.
MEANT = {
    'plugin_tests/waiting.py': {'time.sleep(min(max(waited / 10, 0.02), 0.1))'},
    # No server answers yet, and whether the server has ended is looked at in between.
    'plugin_tests/processes.py': {"httpx.get(f'{url}/system/version', timeout=5)"},
    'plugin_tests/build_machine.py': {'threading.Event().wait(0.1)'},
    # A turn of the event loop, in which other tasks run.
    'plugin_tests/front/test_admission.py': {'asyncio.sleep(0)'},
    'plugin_tests/front/test_coalesced.py': {'asyncio.sleep(0)'},
    'plugin_tests/front/test_collapsed.py': {'asyncio.sleep(0)'},
    'plugin_tests/front/test_versions.py': {'asyncio.sleep(0)'},
    'plugin_tests/test_failover.py': {'self._done.wait(0.05)'},
    # The process is killed at any moment.
    'plugin_tests/logs/test_ingest.py': {'time.sleep(chosen.uniform(0, 1))'},
}


def name_of(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, 'id', '')


def limits(call):
    """The numbers, written in place, by which a call limits its time."""
    positional = call.args[:1] if name_of(call) in LIMITED - {'poll'} else call.args[2:3]
    given = [*positional, *(one.value for one in call.keywords if one.arg in ('timeout', 'patience'))]
    return [one.value for one in given if isinstance(one, ast.Constant) and type(one.value) in (int, float)]


def is_short(call):
    name = name_of(call)
    return name == 'sleep' or (name in LIMITED and any(limit < SHORTEST for limit in limits(call)))


def is_endless(call):
    """Whether ``call`` waits for the result of another thread without a limit: what hangs names no test."""
    return name_of(call) == 'result' and not call.args and not call.keywords


def is_race(node):
    """Whether ``node`` says how quick something is, in seconds written in place."""
    text = ast.unparse(node)
    measured = any(word in text for word in ('monotonic()', 'perf_counter()', 'elapsed'))
    numbers = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and type(one.value) in (int, float)]
    return measured and any(number < SHORTEST for number in numbers)


@lru_cache(maxsize=1)
def nodes_of_tests():
    """The calls and comparisons in all tests, each with its file."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob('*.py')) if path != Path(__file__)]
    assert len(paths) > 100
    return [(str(path.relative_to(ROOT)), node) for path in paths
            for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
            if isinstance(node, ast.Call | ast.Compare)]


def found_in_tests(kind, is_bad):
    """What is bad among the nodes of this kind, by file."""
    found = {}
    for path, node in nodes_of_tests():
        if isinstance(node, kind) and is_bad(node):
            found.setdefault(path, set()).add(ast.unparse(node))
    return found


def test_no_limit_is_short():
    assert found_in_tests(ast.Call, is_short) == MEANT, 'wait with poll(), or for waiting.PATIENCE'


def test_no_thread_is_waited_for_without_end():
    assert found_in_tests(ast.Call, is_endless) == {}, 'give result() waiting.PATIENCE'


def test_nothing_has_to_be_quick():
    assert found_in_tests(ast.Compare, is_race) == {}


def test_requests_are_patient_by_default():
    with httpx.Client() as client:
        assert client.timeout == httpx.Timeout(waiting.PATIENCE)
    for function in (httpx.get, httpx.post, httpx.put, httpx.delete, httpx.request, httpx.stream):
        assert inspect.signature(function).parameters['timeout'].default == httpx.Timeout(waiting.PATIENCE)


@pytest.mark.parametrize(('line', 'short'), [
    ('time.sleep(1)', True), ('sleep(1)', True), ('done.wait(5)', True), ('done.wait(PATIENCE)', False),
    ('done.wait()', False), ('thread.join(timeout=10)', True), ("poll(lambda: x, 'x')", False),
    ("poll(lambda: x, 'x', 30)", True), ("poll(lambda: x, 'x', patience=30)", True), ("','.join(['a'])", False),
    ("subprocess.run(['a'], timeout=20)", True), ("httpx.get('x', timeout=5.0)", True), ("values.get(5, 0)", True),
    ('server.ready(5)', True), ('clock.wait(500)', False),
])
def test_short_limits_are_seen(line, short):
    assert is_short(ast.parse(line).body[0].value) == short


@pytest.mark.parametrize(('line', 'race'), [
    ('time.monotonic() - started < 15', True), ('answer.elapsed.total_seconds() < 5', True), ('started > 5', False),
    ('time.monotonic() - started < LONGEST', False),
])
def test_races_are_seen(line, race):
    assert is_race(ast.parse(line).body[0].value) == race
