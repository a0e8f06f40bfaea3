import pytest

from plugin_tests import servers


@pytest.fixture
def serve(tmp_path):
    """A maker of servers: ``serve('--workers', '1', data_dir=..., env={...})``."""
    with servers.starter(tmp_path) as start:
        yield start
