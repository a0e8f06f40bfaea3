from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.rest.http import semantics
from slicer_package_manager.rest.http.semantics import Part

MODIFIED = datetime(2026, 11, 1, 4, 0, 0, 500000, tzinfo=timezone.utc)
DATE = 'Sun, 01 Nov 2026 04:00:00 GMT'
EARLIER = 'Sun, 01 Nov 2026 03:59:59 GMT'
TAG = '"abc"'


@pytest.mark.parametrize(('header', 'part'), [
    pytest.param(None, None, id='none'),
    pytest.param('bytes=0-99', Part(0, 100), id='first bytes'),
    pytest.param('bytes=100-199', Part(100, 200), id='middle'),
    pytest.param('bytes=900-', Part(900, 1000), id='open'),
    pytest.param('bytes=0-', Part(0, 1000), id='open from the start'),
    pytest.param('bytes=999-5000', Part(999, 1000), id='end beyond the file'),
    pytest.param('bytes=-1', Part(999, 1000), id='last byte'),
    pytest.param('bytes=-5000', Part(0, 1000), id='suffix longer than the file'),
    pytest.param('BYTES=0-0', Part(0, 1), id='unit in capitals'),
    pytest.param(' bytes = 0-0 ', Part(0, 1), id='white space'),
    pytest.param('bytes=0-' + '9' * 4000, Part(0, 1000), id='number of 4000 digits'),
    pytest.param('bytes=5-2', None, id='reversed is ignored'),
    pytest.param('bytes=abc', None, id='words are ignored'),
    pytest.param('bytes=-', None, id='no number is ignored'),
    pytest.param('bytes=', None, id='nothing is ignored'),
    pytest.param('bytes=٣-٤', None, id='other digits are ignored'),
    pytest.param('bytes=1.5-2', None, id='fractions are ignored'),
    pytest.param('bytes=--5', None, id='signs are ignored'),
    pytest.param('items=0-5', None, id='other units are ignored'),
    pytest.param('bytes=0-0,5-6', None, id='several get the whole file'),
])
def test_a_range_header_names_a_part(header, part):
    assert semantics.requested_part(header, 1000) == part


@pytest.mark.parametrize(('header', 'size'), [
    ('bytes=1000-', 1000), ('bytes=1000-1001', 1000), ('bytes=-0', 1000), ('bytes=0-', 0), ('bytes=-5', 0),
    ('bytes=' + '9' * 4000 + '-', 1000)])
def test_a_range_beyond_the_file_is_unsatisfiable(header, size):
    with pytest.raises(semantics.Unsatisfiable):
        semantics.requested_part(header, size)


@given(st.text(), st.integers(0, 2**40))
def test_no_range_header_breaks_the_parser(text, size):
    try:
        part = semantics.requested_part(text, size)
    except semantics.Unsatisfiable:
        return
    assert part is None or 0 <= part.start < part.stop <= size


@given(st.integers(0, 2**50), st.integers(0, 2**50), st.integers(1, 2**50))
def test_a_range_gives_exactly_the_bytes_asked_for_that_exist(first, length, size):
    header = f'bytes={first}-{first + length}'
    if first >= size:
        with pytest.raises(semantics.Unsatisfiable):
            semantics.requested_part(header, size)
    else:
        assert semantics.requested_part(header, size) == (first, min(first + length + 1, size))


@pytest.mark.parametrize(('headers', 'known'), [
    ({}, False),
    ({'If-None-Match': TAG}, True),
    ({'If-None-Match': f'"x", {TAG}'}, True),
    ({'If-None-Match': f'W/{TAG}'}, True),
    ({'If-None-Match': '*'}, True),
    ({'If-None-Match': '"x"'}, False),
    ({'If-None-Match': '"x"', 'If-Modified-Since': DATE}, False),
    ({'If-Modified-Since': DATE}, True),
    ({'If-Modified-Since': EARLIER}, False),
    ({'If-Modified-Since': 'yesterday'}, False),
    ({'If-Modified-Since': ''}, False),
])
def test_not_modified(headers, known):
    assert semantics.not_modified(headers, TAG, MODIFIED) is known


@pytest.mark.parametrize(('headers', 'failed'), [
    ({}, False), ({'If-Match': TAG}, False), ({'If-Match': '*'}, False), ({'If-Match': '"x"'}, True),
    ({'If-Match': f'W/{TAG}'}, True), ({'If-Unmodified-Since': DATE}, False),
    ({'If-Unmodified-Since': EARLIER}, True), ({'If-Unmodified-Since': 'nonsense'}, False)])
def test_precondition_failed(headers, failed):
    assert semantics.precondition_failed(headers, TAG, MODIFIED) is failed


@pytest.mark.parametrize(('header', 'applies'), [
    (None, True), (TAG, True), ('"x"', False), (f'W/{TAG}', False), (DATE, True), (EARLIER, False),
    ('nonsense', False), ('', False)])
def test_a_range_applies_only_to_the_state_that_if_range_names(header, applies):
    headers = {} if header is None else {'If-Range': header}
    assert semantics.range_applies(headers, TAG, MODIFIED) is applies


def test_dates_are_in_gmt():
    assert semantics.http_date(MODIFIED.astimezone(timezone(timedelta(hours=5)))) == DATE


@pytest.mark.parametrize(('name', 'header'), [
    ('Slicer-5.8.1-linux-amd64.tar.gz', 'attachment; filename="Slicer-5.8.1-linux-amd64.tar.gz"'),
    ('a b.zip', 'attachment; filename="a b.zip"'),
    ('ü.zip', "attachment; filename=\"_.zip\"; filename*=UTF-8''%C3%BC.zip"),
    ('ß"\\\r\n.zip', "attachment; filename=\"_____.zip\"; filename*=UTF-8''%C3%9F%22%5C%0D%0A.zip"),
    ('100%.zip', "attachment; filename=\"100_.zip\"; filename*=UTF-8''100%25.zip"),
])
def test_content_disposition_names_the_file(name, header):
    assert semantics.content_disposition(name) == header


@given(st.text())
def test_content_disposition_is_always_one_header_in_ascii(name):
    value = semantics.content_disposition(name)
    assert value.isascii()
    assert value.isprintable()
