"""The server's own counts and those from the log of nginx agree, whatever clients do."""
import json
from collections import Counter

import pytest

from plugin_tests import commands
from plugin_tests.deploy import proxy
from plugin_tests.servers import poll

pytestmark = [pytest.mark.process, pytest.mark.database,
              pytest.mark.skipif(proxy.program() is None, reason='nginx is not installed')]

SIZE = proxy.beyond_buffers() * 2**20
ROBOT = {'User-Agent': 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'}
ROUNDS = 4


@pytest.fixture
def file(extension, admin):
    """The paths of a file, by its item, its id and its checksum."""
    item = extension('Mixed', b'0123456789abcdef' * (SIZE // 16))
    (file,) = admin.get(f'/api/v1/item/{item["_id"]}/files').raise_for_status().json()
    sha512 = admin.get(f'/api/v1/item/{item["_id"]}').json()['meta']['sha512']
    return [f'/api/v1/item/{item["_id"]}/download', f'/api/v1/file/{file["_id"]}/download',
            f'/api/v1/file/hashsum/sha512/{sha512}/download', f'/bitstream/{item["_id"]}']


def requests(site, client, paths, number):
    """Send all kinds of requests; return how many of them are downloads."""
    path = paths[number % 3]

    def get(*ranges, status=206):
        for one in ranges:
            assert client.get(path, headers={'Range': f'bytes={one}'}).status_code == status
    assert len(client.get(path, headers=ROBOT if number % 2 else {}).content) == SIZE
    assert client.head(path).status_code == 200
    assert client.get(paths[3], follow_redirects=True).status_code == 200
    get(f'0-{SIZE // 2 - 1}', f'{SIZE // 2}-')  # in two parts
    get('0-99', f'{SIZE - 100}-')  # the beginning, and a probe of the tail
    get(f'{SIZE}-', status=416)
    site.leave_early(path, 'curl/8.5.0')
    site.leave_early(path, 'curl/8.5.0')
    get(f'{SIZE // 3}-')  # resumes one of them
    assert client.get('/download?os=linux&stability=any').status_code in (302, 404)
    return 4


def test_the_log_has_the_numbers_of_midas_and_no_other_query(site, anonymous):
    for query in ('token=SECRET&items=77&x=SECRET', 'bitstream=SECRET', 'items=77SECRET'):
        anonymous.get(f'/midas3/download?{query}')
    poll(lambda: site.log.count(' /midas3/download') == 3, 'all requests are logged')
    assert '"GET /midas3/download?items=77 HTTP/1.1"' in site.log
    assert 'SECRET' not in site.log


def test_both_agree_on_mixed_requests(site, servers, anonymous, file, tmp_path):
    downloads = sum(requests(site, anonymous, file, number) for number in range(ROUNDS))
    last = anonymous.get('/api/v1/system/version', headers={'User-Agent': 'the-last-one'})
    assert last.status_code == 200
    poll(lambda: 'the-last-one' in site.log, 'all requests are logged')
    database = servers[0].database
    paths = ('--statistics-dir', tmp_path / 'statistics', '--database', database)
    made = commands.run('logs', 'ingest', site.folder / 'access.log', *paths)
    assert made.returncode == 0, made.stderr
    done = commands.run('logs', 'check', *paths, '--json')
    assert done.returncode == 0, (done.stdout, made.stdout)
    found = json.loads(done.stdout)
    assert found['packages'] == []
    numbers = Counter()
    for day in found['days']:
        numbers.update({name: day[name] for name in ('server', 'logs', 'robots', 'incomplete')})
    assert numbers['server'] == numbers['logs'] >= downloads
    assert numbers['robots'] == ROUNDS // 2
    assert numbers['incomplete'] >= 5 * ROUNDS
    text = (tmp_path / 'statistics' / 'published' / 'manifest.json').read_text()
    assert '127.0.0.1' not in text
