import pytest

from plugin_tests.waiting import poll
from slicer_package_manager.migration.pace import Pace


def test_reading_waits_so_that_the_rate_is_kept():
    now, done = [0.0], []

    def sleep(seconds):
        now[0] += seconds
    advance = Pace(100, lambda: now[0], sleep).limited(done.append)
    for number in (50, 150, 0):
        advance(number)
    assert (now, done) == ([2.0], [50, 150, 0])
    now[0] += 10
    advance(100)
    assert now == [13.0]


def test_without_a_rate_nothing_waits():
    Pace(None, sleep=None).limited(lambda _: None)(100)


def test_an_interruption_ends_the_threads_and_what_they_wait_for():
    pace, done = Pace(1), []

    def read():
        pace.limited(done.append)(10**9)

    def run():
        with pace.workers(1) as workers:
            for _ in range(3):
                workers.submit(read)
            poll(lambda: done, 'a thread reads')
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        run()
    assert done == [10**9]
