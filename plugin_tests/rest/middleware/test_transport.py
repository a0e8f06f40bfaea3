import sys

import pytest

from slicer_package_manager.rest.middleware import transport


@pytest.fixture
def of_serve(monkeypatch):
    """The modules that ``serve`` has imported."""
    for name in ('girder.asgi', 'gunicorn'):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize(('module', 'limit'), [
    ('girder.asgi', 'Aborted downloads are counted'), ('girder.asgi', '64 KiB'), ('gunicorn', 'Slow clients')])
def test_a_server_that_can_do_less_is_warned_about(of_serve, monkeypatch, caplog, module, limit):
    monkeypatch.setitem(sys.modules, module, object())
    transport.warn_of_limits()
    (record,) = caplog.records
    assert limit in record.getMessage()
    assert 'slicer-package-manager serve' in record.getMessage()


def test_serve_is_not_warned_about(of_serve, caplog):
    transport.warn_of_limits()
    assert not caplog.records
