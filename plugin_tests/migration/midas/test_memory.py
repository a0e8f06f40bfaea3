"""An import takes little memory for each extension, whatever else it takes."""
import tracemalloc

from benchmarks import midas

#: Bytes that one more extension with two files may take: 150,000 then take 300 MB.
MOST = 2000


def peak(number):
    tracemalloc.start()
    try:
        assert midas.walk(number) == 2 * number
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_reading_and_planning_takes_little_memory_for_each_extension():
    peak(10)  # what is imported and cached once
    assert (peak(2400) - peak(1200)) / 1200 < MOST  # from where on folders do not grow
