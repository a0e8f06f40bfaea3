import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slicer_package_manager.registry import values

TEXT = st.text(st.characters(exclude_categories=['Cs']))
CONTROLS = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]')


@given(TEXT)
def test_one_line_leaves_no_control_character(text):
    assert not CONTROLS.search(values.one_line(text))


@given(TEXT)
def test_one_line_changes_nothing_the_second_time(text):
    once = values.one_line(text)
    assert values.one_line(once) == once


@pytest.mark.parametrize('given_text', [
    pytest.param('a\nb', id='line feed'), pytest.param('a\r\n\r\nb', id='several breaks are one space'),
    pytest.param('a\x00b', id='NUL'), pytest.param('a\tb', id='tabulator'), pytest.param('a\x85b', id='C1'),
    pytest.param('a\u2028b', id='line separator'), pytest.param(' \n a\x1bb\n', id='ends are bare')])
def test_one_line_makes_a_space_of_control_characters(given_text):
    assert values.one_line(given_text) == 'a b'


@pytest.mark.parametrize(('value', 'what'), [
    (None, 'null'), (['a'], 'a list'), ({'a': 1}, 'an object'), (True, 'true or false'), (1, 'a number'),
    (1.5, 'a number')])
def test_one_line_refuses_what_is_no_text_and_names_its_type(value, what):
    with pytest.raises(ValueError, match=f'must be a text, not {what}'):
        values.one_line(value)


def test_one_line_refuses_half_a_character():
    with pytest.raises(ValueError, match='not valid Unicode'):
        values.one_line('a\ud800')


@pytest.mark.parametrize(('rule', 'fits', 'too_long'), [
    pytest.param(values.name, 'é' * 255, 'é' * 256, id='names count characters'),
    pytest.param(values.text, 'é' * 2048, 'é' * 2048 + 'a', id='texts count bytes'),
    pytest.param(values.html, 'a' * 65536, 'a' * 65537, id='descriptions count bytes'),
    pytest.param(values.html, '<b>' + 'a' * 65529 + '</b>', '<b>' + '&' * 20000 + '</b>',
                 id='descriptions count what is kept'),
    pytest.param(values.web_url, 'https://h/' + 'a' * 4086, 'https://h/' + 'a' * 4087, id='URLs count bytes')])
def test_a_text_has_a_limit(rule, fits, too_long):
    assert rule(fits) == fits
    with pytest.raises(ValueError, match='longer than'):
        rule(too_long)


@pytest.mark.parametrize(('given_html', 'kept'), [
    pytest.param('plain & simple', 'plain & simple', id='text is kept as it is'),
    pytest.param('<b>x</b><script>alert(1)</script>', '<b>x</b>', id='script'),
    pytest.param('<img src=x onerror=alert(1)>', '', id='picture'),
    pytest.param('<p onclick="x()">y</p>', '<p>y</p>', id='handler'),
    pytest.param('<a href="javascript:alert(1)">y</a>', '<a rel="noopener noreferrer">y</a>', id='javascript link'),
    pytest.param('<a href="mailto:a@b.org">y</a>', '<a href="mailto:a@b.org" rel="noopener noreferrer">y</a>',
                 id='mail link'),
    pytest.param('<a href="/x" title="t">y</a>', '<a href="/x" title="t" rel="noopener noreferrer">y</a>',
                 id='relative link'),
    pytest.param('<iframe src="https://x"></iframe><i>z</i>', '<i>z</i>', id='frame'),
    pytest.param('<b>unclosed', '<b>unclosed</b>', id='unclosed'),
    pytest.param('1 < 2', '1 &lt; 2', id='comparison'),
    pytest.param('<b>a&#10;b</b>', '<b>a b</b>', id='line break written as a character reference'),
    pytest.param('<b>a</b>\n<i>b</i>', '<b>a</b> <i>b</i>', id='line break')])
def test_html_keeps_text_tags_and_harmless_links_only(given_html, kept):
    assert values.html(given_html) == kept


@given(st.text('<>/&;#10bapi"= hrefscriptjavascript:onx\n', max_size=60))
@example('<p>&#13;<b>')
@example('<pre>&#10;&#10;x')
def test_html_is_one_line_and_changes_nothing_the_second_time(text):
    once = values.html(text)
    assert not CONTROLS.search(once)
    assert '<script' not in once
    assert values.html(once) == once


@pytest.mark.parametrize('url', [
    'https://example.org', 'http://example.org:8080/a?b=c#d', 'HTTPS://EXAMPLE.ORG/', 'https://[::1]/x',
    'https://münchen.de/ä'])
def test_web_urls_are_http_and_https(url):
    assert values.web_url(url) == url


@pytest.mark.parametrize('url', [
    'javascript:alert(1)', 'data:text/html,x', 'ftp://example.org', 'git://example.org/x', 'file:///etc/passwd',
    '//example.org', 'example.org', 'https://', 'https:///x', 'https:example.org', 'https://a b', 'https://[::1',
    'https://h:99999/', 'https://h:x/', 'https://h/<script>', 'https://h/"', 'https://h\\@evil', 'https://?x',
    'x https://example.org'])
def test_web_urls_are_nothing_else(url):
    with pytest.raises(ValueError, match='is not a URL'):
        values.web_url(url)


@pytest.mark.parametrize('url', ['git://example.org/x.git', 'ssh://git@example.org/x.git', 'https://github.com/a/b',
                                 'http://svn.example.org/x'])
def test_repositories_may_be_git_and_ssh_too(url):
    assert values.repository_url(url) == url


@given(TEXT)
def test_a_url_rule_gives_a_url_or_refuses(text):
    try:
        url = values.web_url(text)
    except ValueError:
        return
    assert not url or url.lower().startswith(('http://', 'https://'))


def test_an_empty_url_is_kept():
    assert values.web_url('') == ''


def test_several_urls_are_separated_by_one_space_each():
    assert values.web_urls(' https://a/1\n\nhttps://b/2  https://c/3 ') == 'https://a/1 https://b/2 https://c/3'


def test_each_of_several_urls_is_checked():
    with pytest.raises(ValueError, match='javascript'):
        values.web_urls('https://a/1 javascript:x')


@pytest.mark.parametrize(('word', 'value'), [
    (True, True), (False, False), ('true', True), ('True', True), ('1', True), ('on', True), ('yes', True),
    ('false', False), ('FALSE', False), ('0', False), ('off', False), ('no', False), (' true ', True)])
def test_boolean_takes_the_words_of_forms(word, value):
    assert values.boolean(word) is value


@pytest.mark.parametrize('value', ['maybe', '2', 'nope', 1, None, ['true']])
def test_boolean_refuses_anything_else(value):
    with pytest.raises(ValueError, match=r'neither true nor false|must be a text'):
        values.boolean(value)


@given(st.integers(-2**31, 2**31 - 1))
def test_integer_takes_numbers_of_32_bits_and_their_spelling(number):
    assert values.integer(number) == number
    assert values.integer(f' {number} ') == number


@pytest.mark.parametrize('value', [
    2**31, -2**31 - 1, '1' * 5000, '1.0', '1e3', 'NaN', 'inf', '0x10', '', 'one', True, 1.0, None, [1], '1_000',
    '١٢'])
def test_integer_refuses_anything_else(value):
    with pytest.raises(ValueError, match=r'whole number|out of range'):
        values.integer(value)


MOMENT = datetime(2026, 11, 1, 4, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize('spelling', [
    '2026-11-01T04:00:00Z', '2026-11-01T04:00:00+00:00', '2026-11-01T04:00:00.000000+00:00',
    '2026-11-01T04:00:00', '2026-11-01 04:00:00', '2026-11-01 04:00', '2026-10-31T23:00:00-05:00',
    '20261101T040000Z', '20261101040000', 'Sun, 01 Nov 2026 04:00:00 GMT', 'Sun, 01 Nov 2026 04:00:00 +0000',
    'Sun Nov  1 04:00:00 2026', '1 November 2026 04:00 UTC', '1793505600', '2026-11-01T04:00:00.0009Z',
    'Sat Oct 31 2026 23:00:00 GMT-0500', '2026-11-01 07:00:00 UTC+3',
    '2026-10-31 23:00:00 -0500 (Sat, 31 Oct 2026)', '2026-10-31 20:00:00 -0800 (PST)'])
def test_timestamp_understands_common_notations(spelling):
    assert values.timestamp(spelling) == MOMENT


def test_a_day_without_a_time_is_its_beginning_in_utc():
    assert values.timestamp('2026-11-01') == MOMENT.replace(hour=0)


@pytest.mark.parametrize('spelling', [
    'yesterday', 'now', '2026-13-01', '2026-11-31', '2026-11-01T25:00:00', 'x' * 5000, '9' * 4000, '-', 'T', '1e400',
    '2026-11-01T04:00:00 EST', '2026-11-01 04:00:00 PST-0800', '2026-11-01T04:00:00+99:00',
    '0001-01-01T00:00:00+05:00', '9999-12-31T23:59:59-05:00', '١٢٣', '\U0001f4c5',
    pytest.param('10', id='a day alone'), pytest.param('2026', id='a year alone'),
    pytest.param('2026-11', id='a month alone'), pytest.param('04:00', id='a time alone'),
    pytest.param('Sunday', id='a weekday alone')])
def test_timestamp_refuses_what_names_no_moment(spelling):
    with pytest.raises(ValueError, match=r'date and time|out of range|longer than'):
        values.timestamp(spelling)


@given(st.text('0123456789-:+.TZ apmGMTNov/', max_size=30) | TEXT)
def test_timestamp_gives_a_moment_or_refuses(text):
    try:
        moment = values.timestamp(text)
    except ValueError:
        return
    assert moment.tzinfo is timezone.utc


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(timezone.utc)))  # noqa: DTZ001
def test_timestamp_reads_what_it_answered(moment):
    kept = values.timestamp(moment)
    assert timedelta(0) <= moment - kept < timedelta(milliseconds=1)
    assert values.timestamp(kept.isoformat()) == kept


@given(TEXT)
def test_shortened_fits_into_a_message(text):
    assert len(values.shortened(text)) <= 80
    assert not CONTROLS.search(values.shortened(text))
