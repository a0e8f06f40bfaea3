"""What only several server processes can show about lists; more is in ``faults/test_outages_under_load.py``."""
import contextlib
import http.client
import re
from urllib.parse import urlsplit

import httpx
import pytest

from plugin_tests import processes
from plugin_tests.waiting import PATIENCE

pytestmark = [pytest.mark.database, pytest.mark.process]


def test_a_validator_of_one_process_is_known_to_the_other(two_servers, app, make):
    make('extension', content=b'x')
    path = f'/app/{app["_id"]}/extension'
    tag = httpx.get(two_servers[0] + path).headers['ETag']
    assert httpx.get(two_servers[1] + path, headers={'If-None-Match': tag}).status_code == 304


def test_a_setting_that_is_changed_by_one_process_is_seen_by_the_other_at_once(two_servers, api, app, make):
    make('extension', content=b'x')
    path = f'/app/{app["_id"]}/extension'
    for seconds in range(3):
        httpx.put(f'{two_servers[0]}/system/setting', headers={'Girder-Token': api.headers['Girder-Token']}, params={
            'key': 'slicer_package_manager.list_max_age', 'value': str(seconds)}).raise_for_status()
        wanted = f'public, max-age={seconds}' if seconds else 'public, no-cache'
        assert {httpx.get(server + path).headers['Cache-Control'] for server in two_servers} == {wanted}


@pytest.mark.parametrize('query', [
    '', '?limit=0&os=linux', '?app_revision=33000&q=brain', '?app_revision=33000&q=brian&sort=relevance',
    '?app_revision=33000&limit=1'])
def test_lists_that_the_front_makes_are_those_of_girder(two_servers, api, app, make, query):
    path = f'/app/{app["_id"]}/extension{query}'
    with httpx.Client() as client:
        def check():
            # With a cookie, the front leaves the request to Girder.
            answers = [client.get(server + path, headers=headers).raise_for_status() for server in two_servers
                       for headers in ({}, {'Cookie': 'a=b'}, {})]
            assert len({answer.content for answer in answers}) == 1
            for name in ('Girder-Total-Count', 'ETag', 'Cache-Control', 'Vary', 'Content-Type', 'Content-Encoding',
                         'Content-Security-Policy'):
                assert len({answer.headers.get(name) for answer in answers}) == 1, name
        for number in range(3):
            first, second = (make('extension', content=b'x', baseName=f'Brain{number}{one}') for one in 'ab')
            check()
            api.delete(f'/item/{first["_id"]}').raise_for_status()
            check()
            api.put(f'/item/{second["_id"]}/metadata', json={'keywords': 'new'}).raise_for_status()
            check()


@pytest.mark.parametrize('query', ['?limit=0', '?app_revision=33000&q=brain'])
def test_a_prepared_list_of_an_application_that_is_private_or_gone_is_refused(two_servers, api, app, make, query):
    make('extension', content=b'x', baseName='Brain')
    path = f'/app/{app["_id"]}/extension{query}'
    for write, status in (
            (lambda: api.put(f'/folder/{app["_id"]}/access', params={'public': 'false', 'access': '{}'}), 401),
            (lambda: api.delete(f'/app/{app["_id"]}'), 404)):
        for server in two_servers:
            httpx.get(server + path)
        write().raise_for_status()
        assert [httpx.get(server + path).status_code for server in two_servers] == [status] * 2


@pytest.fixture
def one_place(mongo_uri, wsgi_app, monkeypatch):
    """The URL of a server that serves one request of each class at a time, and refuses all others."""
    monkeypatch.setenv('SLICER_PACKAGE_MANAGER_WORK_LIMITS', 'reads=1/0 heavy=1/0 pages=1/0')
    monkeypatch.setenv('SLICER_PACKAGE_MANAGER_METRICS', '127.0.0.1')
    with processes.web_server(mongo_uri) as url:
        yield url


def crowd(url, number=200):
    """The statuses and bodies for so many clients that request ``url`` at the same time."""
    server = urlsplit(url)
    with contextlib.ExitStack() as stack:
        clients = [http.client.HTTPConnection(server.hostname, server.port, timeout=PATIENCE) for _ in range(number)]
        for one in clients:
            stack.callback(one.close)
            one.connect()
        for one in clients:
            one.request('GET', f'{server.path}?{server.query}', headers={'Accept-Encoding': 'gzip'})
        responses = [one.getresponse() for one in clients]
        return {(one.status, one.read()) for one in responses}


def places(server):
    """How many requests of the API took a place of their class."""
    found = httpx.get(server.removesuffix('/api/v1') + '/metrics').raise_for_status().text
    return sum(float(one) for one in re.findall(r'waited_seconds_count\{work="(?:reads|heavy)"\} (\S+)', found))


@pytest.mark.parametrize('path', [
    '/app/{app}/extension?limit=0', '/app/{app}/extension?app_revision=33000&q=brain', '/item/{item}/files',
    '/app/{app}/downloadstats', '/app/{app}/release?limit=0', '/app/{app}/summary?fields=revision',
    '/../../findall?app_id={app}', '/../../', '/../../catalog/All/33000/linux'])
def test_after_a_change_one_response_is_made_for_all_clients(one_place, api, app, make, path):
    item = make('extension', content=b'x', baseName='Brain')
    make('package', content=b'x')
    url = httpx.URL(one_place + path.format(app=app['_id'], item=item['_id']))
    httpx.get(url).raise_for_status()
    for number in range(2):
        api.put(f'/item/{item["_id"]}/metadata', json={'keywords': f'new{number}'}).raise_for_status()
        before = places(one_place)
        (status, body), = crowd(str(url))
        assert (status, bool(body)) == (200, True)
        if '/extension?limit=0' in path:  # others are found in the cache one after the other
            assert places(one_place) - before <= 2
