"""What is kept in a process, and for how long."""
import time

from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.rest.http.json_response import JsonResponse
from slicer_package_manager.rest.middleware.response_cache import ResponseCache

LIMIT = 20_000


def answer(size=10):
    return JsonResponse(b'x' * size, 1, 'public, no-cache')


def test_an_answer_is_kept_for_its_question_and_version():
    kept, one = ResponseCache(), answer()
    kept.put('q', 1, one, LIMIT)
    assert kept.get('q', 1) is one
    assert kept.get('other', 1) is kept.get('q', 2) is None


def test_nothing_is_kept_of_an_unknown_version():
    kept = ResponseCache()
    kept.put('q', None, answer(), LIMIT)
    assert kept.get('q', None) is None


def test_a_new_version_drops_what_was_kept_of_the_old():
    kept = ResponseCache()
    kept.put('q', 1, answer(), LIMIT)
    kept.put('r', 2, answer(), LIMIT)
    assert kept.get('q', 1) is kept.get('q', 2) is None
    assert kept.get('r', 2)


def test_nothing_is_kept_for_more_than_a_minute(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now[0])
    kept, newer = ResponseCache(), answer()
    kept.put('q', 1, answer(), LIMIT)
    now[0] += 30
    kept.put('r', 1, answer(), LIMIT)
    now[0] += 30
    assert kept.get('q', 1)
    now[0] += 1
    assert kept.get('q', 1) is kept.get('r', 1) is None
    kept.put('q', 1, newer, LIMIT)
    assert kept.get('q', 1) is newer
    assert kept.get('r', 1) is None


def test_what_was_asked_for_the_longest_ago_goes_first():
    kept = ResponseCache()
    for name in 'abc':
        kept.put(name, 1, answer(4000), LIMIT)
    kept.get('a', 1)
    kept.put('d', 1, answer(4000), LIMIT)
    assert [name for name in 'abcd' if kept.get(name, 1)] == ['a', 'c', 'd']


def test_what_is_larger_than_all_room_is_not_kept():
    kept = ResponseCache()
    kept.put('small', 1, answer(), LIMIT)
    kept.put('large', 1, answer(LIMIT), LIMIT)
    kept.put('q' * LIMIT, 1, answer(), LIMIT)
    assert kept.get('large', 1) is kept.get('q' * LIMIT, 1) is None
    assert kept.get('small', 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 9000))))
def test_the_room_is_never_exceeded(puts):
    kept = ResponseCache()
    for question, version, size in puts:
        kept.put(question, version, answer(size), LIMIT)
        bodies = [one for number in range(10) for wanted in range(3) if (one := kept.get(number, wanted))]
        assert sum(len(one.body) for one in bodies) <= LIMIT
