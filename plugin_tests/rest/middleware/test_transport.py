import sys

from slicer_package_manager.rest.middleware import transport


def test_girders_asgi_server_is_warned_about(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, 'girder.asgi', object())
    transport.warn_if_aborts_are_hidden()
    assert 'slicer-package-manager serve' in caplog.text


def test_other_servers_are_not_warned_about(monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, 'girder.asgi', raising=False)
    transport.warn_if_aborts_are_hidden()
    assert not caplog.records
