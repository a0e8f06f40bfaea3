"""What raw logs show of a request."""
import re
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.logs.rules.raw_lines import shown_agent, shown_target

BROWSERS = ('Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0', 'curl/8.5.0', 'Slicer/5.8.1',
            'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5',
            'Wget/1.21.3', '-')


@pytest.mark.parametrize(('target', 'shown'), [
    ('/bitstream/64b000000000000000000001', '/bitstream/64b000000000000000000001'),
    ('/midas3/download?items=77&token=SECRET', '/midas3/download?items=77'),
    ('/api/v1/app/5f44/extension?os=linux&q=Jane+Doe&app_revision=33000',
     '/api/v1/app/5f44/extension?os=linux&app_revision=33000'),
    ('/download?os=198.51.100.7', '/download'), ('/download?os=jane@example.org', '/download'),
    ('/download?version=5.8.1&date=2026-11-01', '/download?version=5.8.1&date=2026-11-01'),
    ('https://packages.example.org/download?os=win', '/download?os=win'),
    ('/download/198.51.100.7/x', '/download/-/x'), ('/download/%31%39%38.51.100.7', '/download/-'),
    ('/download/jane%252540example.org', '/download/-'), ('/download/198%252E51%252E100.7', '/download/-'),
    ('/download/0198.51.100.70', '/download/-'), ('/download/2001:db8::7', '/download/-'),
    ('/download/[::ffff:198.51.100.7]', '/download/%5B-%5D'), ('/download/jane.doe@example.org', '/download/-'),
    ('/download;token=SECRET', '/download'), ('/download/key=SECRET', '/download/key'),
    ('/download/a%20b"c', '/download/a%20b%22c'), ('/api/v1/item/%ff/download', '/api/v1/item/%EF%BF%BD/download'),
    ('object:ab/cd/abcd', 'object:ab/cd/abcd'), ('/download/5.8.1/Slicer.zip', '/download/5.8.1/Slicer.zip'), ('', '')])
def test_what_is_shown_of_a_target(target, shown):
    assert shown_target(target) == shown


@pytest.mark.parametrize('agent', BROWSERS)
def test_usual_user_agents_are_shown(agent):
    assert shown_agent(agent) == agent


@pytest.mark.parametrize(('agent', 'shown'), [
    ('Chrome/130.0.6723.92 Safari/537.36', 'Chrome/130.0 Safari/537.36'),
    ('X/198.51.100.7', 'X/198.51'), ('curl (198.51.100.7)', 'curl (-)'), ('from 2001:db8::7', 'from -'),
    ('Bot/1.0 (+jane@example.org)', 'Bot/1.0 (-)'), ('x token=SECRET', '-'), ('Authorization: Bearer SECRET', '-'),
    ('Bot/1.0%2520%2528jane%2540example.org%2529%FF', 'Bot/1.0 (-)\ufffd'), ('x %31%39%38.51.100.7', 'x -'),
    ('Bot (jane%25252540example.org)', 'Bot (-)'),
    ('x%3Atoken%3DSECRET', '-'), ('a%22b%0Ac', "a'b c"), ('100%', '100%'),
    ('a"b\\c\nd\u2028e', "a'b/c d e"), ('', '-'), ('aa:bb:cc:dd:ee:ff', '-'), ('at 10:00:01', 'at 10:00:01')])
def test_what_is_shown_of_a_user_agent(agent, shown):
    assert shown_agent(agent) == shown


def test_long_texts_are_cut():
    assert len(shown_agent('x' * 9999)) == len(shown_target('/' + 'x' * 9999)) == 512


def test_what_is_encoded_very_often_is_removed():
    assert shown_target(f'/download/jane%{"25" * 20_000}40example.org') == '-'
    assert shown_agent(f'jane%{"25" * 20}40example.org') == '-'


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


@given(addresses, st.text(max_size=20), st.text(max_size=20))
def test_no_address_is_shown_wherever_it_is(address, before, after):
    ends = '' if not after or not re.match(r'[\w:.]', after[0]) else ' '
    text = f'{before}{address}{ends}{after}'
    for shown in (shown_agent(text), shown_target(f'/download/{text}'), shown_target(f'/download?os={address}')):
        assert address not in shown or ip_address(address) == ip_address('::')
