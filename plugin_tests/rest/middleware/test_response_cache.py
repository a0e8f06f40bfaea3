"""What the cache contains, and for how long."""
import time

from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware.response_cache import ResponseCache

LIMIT = 20_000


def response(size=10):
    return JsonResponse(b'x' * size, 1, 'public, no-cache')


def test_a_response_is_cached_for_its_key_and_version():
    cache, one = ResponseCache(), response()
    cache.put('q', 1, one, LIMIT)
    assert cache.get('q', 1) is one
    assert cache.get('other', 1) is cache.get('q', 2) is None


def test_nothing_is_cached_for_an_unknown_version():
    cache = ResponseCache()
    cache.put('q', None, response(), LIMIT)
    assert cache.get('q', None) is None


def test_a_new_version_removes_responses_of_the_old_one():
    cache = ResponseCache()
    cache.put('q', 1, response(), LIMIT)
    cache.put('r', 2, response(), LIMIT)
    assert cache.get('q', 1) is cache.get('q', 2) is None
    assert cache.get('r', 2)


def test_nothing_is_cached_for_more_than_a_minute(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now[0])
    cache, newer = ResponseCache(), response()
    cache.put('q', 1, response(), LIMIT)
    now[0] += 30
    cache.put('r', 1, response(), LIMIT)
    now[0] += 30
    assert cache.get('q', 1)
    now[0] += 1
    assert cache.get('q', 1) is cache.get('r', 1) is None
    cache.put('q', 1, newer, LIMIT)
    assert cache.get('q', 1) is newer
    assert cache.get('r', 1) is None


def test_the_least_recently_used_response_is_removed_first():
    cache = ResponseCache()
    for name in 'abc':
        cache.put(name, 1, response(4000), LIMIT)
    cache.get('a', 1)
    cache.put('d', 1, response(4000), LIMIT)
    assert [name for name in 'abcd' if cache.get(name, 1)] == ['a', 'c', 'd']


def test_a_response_larger_than_the_limit_is_not_cached():
    cache = ResponseCache()
    cache.put('small', 1, response(), LIMIT)
    cache.put('large', 1, response(LIMIT), LIMIT)
    cache.put('q' * LIMIT, 1, response(), LIMIT)
    assert cache.get('large', 1) is cache.get('q' * LIMIT, 1) is None
    assert cache.get('small', 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 9000))))
def test_the_limit_is_never_exceeded(puts):
    cache = ResponseCache()
    for key, version, size in puts:
        cache.put(key, version, response(size), LIMIT)
        bodies = [one for number in range(10) for wanted in range(3) if (one := cache.get(number, wanted))]
        assert sum(len(one.body) for one in bodies) <= LIMIT
