"""The program that puts the server under too much load, with little load."""
import json
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from benchmarks import endurance
from benchmarks.clients import Load

pytestmark = [pytest.mark.database, pytest.mark.process]


@pytest.fixture
def server(two_servers):
    """The server, as far as the program knows it; the memory is that of a process that is there."""
    return SimpleNamespace(port=urlsplit(two_servers[0]).port, process=SimpleNamespace(pid=1))


@pytest.fixture
def paths(app, make):
    """The paths of a list, and of a file that is too large for the buffers of a connection."""
    item = make('extension', content=bytes(24 * 1024 * 1024))
    return f'/api/v1/app/{app["_id"]}/extension', f'/api/v1/item/{item["_id"]}/download'


def test_slow_clients_of_each_kind_are_connected_while_others_are_answered(server, paths, monkeypatch):
    monkeypatch.setattr(endurance.processes, 'tree', lambda _pid: [])
    listed, file = paths
    load = Load(server.port, dict.fromkeys(endurance.SLOW, 3), file)
    checks = list(endurance.endures('slow', server, load, {'health': endurance.HEALTH, 'list': listed}, asked=5))
    assert [check.measured.split(',')[0] for check in checks] == ['5 of 5', '5 of 5', '0 MiB']
    assert endurance.table(checks).count('\n') == 4


def test_requests_are_offered_and_their_answers_counted(server, paths):
    with endurance.clients(Load(server.port, {}, paths=(paths[0], '/api/v1/nothing'), rate=20, seconds=1)) as process:
        assert json.loads(process.stdout.readline()) == {'200': 10, '404': 10}


def test_a_missed_target_is_shown():
    check = endurance.Check('load', 'what', '1', '2', is_met=False)
    assert endurance.table([check]).endswith('| load | what | 1 | 2 | **missed** |')
