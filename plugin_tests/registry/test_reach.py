"""Which errors of the database pass, and when nobody waits for it any more."""
import pytest
from pymongo import errors

from slicer_package_manager.registry import reach


@pytest.mark.parametrize('error', [
    errors.AutoReconnect('closed'), errors.ServerSelectionTimeoutError('none'), errors.NetworkTimeout('slow'),
    errors.NotPrimaryError('another'), errors.ExecutionTimeout('slow', 50), errors.WTimeoutError('slow', 64),
    errors.WaitQueueTimeoutError('busy'), errors.OperationFailure('going down', 91),
    errors.OperationFailure('disk', 14031), errors.CursorNotFound('gone', 43),
    errors.OperationFailure('says so itself', 1, {'errorLabels': ['RetryableWriteError']}),
])
def test_what_passes_by_itself(error):
    assert reach.passes(error)


@pytest.mark.parametrize('error', [
    errors.OperationFailure('not allowed', 13), errors.OperationFailure('no such operator', 2),
    errors.DuplicateKeyError('twice', 11000), errors.ConfigurationError('no such option')])
def test_what_does_not(error):
    assert not reach.passes(error)


class Client:
    """Stands in for a client with one server."""

    def __init__(self, timeout=None):
        self.is_writable = True
        self.options = self
        self.timeout = timeout

    @property
    def topology_description(self):
        return self

    def server_descriptions(self):
        return {'one': self}


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(reach.time, 'monotonic', lambda: now[0])
    monkeypatch.setattr(reach, '_outage', reach._Outage())
    return now


@pytest.mark.parametrize(('timeout', 'patience'), [(None, 20), (7.0, 7)])
def test_a_database_is_lost_after_the_time_that_one_operation_may_take(monkeypatch, clock, timeout, patience):
    client = Client(timeout)
    monkeypatch.setattr(reach, 'getDbConnection', lambda: client)
    assert not reach.lost()
    client.is_writable = False
    assert not reach.lost()
    clock[0] += patience
    assert not reach.lost()
    clock[0] += 0.1
    assert reach.lost()
    client.is_writable = True
    assert not reach.lost()
    client.is_writable = False
    assert not reach.lost()
