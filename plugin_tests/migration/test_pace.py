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


def test_nothing_waits_after_the_end():
    pace = Pace(1)
    pace.stop()
    pace.limited(lambda _: None)(10**9)
