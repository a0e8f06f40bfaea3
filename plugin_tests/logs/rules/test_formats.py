"""The formats of lines, read by the engine that uses the rules."""
from datetime import datetime

import duckdb
import pytest

from slicer_package_manager.logs.rules import counting, formats

TARGET = '/api/v1/item/64b000000000000000000001/download'
MOMENT = datetime(2026, 11, 1, 10, 0, 1)  # noqa: DTZ001 - as the engine has it
KEY = 'files/ab/cd/abcd' + 'e' * 28
MINIO = (r'{"version":"1","deploymentid":"d","time":"2026-11-01T10:00:01.123456789Z","event":"","trigger":"incoming",'
         r'"api":{"name":"GetObject","bucket":"packages","object":"' + KEY + r'","status":"OK","statusCode":206,"rx":0,'
         r'"tx":900,"timeToResponse":"1ms"},"remotehost":"198.51.100.7","requestID":"1","userAgent":"curl/8.5.0",'
         r'"requestPath":"/packages/' + KEY + r'","responseHeader":{"Content-Range":"bytes 100-999/1000"}}')
S3 = ('79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be packages [01/Nov/2026:10:00:01 +0000] '
      f'198.51.100.7 - 3E57427F3EXAMPLE REST.GET.OBJECT {KEY} "GET /packages/{KEY}?X-Amz-Date=1 HTTP/1.1" 200 - 1000 '
      '1000 70 10 "-" "curl/8.5.0" - 9vKBE6vMhrNiWHZmb2L0mXOcqPGzQOI5XLnCtZNPxev+Hf+7tpT6sxDwDty4LHBUOZJG96N1234T='
      ' SigV4 ECDHE-RSA-AES128-GCM-SHA256 QueryString packages.s3.eu-central-1.amazonaws.com TLSV1.2 - -')
_FIELDS = (
    '2026-11-01', '10:00:01', 'LAX1', '1500', '198.51.100.7', 'GET', 'd111111abcdef8.cloudfront.net', TARGET, '206',
    '-', 'Mozilla/5.0%2520(X11;%2520Linux)', 'a=b', '-', 'Hit', 'SOX4xwn4==', 'd111111abcdef8.cloudfront.net', 'https',
    '23', '0.001', '-', 'TLSv1.2', 'ECDHE', 'Hit', 'HTTP/2.0', '-', '-', '11040', '0.001', 'Hit', 'application/zip',
    '900', '100', '999')
CLOUDFRONT = '\t'.join(_FIELDS)
OURS = ('{"level":"INFO","logger":"slicer_package_manager.requests","message":"GET ' + TARGET + ' 200","method":"GET",'
        '"path":"' + TARGET + '","route":"/item/:id/download","status":200,"seconds":0.01,"address":"198.51.100.7",'
        '"request_id":"x","time":"2026-11-01T11:00:01.25+01:00"}')
COMMON = f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 206 7'


@pytest.fixture
def read():
    """What is read of lines: dictionaries, with the reason of those that are no request."""
    def rows(*lines):
        with duckdb.connect(':memory:') as database:
            database.execute('CREATE TABLE lines AS SELECT unnest($1) AS line', [list(lines)])
            found = database.execute(f'SELECT *, {counting.MALFORMED} AS reason FROM '
                                     f'({formats.query(chr(10).join(lines).encode())})')
            names = [one[0] for one in found.description]
            by_line = {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}
        return [by_line[line] for line in lines]
    return rows


def fields(row):
    return tuple(row[name] for name in ('address', 'method', 'target', 'status', 'bytes', 'agent'))


@pytest.mark.parametrize(('line', 'expected'), [
    (f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 302 219 "-" "curl/8.5.0"',
     ('198.51.100.7', 'GET', TARGET, 302, 219, 'curl/8.5.0')),
    (f'2001:db8::7 - Jo Doe [01/Nov/2026:12:30:01 +0230] "GET {TARGET} HTTP/2.0" 200 - "a\\"x" "a \\"b\\" c"',
     ('2001:db8::7', 'GET', TARGET, 200, 0, "a 'b' c")),
    (f'www.example.org:443 198.51.100.7 - - [01/Nov/2026:02:00:01 -0800] "HEAD {TARGET} HTTP/1.1" 200 5 "-" "a\\\\"',
     ('198.51.100.7', 'HEAD', TARGET, 200, 5, 'a/')),
    (f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7',
     ('198.51.100.7', 'GET', TARGET, 200, 7, '-')),
    (f'host.example.org - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7 "-" "-" 0.001 extra',
     ('host.example.org', 'GET', TARGET, 200, 7, '-')),
    ('198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "\\x16\\x03" 400 0 "-" "-"',
     ('198.51.100.7', '\\x16\\x03', '', 400, 0, '-')),
    (S3, ('198.51.100.7', 'GET', f'object:{KEY}', 200, 1000, 'curl/8.5.0')),
    (CLOUDFRONT, ('198.51.100.7', 'GET', f'{TARGET}?a=b', 206, 1500, 'Mozilla/5.0 (X11; Linux)')),
    (MINIO, ('198.51.100.7', 'GET', f'object:{KEY}', 206, 900, 'curl/8.5.0')),
    (OURS, ('198.51.100.7', 'GET', TARGET, 200, None, '-'))])
def test_a_line_of_each_format_is_read(read, line, expected):
    (row,) = read(line)
    assert fields(row) == expected
    assert row['moment'].replace(microsecond=0) == MOMENT
    assert row['reason'] is None


@pytest.mark.parametrize('line', [
    S3, CLOUDFRONT, MINIO, OURS, S3.replace('REST.GET.OBJECT', 'REST.GET.BUCKET'),
    f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7',
    f'198.51.100.7 - - 01/Nov/2026:10:00:01 +0000; "GET {TARGET} HTTP/1.1" 200 7',
    f'198.51.100.7 - - [01\\\\Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7',
    f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000]  "GET {TARGET} HTTP/1.1" 200 7',
    f'{{198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7'])
def test_a_line_is_read_alike_whatever_the_other_lines_are(read, line):
    (alone,) = read(line)
    assert read(line, S3, CLOUDFRONT, MINIO, OURS)[0] == alone


@pytest.mark.parametrize(('logged', 'address'), [
    ('198.51.100.7:51234', '198.51.100.7'), ('[2001:db8::7]:51234', '2001:db8::7'), ('[2001:db8::7]', '2001:db8::7'),
    ('2001:db8::7', '2001:db8::7'), ('::ffff:198.51.100.7', '::ffff:198.51.100.7')])
def test_the_port_of_a_client_is_no_part_of_its_address(read, logged, address):
    for line in (f'{logged} - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7',
                 f'{logged} - Jo Doe [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7',
                 f'www.example.org:443 {logged} - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7',
                 MINIO.replace('198.51.100.7', logged), OURS.replace('198.51.100.7', logged)):
        assert read(line)[0]['address'] == address


def test_a_log_of_a_bucket_without_downloads_is_a_log(read):
    (row,) = read(S3.replace('REST.GET.OBJECT', 'REST.GET.BUCKET'))
    assert row['reason'] is None


@pytest.mark.parametrize('line', [
    f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 206 900 "-" "-" "bytes 100-999/1000"',
    CLOUDFRONT, MINIO])
def test_the_range_is_read_where_the_log_states_it(read, line):
    (row,) = read(line)
    assert (row['first'], row['stop']) == (100, 1000)


@pytest.mark.parametrize('line', [
    '', 'x', '"', '{', '{}', '{"time": "x", "method": "GET"}', '[01/Nov/2026:10:00:01 +0000] "GET', '"' * 99,
    f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HT',
    f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1"',
    f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" abc 7 "-" "-"',
    f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 99999 7 "-" "-"',
    f'198.51.100.7 - - [31/Feb/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7 "-" "-"',
    f'198.51.100.7 - - [01/Nov/2026:10:00:01 +aa00] "GET {TARGET} HTTP/1.1" 200 7 "-" "-"',
    f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {"a" * 70_000} HTTP/1.1" 200 7 "-" "-"',
    S3[:150], S3[:260], CLOUDFRONT[:40], MINIO[:-3], OURS[:-3], '2026-11-01\t10:00:01\t' + '\t' * 40,
    '2026/11/01 10:00:01 [error] 7#7: *1 open() "/x" failed (2: No such file or directory), request: "GET /x"'])
def test_a_damaged_line_is_recognized_and_does_no_harm(read, line):
    good = f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7 "-" "-"'
    assert [row['reason'] for row in read(line, good, OURS, S3, CLOUDFRONT)] == ['damaged', None, None, None, None]


@pytest.mark.parametrize(('line', 'name', 'value'), [
    (S3.replace(KEY, '%FF' + KEY), 'target', f'object:%FF{KEY}'), (S3.replace(KEY, '%25FF' + KEY), 'bytes', 1000),
    (S3.replace(KEY, '%00%2500' + KEY), 'bytes', 1000), (S3.replace(KEY, f'%zz%{KEY}%'), 'bytes', 1000),
    (CLOUDFRONT.replace('Mozilla/5.0', '%FF%FE'), 'agent', '%FF%FE%2520(X11;%2520Linux)'),
    (CLOUDFRONT.replace('Mozilla/5.0', '%25C0%2580%25ED%25A0%2580'), 'bytes', 1500),
    (CLOUDFRONT.replace('999', '9223372036854775807'), 'stop', None),
    (CLOUDFRONT.replace('999', '99999999999999999999'), 'stop', None),
    (MINIO.replace('100-999', '0-9223372036854775807'), 'stop', None),
    (f'{COMMON} "-" "-" "bytes 9223372036854775807-9223372036854775807/1"', 'stop', None),
    (f'{COMMON} "-" "-" "bytes 0-{"9" * 18}/1"', 'stop', 10 ** 18),
    (OURS.replace('2026-11-01T11:00:01.25+01:00', 'infinity'), 'reason', None),
    (OURS.replace('2026-11-01T11', '294247-01-10T04'), 'method', 'GET'),
    (OURS.replace('"status":200', '"status":200,"bytes":-5'), 'reason', 'damaged'),
    (COMMON.replace(' 7', f' -{"9" * 18}'), 'reason', 'damaged')])
def test_no_value_of_a_field_stops_the_reading(read, line, name, value):
    """Clients choose keys, user agents, and what stands in the place of the range."""
    assert read(line, S3, CLOUDFRONT, MINIO, OURS)[0][name] == value


@pytest.mark.parametrize('line', [
    '#Version: 1.0', '#Fields: date time', '{"logger":"cherrypy","time":"2026-11-01T11:00:01+01:00","message":"x"}'])
def test_what_is_no_request_is_no_damage(read, line):
    assert read(line)[0]['reason'] == 'no request'


def test_all_formats_may_be_in_one_log(read):
    combined = f'198.51.100.7 - - [01/Nov/2026:10:00:01 +0000] "GET {TARGET} HTTP/1.1" 200 7 "-" "-"'
    rows = read(combined, S3, CLOUDFRONT, MINIO, OURS, 'damaged', '#Version: 1.0')
    assert [row['reason'] for row in rows] == [None] * 5 + ['damaged', 'no request']
