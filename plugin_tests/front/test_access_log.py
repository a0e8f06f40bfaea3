"""Lines of the access log: one for each request, whatever the request contains."""
import errno
import io
import ipaddress
import re
import shutil
from logging.handlers import WatchedFileHandler

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_tests.cli.test_watching import COMBINED
from slicer_package_manager.front import access_log
from slicer_package_manager.front.access_log import AccessLog

SECRET = 'very-secret'


def request(**values):
    return {'REQUEST_METHOD': 'GET', 'RAW_URI': '/api/v1/app?a=b', 'SERVER_PROTOCOL': 'HTTP/1.1',
            'REMOTE_ADDR': '192.0.2.1', **values}


def line(status=200, size=5, address='192.0.2.1', **values):
    return access_log.line(request(**values), status, size, address)


def test_a_line_has_the_combined_format():
    found = COMBINED.fullmatch(line(HTTP_REFERER='https://example.org/x', HTTP_USER_AGENT='Slicer/5.8'))
    assert found
    assert found.groupdict() == {
        'ip': '192.0.2.1', 'time': found['time'], 'method': 'GET', 'path': '/api/v1/app?a=b', 'status': '200',
        'size': '5', 'referer': 'https://example.org/x', 'agent': 'Slicer/5.8'}


def test_what_is_not_known_is_a_dash():
    text = line(size=0, address='')
    assert text.startswith('- - - [')
    assert text.endswith('" 200 - "-" "-"')


def test_the_line_of_a_part_ends_with_its_range():
    text = access_log.line(request(), 206, 100, '192.0.2.1', 'bytes 0-99/1000')
    assert text.endswith('" 206 100 "-" "-" "bytes 0-99/1000"')


def test_a_request_without_a_response_has_the_status_of_a_client_that_left():
    assert COMBINED.fullmatch(line(status=0))['status'] == '499'


@pytest.mark.parametrize('values', [
    {'RAW_URI': f'/x?token={SECRET}'}, {'RAW_URI': f'/x?tok%65n={SECRET}'}, {'HTTP_REFERER': f'/x?key={SECRET}'},
    {'HTTP_USER_AGENT': f'x token={SECRET}'}, {'HTTP_REFERER': f'https://user:{SECRET}@example.org/'}])
def test_credentials_are_masked(values):
    text = line(**values)
    assert SECRET not in text
    assert '***' in text


@pytest.mark.parametrize(('agent', 'written'), [
    ('a "quoted" b', r'a \"quoted\" b'),
    ('back\\slash', r'back\\slash'),
    ('ends with \\', r'ends with \\'),
    ('tab\there', r'tab\x09here'),
    ('a\r\n192.0.2.9 - - [', r'a\x0d\x0a192.0.2.9 - - ['),
    ('\x1b[2J\x00\x7f\x85', r'\x1b[2J\x00\x7f\x85'),
    ('caf\xe9', r'caf\xe9'),
])
def test_no_client_writes_fields_or_lines_of_its_own(agent, written):
    text = line(HTTP_USER_AGENT=agent)
    assert text.endswith(f' "{written}"')
    assert COMBINED.fullmatch(text)


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_a_line_is_one_line_of_ascii_with_all_fields_whatever_the_headers_are(referer, agent):
    text = line(HTTP_REFERER=referer, HTTP_USER_AGENT=agent)
    assert text.isascii()
    assert text.isprintable()
    assert COMBINED.fullmatch(text)


@pytest.fixture
def log(tmp_path):
    """An access log, in the file ``log``, whose proxies are trusted."""
    one = AccessLog(tmp_path / 'log', (ipaddress.ip_network('192.0.2.0/24'),))
    yield one
    for handler in list(one._logger.handlers):
        one._logger.removeHandler(handler)
        handler.close()


def test_the_log_has_the_address_of_the_client_behind_a_trusted_proxy(log, tmp_path):
    log.write(request(HTTP_X_FORWARDED_FOR='203.0.113.9'), 200, 5)
    log.write(request(HTTP_X_FORWARDED_FOR='203.0.113.9', REMOTE_ADDR='198.51.100.1'), 200, 5)
    assert re.findall(r'^\S+', (tmp_path / 'log').read_text(), re.MULTILINE) == ['203.0.113.9', '198.51.100.1']


@pytest.mark.parametrize('take_away', ['rename', 'unlink'])
def test_a_file_that_was_taken_away_is_replaced_by_a_new_one(log, tmp_path, take_away):
    file = tmp_path / 'log'
    log.write(request(RAW_URI='/one'), 200, 5)
    file.rename(tmp_path / 'log.1') if take_away == 'rename' else file.unlink()
    log.write(request(RAW_URI='/two'), 200, 5)
    assert '/one' not in file.read_text()
    assert '/two' in file.read_text()


def test_a_full_disk_fails_no_request_and_is_reported_once(log, monkeypatch, caplog):
    class Full(io.StringIO):
        def write(self, _text):
            raise OSError(errno.ENOSPC, 'No space left on device')
    handler = next(one for one in log._logger.handlers if isinstance(one, WatchedFileHandler))
    with monkeypatch.context() as disk:
        disk.setattr(handler, 'stream', Full())
        for _ in range(3):
            log.write(request(), 200, 5)
        assert len(reported(caplog)) == 1
    log.write(request(), 200, 5)
    assert len(reported(caplog)) == 1


def reported(caplog):
    """The messages that the log cannot be written."""
    return [record for record in caplog.records
            if record.name == access_log.__name__ and 'cannot be written' in record.getMessage()]


def test_a_directory_that_was_removed_fails_no_request_and_the_log_goes_on_when_it_is_back(log, tmp_path, caplog):
    file = tmp_path / 'log'
    for _ in range(2):
        shutil.rmtree(tmp_path)
        log.write(request(RAW_URI='/one'), 200, 5)
        log.write(request(RAW_URI='/two'), 200, 5)
        tmp_path.mkdir()
        log.write(request(RAW_URI='/three'), 200, 5)
        assert '/three' in file.read_text()
        assert '/two' not in file.read_text()
    assert len(reported(caplog)) == 2


def test_text_with_a_percent_sign_is_written_as_it_is(log, tmp_path):
    log.write(request(RAW_URI='/%s%d%25'), 200, 5)
    assert '/%s%d%25' in (tmp_path / 'log').read_text()
