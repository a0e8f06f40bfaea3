"""How often anonymous clients may make expensive calls, over all processes."""
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from plugin_tests.conftest import Client

pytestmark = pytest.mark.database


@pytest.fixture
def limited(db):
    """Three expensive requests in an hour, for one test."""
    from girder import events

    from slicer_package_manager.registry.server.environment import Operation
    from slicer_package_manager.rest.middleware import rate_limits
    rate_limits.start(Operation(rate_limit='3/hour'))
    yield
    rate_limits._limit = None
    for call in rate_limits.LIMITED:
        events.unbind(f'rest.{call}.before', 'slicer_package_manager.ratelimits')


@pytest.fixture
def asking(wsgi_app):
    """A maker of clients with an address."""
    clients = []

    def make(address, **headers):
        clients.append(httpx.Client(transport=httpx.WSGITransport(wsgi_app, remote_addr=address),
                                    base_url='http://testserver/api/v1', headers=headers))
        return clients[-1]
    yield make
    for client in clients:
        client.close()


def ask(client, path, number):
    """Request a list that is not cached. Cached lists cost nothing and are not counted."""
    return client.get(path, params={'offset': number}).status_code


def test_too_many_are_refused_with_the_time_to_wait(limited, anonymous, app):
    path = f'/app/{app["_id"]}/extension'
    assert [ask(anonymous, path, number) for number in range(4)] == [200, 200, 200, 429]
    answer = anonymous.get(f'/app/{app["_id"]}/downloadstats')
    assert answer.status_code == 429
    assert 1 <= int(answer.headers['Retry-After']) <= 3600
    assert answer.headers['Content-Type'].startswith('application/json')
    assert '3/hour' in answer.json()['message']


def test_other_clients_single_files_and_users_are_not_limited(limited, anonymous, asking, api, make):
    item = make('package', content=b'x')
    path = f'/app/{item["meta"]["app_id"]}/package'
    assert [ask(anonymous, path, number) for number in range(4)][-1] == 429
    assert anonymous.get(f'/item/{item["_id"]}/download').content == b'x'
    assert anonymous.get(f'/item/{item["_id"]}/files').status_code == 200
    assert [ask(api, path, number) for number in range(5)] == [200] * 5
    assert ask(asking('192.0.2.9'), path, 9) == 200


EXPENSIVE = [('GET', path) for path in (
    '/api/v1/app/{app}/summary', '/api/v1/app/{app}/package/find', '/api/v1/app/{app}/package/findall',
    '/api/v1/app/{app}/package/download', '/find', '/findall', '/download?os=linux', '/download',
    '/api/v1/user/authentication')] + [('POST', '/api/v1/user'), ('PUT', '/api/v1/user/password/temporary')]


@pytest.mark.parametrize(('method', 'path'), EXPENSIVE)
def test_calls_that_search_or_try_passwords_are_limited(limited, asking, app, method, path):
    client = asking('192.0.2.5', Accept='text/html' if path.startswith('/download') else '*/*')
    url = 'http://testserver' + path.format(app=app['_id'])
    answers = [client.request(method, url).status_code for _ in range(4)]
    assert 429 not in answers[:3]
    assert answers[3] == 429


def test_every_list_of_ours_is_limited():
    from slicer_package_manager.rest import ROUTES
    from slicer_package_manager.rest.middleware import rate_limits
    ours = {'/'.join(('get.app', *path)) for method, path, _ in ROUTES if method == 'GET'}
    assert ours - set(rate_limits.LIMITED) == {'get.app/:app_id'}


def test_an_invalid_token_and_a_claimed_address_do_not_help(limited, asking, app):
    path = f'/app/{app["_id"]}/extension'
    claims = [{'Girder-Token': f'{number}' * 64, 'X-Forwarded-For': f'192.0.2.{number}'} for number in range(5)]
    answers = [ask(asking('192.0.2.7', **claim), path, number) for number, claim in enumerate(claims)]
    assert answers == [200, 200, 200, 429, 429]


def test_one_subscriber_of_ipv6_is_one_address(limited, asking, app):
    path = f'/app/{app["_id"]}/extension'
    assert [ask(asking(f'2001:db8::{number}'), path, number) for number in range(4)] == [200, 200, 200, 429]
    assert ask(asking('2001:db8:1::1'), path, 9) == 200


def test_all_processes_count_together_and_none_is_lost(db):
    from slicer_package_manager.registry.server.rate_limits import RateLimit
    processes = [RateLimit('20/hour;1000/day') for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda number: processes[number % 4].seconds_to_wait('192.0.2.1'), range(60)))
    assert sum(wait == 0 for wait in waits) == 20
    assert sorted(one['count'] for one in db['slicer_package_limit'].find()) == [60, 60]


def test_the_database_removes_counters_that_are_over(db):
    from slicer_package_manager.registry.server.rate_limits import RateLimit
    RateLimit('5/second').seconds_to_wait('192.0.2.1')
    indexes = db['slicer_package_limit'].index_information().values()
    assert any(index.get('expireAfterSeconds') == 0 for index in indexes)


def test_it_is_off_unless_switched_on(wsgi_app, app, db):
    with Client(wsgi_app) as client:
        assert {ask(client, f'/app/{app["_id"]}/extension', number) for number in range(5)} == {200}
    assert db['slicer_package_limit'].count_documents({}) == 0
