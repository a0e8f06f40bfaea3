import html
import re
import time
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from itertools import zip_longest

import pytest
from bson.objectid import ObjectId
from hypothesis import example, given
from hypothesis import strategies as st

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.validators import Input, clean_all

TEXT = st.text(st.characters(exclude_categories=['Cs']))
CONTROLS = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]')


@given(TEXT)
def test_one_line_leaves_no_control_character(text):
    assert not CONTROLS.search(validators.one_line(text))


@given(TEXT)
def test_one_line_changes_nothing_the_second_time(text):
    once = validators.one_line(text)
    assert validators.one_line(once) == once


@pytest.mark.parametrize('given_text', [
    pytest.param('a\nb', id='line feed'), pytest.param('a\r\n\r\nb', id='several breaks are one space'),
    pytest.param('a\x00b', id='NUL'), pytest.param('a\tb', id='tabulator'), pytest.param('a\x85b', id='C1'),
    pytest.param('a\u2028b', id='line separator'), pytest.param(' \n a\x1bb\n', id='ends are bare')])
def test_one_line_makes_a_space_of_control_characters(given_text):
    assert validators.one_line(given_text) == 'a b'


@pytest.mark.parametrize(('value', 'what'), [
    (None, 'null'), (['a'], 'a list'), (('a',), 'a list'),
    ({'a': 1}, 'an object'), (True, 'true or false'), (1, 'a number'),
    (1.5, 'a number')])
def test_one_line_refuses_other_types_by_name(value, what):
    with pytest.raises(ValueError, match=f'must be a string, not {what}'):
        validators.one_line(value)


def test_one_line_refuses_half_a_character():
    with pytest.raises(ValueError, match=r'^is not valid Unicode text$'):
        validators.one_line('a\ud800')


@pytest.mark.parametrize(('rule', 'fits', 'too_long'), [
    pytest.param(validators.name, 'é' * 255, 'é' * 256, id='names count characters'),
    pytest.param(validators.text, 'é' * 2048, 'é' * 2048 + 'a', id='texts count bytes'),
    pytest.param(validators.html, 'a' * 65536, 'a' * 65537, id='descriptions count bytes'),
    pytest.param(validators.html, '<b>' + 'a' * 65529 + '</b>', '<b>' + '&' * 20000 + '</b>',
                 id='descriptions count what is kept'),
    pytest.param(validators.web_url, 'https://h/' + 'a' * 4086, 'https://h/' + 'a' * 4087, id='URLs count bytes'),
    pytest.param(validators.repository_url, 'é' * 2048, 'é' * 2048 + 'a', id='repositories count bytes')])
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
    pytest.param('<a href="http://x">y</a>', '<a href="http://x" rel="noopener noreferrer">y</a>', id='http link'),
    pytest.param('<a href="ftp://x">y</a>', '<a rel="noopener noreferrer">y</a>', id='ftp link'),
    pytest.param('<script>x</SCRIPT>y', 'y', id='script that ends in capitals'),
    pytest.param('</script><script>x</script>y', '&lt;/script&gt;y', id='end of a script before its start'),
    pytest.param('</div>z', '&lt;/div&gt;z', id='end of an element alone'),
    pytest.param('<iframe src="https://x"></iframe><i>z</i>', '<i>z</i>', id='frame'),
    pytest.param('<b>unclosed', '<b>unclosed</b>', id='unclosed'),
    pytest.param('std::vector<int> & friends', 'std::vector&lt;int&gt; &amp; friends', id='template'),
    pytest.param('Load <SubjectID>/anat', 'Load &lt;SubjectID&gt;/anat', id='placeholder'),
    pytest.param('Load <source>/<object>', 'Load &lt;source&gt;/&lt;object&gt;', id='named like an element'),
    pytest.param('see <https://example.org/x>', 'see &lt;https://example.org/x&gt;', id='URL in angle brackets'),
    pytest.param('me <me@example.org>', 'me &lt;me@example.org&gt;', id='address in angle brackets'),
    pytest.param('<!-- x -->', '&lt;!-- x --&gt;', id='comment'),
    pytest.param('Cf <<A of B.> C', 'Cf &lt;&lt;A of B.&gt; C', id='doubled bracket'),
    pytest.param('<b>x</b> <T> &lt; &amp; &eacute;', '<b>x</b> &lt;T&gt; &lt; &amp; é',
                 id='references are not escaped again'),
    pytest.param('&lt;b&gt; &amp; &eacute;', '&lt;b&gt; &amp; &eacute;', id='references alone'),
    pytest.param('<div class="x">y</div> <h1>z</h1>', 'y z', id='other elements lose their tags'),
    pytest.param('<scr<script></script>ipt>x', '&lt;script&gt;x', id='script in script'),
    pytest.param('<BR/>x<Li>y', '<br>x<li>y</li>', id='capitals'),
    pytest.param('1 < 2', '1 &lt; 2', id='comparison'),
    pytest.param('<b>a&#10;b</b>', '<b>a b</b>', id='line break written as a character reference'),
    pytest.param('<b>a</b>\n<i>b</i>', '<b>a</b> <i>b</i>', id='line break')])
def test_html_keeps_text_tags_and_harmless_links_only(given_html, kept):
    assert validators.html(given_html) == kept


@given(st.text('<>/&;#10bapi"= hrefscriptjavascript:onx\n', max_size=60))
@example('<p>&#13;<b>')
@example('<pre>&#10;&#10;x')
def test_html_is_one_line_and_changes_nothing_the_second_time(text):
    once = validators.html(text)
    assert not CONTROLS.search(once)
    assert '<script' not in once
    assert validators.html(once) == once


WORDS = st.lists(st.sampled_from([
    'int', 'std::map<K, V>', '<SubjectID>', '<https://example.org/x>', 'a & b', '<', '>', '<<', '</', 'x<y', '<1>',
    '</T>', '<é>', '<T a="b">', '<b', '"', "'", '<!-- c -->', '<!DOCTYPE x>', '<?php', '&', 'AT&T', '<a', 'b>',
    '<script', 'style>']))


TAGS = st.lists(st.sampled_from([
    '<b>', '</b>', '<i>', '<br>', '<ul><li>', '</p>', '<a href="https://h">', '</a>']))


@given(WORDS, TAGS)
def test_no_text_is_lost_and_markup_stays_safe(words, tags):
    given_html = '|' + ''.join(f'{word} | {tag}' for word, tag in zip_longest(words, tags, fillvalue=''))
    kept = validators.html(given_html)
    shown = html.unescape(re.sub('<[^<>]*>', '', kept))
    left = html.unescape(re.sub(r'</?(?:b|i|br|ul|li|p|a|a href="https://h")>', '', given_html))
    assert ''.join(shown.split()) == ''.join(left.split())
    assert validators.html(kept) == kept
    assert set(re.findall('<[^<>]*>', kept)) <= {*SAFE_TAGS}


SAFE_TAGS = ('<b>', '</b>', '<i>', '</i>', '<br>', '<ul>', '</ul>', '<li>', '</li>', '<p>', '</p>', '</a>',
             '<a href="https://h" rel="noopener noreferrer">')


@pytest.mark.parametrize('url', [
    'https://example.org', 'http://example.org:8080/a?b=c#d', 'HTTPS://EXAMPLE.ORG/', 'https://[::1]/x',
    'https://münchen.de/ä'])
@pytest.mark.parametrize('rule', [validators.web_url, validators.icon_url, validators.web_urls])
def test_web_urls_are_http_and_https(rule, url):
    assert (rule(url), rule.left_out(url)) == (url, [])


@pytest.mark.parametrize('url', [
    'javascript:alert(1)', 'data:text/html', 'ftp://example.org', 'git://example.org/x', 'file:///etc/passwd',
    '//example.org', 'example.org', 'icon.png', 'https://', 'https:///x', 'https:example.org', 'https://[::1',
    'https://h:99999/', 'https://h:x/', 'https://h/<script>', 'https://h/"', 'https://h\\evil', 'https://?x', 'n.a.'])
@pytest.mark.parametrize('rule', [validators.web_url, validators.icon_url, validators.web_urls])
def test_other_texts_than_web_urls_are_dropped_and_reported(rule, url):
    assert (rule(url), rule.left_out(url)) == ('', [url])
    assert rule(f'{url} https://example.org/1') == 'https://example.org/1'


@given(TEXT)
def test_a_url_rule_gives_a_url_or_nothing(text):
    url = validators.web_url(text)
    assert not url or url.lower().startswith(('http://', 'https://'))


@pytest.mark.parametrize(('given_urls', 'kept'), [
    (' https://a/1\n\nhttps://b/2  https://c/3 ', 'https://a/1 https://b/2 https://c/3'),
    ('https://a/1,https://b/2', 'https://a/1 https://b/2'), ('https://a/1;https://b/2;', 'https://a/1 https://b/2'),
    ('https://a/1, x.png; ;https://b/2,N/a', 'https://a/1 https://b/2'), ('NA', ''), (',;', '')])
def test_several_urls_are_separated_by_one_space_each(given_urls, kept):
    assert validators.web_urls(given_urls) == kept
    assert validators.web_urls(kept) == kept


def test_an_entry_for_an_empty_list_is_reported_only_in_place_of_one_url():
    assert validators.web_urls.left_out('NA') == []
    assert validators.web_url.left_out('N/a') == ['N/a']


@pytest.mark.parametrize(('rule', 'kept', 'left_out'), [
    (validators.icon_url, 'https://a/1', ['x.png', 'https://b/2', 'https://c/3']),
    (validators.web_url, 'https://c/3', ['x.png,https://a/1;https://b/2'])])
def test_of_several_icons_and_pages_the_first_is_kept(rule, kept, left_out):
    text = 'x.png,https://a/1;https://b/2 https://c/3'
    assert (rule(text), rule.left_out(text)) == (kept, left_out)


@pytest.mark.parametrize('where', [
    'git@github.com:x/y.git', 'ssh://git@example.org:22/x', 'git+ssh://git@example.org/x', 'svn://example.org/x',
    'file:///srv/git/x', '/home/me/src', 'C:/src', 'C:\\src', 'NA', 'git://example.org/x.git', '../x',
    'https://github.com/a/b', 'https://medium.com/@me', 'https://h:8080/@x', 'https://h/x?mail=a@b.org', 'x y', ''])
def test_a_repository_is_any_text(where):
    assert validators.repository_url(where) == where


@pytest.mark.parametrize(('given_url', 'kept'), [
    ('https://gitlab-ci-token:SECRET@host/x.git', 'https://host/x.git'), ('https://SECRET@host/x', 'https://host/x'),
    ('HTTPS://u:SECRET@host', 'HTTPS://host'), ('https://u:p%40SECRET@host', 'https://host'),
    ('https://:SECRET@host', 'https://host'), ('https://u@v:SECRET@host', 'https://host'),
    ('https://u:SEC/RET@host/x', 'https://host/x'), ('https://u:SEC#RET@host', 'https://host'),
    ('https://u:SEC"RET@host', 'https://host'), ('https:\\\\u:SECRET@host', 'https:\\\\host'),
    ('git+https://u:SECRET@host/x', 'git+https://host/x'), ('ext::https://u:SECRET@host', 'ext::https://host'),
    ('ftp://u:SECRET@host', 'ftp://host'), ('svn://u:SECRET@host', 'svn://host'), ('//u:SECRET@host/x', '//host/x'),
    ('ssh://git:SECRET@host/x', 'ssh://git@host/x'), ('SVN+SSH://u:SECRET@host/x', 'SVN+SSH://u@host/x'),
    ('ssh://git%3ASECRET@host/x', 'ssh://git@host/x'),
    ('https://p/?url=https://u:SECRET@host/x', 'https://p/?url=https://host/x'),
    ('https://p/?u=https%3A%2F%2Fu%3ASECRET%40host%2Fx', 'https://p/?u=https%3A%2F%2Fhost%2Fx'),
    ('https://u:SECRET@a https://v:SECRET@b', 'https://a https://b')])
@pytest.mark.parametrize('rule', [validators.repository_url, validators.text, validators.html])
def test_credentials_are_cut_out_of_urls(rule, given_url, kept):
    assert rule(given_url) == kept
    assert rule(f'see {given_url} there') == f'see {kept} there'
    assert rule(kept) == kept


def test_credentials_are_cut_out_of_addresses_of_scp():
    assert validators.repository_url('user:SECRET@host:path') == 'user@host:path'
    assert validators.text('Contact:me@example.org') == 'Contact:me@example.org'


@pytest.mark.parametrize('text', [
    '<a href="https://u:SECRET@host/">x</a>', "<a title=x href='https://u:SECRET@host/'>x</a>",
    'https:&#x2f;/u:SECRET&#64;host', '<b>https://u:SEC&lt;RET@host</b>', '&lt;https://u:SEC&quot;RET@host'])
def test_credentials_are_cut_out_of_markup(text):
    kept = validators.html(text)
    assert 'RET' not in kept
    assert 'host' in kept
    assert validators.html(kept) == kept


@pytest.mark.parametrize('text', [
    '<a b="' * 11000, "<a t='" * 13000, '<script>' * 8000, '<a ' + 'x ' * 32000, 'https://a:' * 6500,
    'a:' * 32000, 'https://' + 'a@' * 28000, '<b x=1>' * 4000 + '<p>' * 10000, 'https://a%40' * 5400, 'a' * 65000 + '@',
    'http://u:x<' * 5000 + '@', '<' * 65000])
def test_no_description_takes_long(text):
    began = time.process_time()
    with suppress(ValueError):  # it may be too long
        validators.html(text)
    assert time.process_time() - began < 10


@pytest.mark.parametrize(('given_names', 'kept'), [
    ('NA', ''), ('N/A', ''), ('NA NA', ''), (' A  B ', 'A B'), ('A NA', 'A'), ('NAMIC', 'NAMIC'), ('', '')])
def test_entries_that_mean_an_empty_list_are_dropped(given_names, kept):
    assert validators.names(given_names) == kept


@pytest.mark.parametrize(('given', 'kept'), [
    ('NA', ''), (' n/a ', ''), ('', ''), ('needle,  guidance', 'needle,  guidance'), ('NA Smith, B', 'NA Smith, B')])
def test_a_list_in_free_text_is_unchanged_unless_it_means_an_empty_one(given, kept):
    assert validators.free_list(given) == kept


@pytest.mark.parametrize(('word', 'value'), [
    (True, True), (False, False), ('true', True), ('True', True), ('1', True), ('on', True), ('yes', True),
    ('false', False), ('FALSE', False), ('0', False), ('off', False), ('no', False), (' true ', True)])
def test_boolean_takes_the_words_of_forms(word, value):
    assert validators.boolean(word) is value


@pytest.mark.parametrize('value', ['maybe', '2', 'nope', 1, None, ['true']])
def test_boolean_refuses_anything_else(value):
    with pytest.raises(ValueError, match=r'neither true nor false|must be a string'):
        validators.boolean(value)


@given(st.integers(-2**31, 2**31 - 1))
def test_integer_takes_numbers_of_32_bits_and_their_spelling(number):
    assert validators.integer(number) == number
    assert validators.integer(f' {number} ') == number


@pytest.mark.parametrize('value', [
    2**31, -2**31 - 1, '1' * 5000, '1.0', '1e3', 'NaN', 'inf', '0x10', '', 'one', True, 1.0, None, [1], '1_000',
    '١٢'])
def test_integer_refuses_anything_else(value):
    with pytest.raises(ValueError, match=r'whole number|out of range'):
        validators.integer(value)


MOMENT = datetime(2026, 11, 1, 4, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize('spelling', [
    '2026-11-01T04:00:00Z', '2026-11-01T04:00:00+00:00', '2026-11-01T04:00:00.000000+00:00',
    '2026-11-01T04:00:00', '2026-11-01 04:00:00', '2026-11-01 04:00', '2026-10-31T23:00:00-05:00',
    '20261101T040000Z', '20261101040000', 'Sun, 01 Nov 2026 04:00:00 GMT', 'Sun, 01 Nov 2026 04:00:00 +0000',
    'Sun Nov  1 04:00:00 2026', '1 November 2026 04:00 UTC', '1793505600', '2026-11-01T04:00:00.0009Z',
    'Sat Oct 31 2026 23:00:00 GMT-0500', '2026-11-01 07:00:00 UTC+3',
    '2026-10-31 23:00:00 -0500 (Sat, 31 Oct 2026)', '2026-10-31 20:00:00 -0800 (PST)'])
def test_timestamp_understands_common_notations(spelling):
    assert validators.timestamp(spelling) == MOMENT


@pytest.mark.parametrize(('moment', 'stored'), [
    (MOMENT.replace(tzinfo=None), MOMENT), (MOMENT.astimezone(timezone(timedelta(hours=3))), MOMENT)])
def test_timestamp_takes_times_with_and_without_a_zone(moment, stored):
    assert validators.timestamp(moment).isoformat() == stored.isoformat()


def test_a_day_without_a_time_is_its_beginning_in_utc():
    assert validators.timestamp('2026-11-01') == MOMENT.replace(hour=0)


@pytest.mark.parametrize('spelling', [
    'yesterday', 'now', '2026-13-01', '2026-11-31', '2026-11-01T25:00:00', 'x' * 5000, '9' * 4000, '-', 'T', '1e400',
    '2026-11-01T04:00:00 EST', '2026-11-01 04:00:00 PST-0800', '2026-11-01T04:00:00+99:00',
    '0001-01-01T00:00:00+05:00', '9999-12-31T23:59:59-05:00', '١٢٣', '\U0001f4c5',
    pytest.param('10', id='a day alone'), pytest.param('2026', id='a year alone'),
    pytest.param('2026-11', id='a month alone'), pytest.param('04:00', id='a time alone'),
    pytest.param('Sunday', id='a weekday alone')])
def test_timestamp_refuses_other_texts(spelling):
    with pytest.raises(ValueError, match=r'date and time|out of range|longer than'):
        validators.timestamp(spelling)


@given(st.text('0123456789-:+.TZ apmGMTNov/', max_size=30) | TEXT)
def test_timestamp_gives_a_moment_or_refuses(text):
    try:
        moment = validators.timestamp(text)
    except ValueError:
        return
    assert moment.tzinfo is timezone.utc


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(timezone.utc)))  # noqa: DTZ001
def test_timestamp_reads_what_it_answered(moment):
    kept = validators.timestamp(moment)
    assert timedelta(0) <= moment - kept < timedelta(milliseconds=1)
    assert validators.timestamp(kept.isoformat()) == kept


@given(TEXT)
def test_shortened_fits_into_a_message(text):
    assert len(validators.shortened(text)) <= 80
    assert not CONTROLS.search(validators.shortened(text))


@pytest.mark.parametrize(('text', 'shown'), [
    ('x' * 80, 'x' * 80), ('x' * 81, 'x' * 77 + '...'), ('a\nb', 'a b')])
def test_a_longer_text_is_shortened_to_80_characters(text, shown):
    assert validators.shortened(text) == shown


@pytest.mark.parametrize(('text', 'is_id'), [
    ('5f4474d0e1d8c75dfc705482', True), ('5F4474D0E1D8C75DFC705482', True), ('5f4474d0e1d8c75dfc70548', False),
    ('5f4474d0e1d8c75dfc7054822', False), ('zf4474d0e1d8c75dfc705482', False), ('5f4474d0e1d8c75dfc705482\n', False),
    ('', False), (None, False), (b'5f4474d0e1d8', False), ({'$ne': 1}, False), ('Slicer-5.8.0', False)])
def test_an_id_is_24_hexadecimal_digits(text, is_id):
    assert validators.object_id(text) == (ObjectId(text) if is_id else None)


@pytest.mark.parametrize('number', [-2**31, 2**31 - 1])
def test_integer_takes_the_numbers_at_the_ends_of_32_bits(number):
    assert validators.integer(number) == number


@pytest.mark.parametrize(('value', 'message'), [
    (None, 'must be a whole number, not null'), (True, 'must be a whole number, not true or false'),
    ('one', '"one" is not a whole number'), (-2**31 - 1, '"-2147483649" is out of range'),
    ('2147483648', '"2147483648" is out of range')])
def test_integer_reports_the_value(value, message):
    with pytest.raises(ValueError, match=f'^{re.escape(message)}$'):
        validators.integer(value)


@pytest.mark.parametrize('name', ['Slicer.zip', 'é' * 127, '..zip', ' a '])
def test_file_names_are_names_without_a_path(name):
    assert validators.file_name(name) == name.strip()


@pytest.mark.parametrize(('name', 'message'), [
    *((name, 'must be the name of a file, without a path') for name in ('', ' ', 'a/b', 'a\\b', '.', '..')),
    ('é' * 128, 'is longer than 255 bytes, the limit of file systems'), ('a' * 256, 'is longer than 255 characters')])
def test_other_file_names_are_refused(name, message):
    with pytest.raises(ValueError, match=f'^{message}$'):
        validators.file_name(name)


def test_a_digest_is_stored_in_lower_case():
    assert validators.sha512('AB' * 64) == 'ab' * 64


@pytest.mark.parametrize('value', ['', 'ab' * 63, 'ab' * 65, 'xy' * 64, None])
def test_another_text_is_not_a_digest(value):
    with pytest.raises(ValueError, match=r'^must be 128 hexadecimal digits$'):
        validators.sha512(value)


def test_the_words_of_a_search_are_distinct_and_in_lower_case():
    assert validators.words(' Needle  guidance NEEDLE\tSTRASSE straße') == ['needle', 'guidance', 'strasse']
    assert validators.words(' '.join(map(str, range(16)))) == list(map(str, range(16)))
    assert validators.words('x' * 255) == ['x' * 255]


@pytest.mark.parametrize(('text', 'message'), [
    (' '.join(map(str, range(17))), 'has 17 different words, and at most 16 can be searched for'),
    ('x' * 256, 'is longer than 255 characters')])
def test_longer_searches_are_refused(text, message):
    with pytest.raises(ValueError, match=f'^{message}$'):
        validators.words(text)


@pytest.mark.parametrize(('text', 'has_one'), [('a b', False), ('', False), ('a\nb', True), ('\x7f', True)])
def test_control_characters_are_noticed(text, has_one):
    assert validators.has_control_characters(text) is has_one


def test_all_values_go_through_their_validators():
    given = {'a': Input(' x ', validators.name), 'b': Input(None, validators.text, required=False)}
    assert clean_all(**given) == {'a': 'x', 'b': ''}


@pytest.mark.parametrize('value', ['', None, ' \n '])
def test_a_required_value_must_not_be_empty(value):
    with pytest.raises(Invalid, match='a: must not be empty'):
        clean_all(a=Input(value, validators.name))


def test_all_problems_are_reported_together_and_the_first_field_is_named():
    with pytest.raises(Invalid, match=r'a: is longer .*; b: must not be empty') as caught:
        clean_all(a=Input('x' * 256, validators.name), b=Input('', validators.name),
                  c=Input('ok', validators.name))
    assert caught.value.field == 'a'
