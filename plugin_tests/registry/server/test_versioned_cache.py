"""What the cache contains, and for how long."""
import time

from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.registry.server.versioned_cache import VersionedCache

LIMIT = 20_000


class Value:
    """What is cached."""

    def __init__(self, size=10):
        self.size = size


def put(cache, key, version, value):
    cache.put(key, version, value, value.size, LIMIT)


def test_a_value_is_cached_for_its_key_and_version():
    cache, one = VersionedCache(), Value()
    put(cache, 'q', 1, one)
    assert cache.get('q', 1) is one
    assert cache.get('other', 1) is cache.get('q', 2) is None


def test_nothing_is_cached_for_an_unknown_version():
    cache = VersionedCache()
    put(cache, 'q', None, Value())
    assert cache.get('q', None) is None


def test_a_new_version_removes_values_of_the_old_one():
    cache = VersionedCache()
    put(cache, 'q', 1, Value())
    put(cache, 'r', 2, Value())
    assert cache.get('q', 1) is cache.get('q', 2) is None
    assert cache.get('r', 2)


def test_no_value_is_cached_for_more_than_a_minute_and_each_has_its_own(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now[0])
    cache, newer, other = VersionedCache(), Value(), Value()
    put(cache, 'q', 1, Value())
    now[0] += 30
    put(cache, 'r', 1, other)
    now[0] += 30
    assert cache.get('q', 1)
    now[0] += 1
    assert cache.get('q', 1) is None
    assert cache.get('r', 1) is other
    put(cache, 'q', 1, newer)
    assert cache.get('q', 1) is newer
    now[0] += 30
    assert cache.get('q', 1) is newer
    assert cache.get('r', 1) is None


def test_the_least_recently_used_value_is_removed_first():
    cache = VersionedCache()
    for name in 'abc':
        put(cache, name, 1, Value(6000))
    cache.get('a', 1)
    put(cache, 'd', 1, Value(6000))
    assert [name for name in 'abcd' if cache.get(name, 1)] == ['a', 'c', 'd']


def test_a_value_larger_than_the_limit_is_not_cached():
    cache = VersionedCache()
    put(cache, 'small', 1, Value())
    put(cache, 'large', 1, Value(LIMIT + 1))
    assert cache.get('large', 1) is None
    assert cache.get('small', 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 9000))))
def test_the_limit_is_never_exceeded(puts):
    cache = VersionedCache()
    for key, version, size in puts:
        put(cache, key, version, Value(size))
        values = [one for number in range(10) for wanted in range(3) if (one := cache.get(number, wanted))]
        assert sum(one.size for one in values) <= LIMIT


def test_a_value_that_replaces_another_takes_its_place():
    cache = VersionedCache()
    for _ in range(10):
        put(cache, 'a', 1, Value(LIMIT // 2))
    put(cache, 'b', 1, Value(LIMIT // 2))
    assert cache.get('a', 1)
    assert cache.get('b', 1)
