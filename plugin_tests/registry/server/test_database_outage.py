"""Which database errors are temporary, and when requests stop waiting for it."""
import pytest
from pymongo import errors

from slicer_package_manager.registry.server import database_outage


@pytest.mark.parametrize('error', [
    errors.AutoReconnect('closed'), errors.ServerSelectionTimeoutError('none'), errors.NetworkTimeout('slow'),
    errors.NotPrimaryError('another'), errors.ExecutionTimeout('slow', 50), errors.WTimeoutError('slow', 64),
    errors.WaitQueueTimeoutError('busy'), errors.OperationFailure('going down', 91),
    errors.OperationFailure('disk', 14031), errors.CursorNotFound('gone', 43),
    *(errors.OperationFailure('says so itself', 1, {'errorLabels': [label]}) for label in (
        'RetryableWriteError', 'TransientTransactionError', 'UnknownTransactionCommitResult')),
])
def test_what_passes_by_itself(error):
    assert database_outage.passes(error)


@pytest.mark.parametrize('error', [
    errors.OperationFailure('not allowed', 13), errors.OperationFailure('no such operator', 2),
    errors.DuplicateKeyError('twice', 11000), errors.ConfigurationError('no such option')])
def test_what_does_not(error):
    assert not database_outage.passes(error)


class Client:
    """Stand-in for a client with one server."""

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
    monkeypatch.setattr(database_outage.time, 'monotonic', lambda: now[0])
    monkeypatch.setattr(database_outage, '_outage', database_outage._Outage())
    return now


@pytest.mark.parametrize(('timeout', 'patience'), [(None, 20), (7.0, 7)])
def test_a_database_is_lost_after_the_time_that_one_operation_may_take(monkeypatch, clock, timeout, patience):
    client = Client(timeout)
    monkeypatch.setattr(database_outage, 'getDbConnection', lambda: client)
    assert not database_outage.lost()
    client.is_writable = False
    assert not database_outage.lost()
    clock[0] += patience
    assert not database_outage.lost()
    clock[0] += 0.1
    assert database_outage.lost()
    client.is_writable = True
    assert not database_outage.lost()
    client.is_writable = False
    assert not database_outage.lost()
