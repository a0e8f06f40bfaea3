import pytest

from slicer_package_manager.registry.schema import errors


@pytest.mark.parametrize(('error', 'status'), [
    (errors.NotFound, 404), (errors.Conflict, 409), (errors.Forbidden, 403), (errors.TooLarge, 413),
    (errors.LengthRequired, 411),
    (errors.TooManyRequests, 429), (errors.BadGateway, 502), (errors.OffsetMismatch, 400),
    (errors.InsufficientStorage, 507)])
def test_an_error_has_its_status_and_its_message(error, status):
    raised = error('why')
    assert (raised.code, str(raised)) == (status, 'why')


def test_an_unavailable_server_states_when_to_try_again():
    raised = errors.Unavailable('why', 5)
    assert (raised.code, str(raised), raised.after) == (503, 'why', 5)


def test_invalid_values_are_all_named():
    raised = errors.Invalid(iter([('a', 'is wrong'), ('b', 'is empty')]))
    assert (str(raised), raised.field) == ('Invalid values: a: is wrong; b: is empty.', 'a')
    assert raised.problems == [('a', 'is wrong'), ('b', 'is empty')]
