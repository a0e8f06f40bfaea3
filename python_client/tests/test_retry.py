import pytest

from slicer_package_manager_client.retry import PATIENCE, Retries, asked_pause, is_transient_status, pause_in


class Failure(Exception):
    def __init__(self, headers=None):
        super().__init__()
        self.response = type('Answer', (), {'headers': headers})() if headers else None


def failing(*errors):
    left = list(errors)

    def attempt():
        if left:
            raise left.pop(0)
        return 'done'

    return attempt


def test_pauses_grow_up_to_the_longest(pauses):
    retries = Retries(times=5, pause=1, longest=4, sleep=pauses.append)
    assert retries.attempts(lambda _error: True)(failing(*[Failure() for _ in range(5)])) == 'done'
    assert [0.75 * grown <= pause <= 1.25 * grown for pause, grown in zip(pauses, (1, 2, 4, 4, 4))] == [True] * 5


def test_the_last_error_is_raised_when_no_attempt_is_left(pauses):
    errors = [Failure(), Failure(), Failure()]
    with pytest.raises(Failure) as raised:
        Retries(times=2, sleep=pauses.append).attempts(lambda _error: True)(failing(*errors))
    assert raised.value is errors[-1]
    assert len(pauses) == 2


def test_what_cannot_pass_is_not_repeated(pauses):
    with pytest.raises(Failure):
        Retries(sleep=pauses.append).attempts(lambda _error: False)(failing(Failure()))
    assert pauses == []


def test_waits_as_long_as_the_server_asks(pauses):
    Retries(pause=1, sleep=pauses.append).attempts(lambda _error: True)(failing(Failure({'Retry-After': '17'})))
    assert pauses == [17]


def test_does_not_wait_longer_than_its_patience(pauses):
    error = Failure({'Retry-After': str(int(PATIENCE) + 1)})
    with pytest.raises(Failure):
        Retries(sleep=pauses.append).attempts(lambda _error: True)(failing(error))
    assert pauses == []


def test_the_notice_has_the_error_and_the_pause(pauses):
    notices = []
    Retries(pause=1, sleep=pauses.append, notice=lambda error, seconds: notices.append((error, seconds))).attempts(
        lambda _error: True)(failing(error := Failure()))
    assert notices == [(error, pauses[0])]


@pytest.mark.parametrize(('headers', 'seconds'), [
    pytest.param({'Retry-After': '5'}, 5, id='seconds'),
    pytest.param({'Retry-After': ' 5 '}, 5, id='seconds with spaces'),
    pytest.param({'Retry-After': 'Thu, 01 Jan 1970 00:16:50 GMT'}, 10, id='date'),
    pytest.param({'Retry-After': 'Thu, 01 Jan 1970 00:00:00 GMT'}, 0, id='date that is over'),
    pytest.param({'Retry-After': 'soon'}, None, id='neither'),
    pytest.param({'Retry-After': '²'}, None, id='a digit that is no number'),
    pytest.param({'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1030'}, 31, id='rate limit'),
    pytest.param({'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'x'}, None, id='unreadable rate limit'),
    pytest.param({'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '1030'}, None, id='limit not reached'),
    pytest.param({}, None, id='nothing asked'),
])
def test_understands_how_servers_ask_to_wait(headers, seconds):
    assert pause_in(headers, lambda: 1000.0) == seconds


@pytest.mark.parametrize(('status', 'transient'), [
    (200, False), (400, False), (403, False), (404, False), (408, True), (409, False), (429, True), (500, True),
    (503, True), (None, False)])
def test_repeats_what_may_pass(status, transient):
    assert is_transient_status(status) is transient


def test_an_error_may_ask_for_a_pause_by_itself():
    error = Failure({'other': '1'})
    error.pause = 60.0
    assert asked_pause(error) == 60.0
