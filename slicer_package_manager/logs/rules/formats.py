"""The formats of lines in access logs, as expressions of SQL that read them.

Each format selects its lines from the table ``lines``, which has them as ``line``. It returns the columns
:data:`COLUMNS`. ``moment`` or ``status`` is ``NULL`` for a line that is damaged. ``first`` and ``stop`` are the first
byte of the range that was sent, and the byte after its last one, if the log states them.
"""
from __future__ import annotations

from typing import NamedTuple

from slicer_package_manager.logs.rules.addresses import OBJECT

COLUMNS = {'line': 'VARCHAR', 'address': 'VARCHAR', 'moment': 'TIMESTAMP', 'method': 'VARCHAR', 'target': 'VARCHAR',
           'status': 'USMALLINT', 'bytes': 'BIGINT', 'first': 'BIGINT', 'stop': 'BIGINT', 'agent': 'VARCHAR'}
#: How many bytes are the beginning of a part.
_BEGIN = 1 << 16
#: Longer lines are damaged.
LONGEST_LINE = 65536
#: Condition for lines that are no request and no damage: the header of a log, or other messages in our JSON log.
NO_REQUEST = """(line LIKE '#%'
    OR (line LIKE '{%' AND contains(line, '"logger"') AND NOT contains(line, '"method"')))"""


class Format(NamedTuple):
    """One format.

    :param signs: bytes that a part of a log has if it has lines of this format: the first one anywhere, if there are
        downloads, the others in its beginning.
    :param own: condition for its lines, which no format after it gets.
    :param select: the query, in which ``{lines}`` stands for its lines.
    """

    name: str
    signs: tuple[bytes, ...]
    own: str
    select: str


#: ``01/Nov/2026:10:00:01 +0000``, the time of a web server, as ``moment`` in UTC.
_TIME = """try_strptime(substr({0}, 1, 20), '%d/%b/%Y:%H:%M:%S')
    - to_minutes(CASE WHEN {0} LIKE '%+0000' THEN 0 WHEN regexp_full_match(substr({0}, 22), '[+-][0-9]{{4}}')
      THEN CAST(substr({0}, 22, 1) || '1' AS INT)
        * (60 * CAST(substr({0}, 23, 2) AS INT) + CAST(substr({0}, 25, 2) AS INT))
    END)"""
#: The address of a client without its port, which differs for each connection.
_ADDRESS = r"""CASE WHEN contains({0}, ':')
    THEN regexp_replace({0}, '^(?:\[(.+)\](?::[0-9]+)?|([0-9.]+):[0-9]+)$', '\1\2') ELSE {0} END"""
_NUMBER = "CASE WHEN {0} = '-' THEN 0 ELSE TRY_CAST({0} AS BIGINT) END"
#: The first byte of a range such as ``bytes 0-99/1000`` (1), or its last byte (2). Clients may have written it: there
#: are logs with ``X-Forwarded-For`` in this place. So many digits can be added to without overflow.
_BOUND = r"""CASE WHEN part LIKE 'bytes %'
    THEN TRY_CAST(regexp_extract(part, '^bytes (\d{{1,18}})-(\d{{1,18}})/', {0}) AS BIGINT) END"""
#: The text of ``{0}``, in which logs of buckets encode characters twice; as it is if it cannot be decoded.
_DECODED = 'coalesce(TRY(url_decode(url_decode({0}))), {0})'
#: The line with quotes only around fields: Apache and `serve` write a quote in a field as ``\\"``.
_PLAIN = r"""CASE WHEN contains(line, '\') THEN replace(replace(line, '\\', '/'), '\"', '''') ELSE line END"""

#: The lines that no other format has.
COMBINED = Format('combined', (b'',), 'TRUE', rf"""
SELECT line,
    {_ADDRESS.format('host')} AS address,
    CASE WHEN substr(x[1], -29) LIKE '[__/___/____:__:__:__ _____] ' THEN {_TIME.format('stamp')} END AS moment,
    coalesce(request[1], '') AS method, coalesce(request[2], '') AS target,
    TRY_CAST(numbers[2] AS USMALLINT) AS status,
    {_NUMBER.format('numbers[3]')} AS bytes,
    {_BOUND.format(1)} AS first,
    {_BOUND.format(2)} + 1 AS stop,
    coalesce(x[6], '-') AS agent
FROM (SELECT line, x, substr(x[1], -28, 26) AS stamp, string_split(x[2], ' ') AS request,
             string_split(x[3], ' ') AS numbers, coalesce(x[8], '') AS part,
             CASE WHEN head[2] = '-' OR regexp_full_match(head[1], '[][0-9A-Fa-f.:]+') THEN head[1]
                 ELSE coalesce(head[2], '') END AS host
      FROM (SELECT line, x, string_split(x[1], ' ') AS head
            FROM (SELECT line, string_split({_PLAIN}, '"') AS x FROM {{lines}})))""")

#: Lines of our own JSON log, also of other messages, and of MinIO's audit log.
JSON = Format('json', (b'\n{',), "line LIKE '{%'", rf"""
SELECT line, {_ADDRESS.format('host')} AS address,
    TRY_CAST(j->>'$.time' AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS moment,
    CASE j->>'$.api.name' WHEN 'GetObject' THEN 'GET'
        ELSE coalesce(j->>'$.method', j->>'$.api.name', '') END AS method,
    coalesce('{OBJECT}' || (j->>'$.api.object'), j->>'$.path', '') AS target,
    TRY_CAST(coalesce(j->>'$.status', j->>'$.api.statusCode') AS USMALLINT) AS status,
    TRY_CAST(coalesce(j->>'$.bytes', j->>'$.api.tx') AS BIGINT) AS bytes,
    {_BOUND.format(1)} AS first,
    {_BOUND.format(2)} + 1 AS stop,
    coalesce(j->>'$.user_agent', j->>'$.userAgent', '-') AS agent
FROM (SELECT line, j, coalesce(j->>'$.content_range', j->>'$.responseHeader."Content-Range"', '') AS part,
             coalesce(j->>'$.address', j->>'$.remotehost', '') AS host
      FROM (SELECT line, TRY_CAST(line AS JSON) AS j FROM {{lines}}))""")

_S3_HEAD = r"^\S+ \S+ \[[^\]]+\] \S+ \S+ \S+ [A-Z0-9]+(?:\.[A-Z0-9_]+)+ "
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
S3 = Format('s3', (b'.OBJECT ', b' REST.'), f"regexp_matches(line, '{_S3_HEAD}')", rf"""
SELECT line, t[5] AS address,
    {_TIME.format("ltrim(t[3], '[') || ' ' || rtrim(t[4], ']')")} AS moment,
    CASE WHEN t[8] LIKE '%.GET.OBJECT' THEN 'GET' ELSE t[8] END AS method,
    '{OBJECT}' || {_DECODED.format('t[9]')} AS target,
    TRY_CAST(numbers[2] AS USMALLINT) AS status,
    {_NUMBER.format('numbers[4]')} AS bytes, NULL::BIGINT AS first, NULL::BIGINT AS stop,
    coalesce(x[6], '-') AS agent
FROM (SELECT line, x, string_split(x[1], ' ') AS t, string_split(x[3], ' ') AS numbers
      FROM (SELECT line, string_split(line, '"') AS x FROM {{lines}}))""")

#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
CLOUDFRONT = Format('cloudfront', (b'\t',), r"regexp_matches(line, '^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t')", f"""
SELECT line, f[5] AS address, TRY_CAST(f[1] || ' ' || f[2] AS TIMESTAMP) AS moment, f[6] AS method,
    f[8] || CASE WHEN coalesce(f[12], '-') = '-' THEN '' ELSE '?' || f[12] END AS target,
    TRY_CAST(f[9] AS USMALLINT) AS status, TRY_CAST(f[4] AS BIGINT) AS bytes,
    TRY_CAST(f[32] AS BIGINT) AS first, TRY(TRY_CAST(f[33] AS BIGINT) + 1) AS stop,
    {_DECODED.format("coalesce(f[11], '-')")} AS agent
FROM (SELECT line, string_split(line, chr(9)) AS f FROM {{lines}})""")

#: In the order in which they are tried.
FORMATS = (JSON, CLOUDFRONT, S3, COMBINED)


def query(part: bytes) -> str:
    """Return the query for the requests in the lines of ``part``; lines of no format have no ``moment``.

    A download is read alike whatever the other lines are: formats that none of them has are left out only to read
    the table ``lines`` once, since most logs have one format.
    """
    present = [one for one in FORMATS if _has(part, one)]
    if present == [COMBINED]:
        return COMBINED.select.replace('{lines}', 'lines')
    selects, others = [], ''
    for one in present:
        own = f'coalesce({one.own}, FALSE)'
        selects.append(one.select.replace('{lines}', f'(SELECT line FROM lines WHERE {own}{others})'))
        others += f' AND NOT {own}'
    return '\nUNION ALL\n'.join(selects)


def _has(part: bytes, one: Format) -> bool:
    """Whether ``part`` has a sign of a format. Its last byte is looked for first: to look for several takes long."""
    begin, sign = b'\n' + part[:_BEGIN], one.signs[0]
    return any(each in begin for each in one.signs) or (sign[-1:] in part and sign in part)
