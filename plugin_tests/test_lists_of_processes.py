"""What only several server processes can show about lists."""
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import httpx
import pytest

pytestmark = [pytest.mark.database, pytest.mark.process]

WRITERS = 4
TURNS = 25


def test_every_process_lists_every_complete_write_at_once(two_servers, api, app, make):
    path = f'/app/{app["_id"]}/extension'
    token = {'Girder-Token': api.headers['Girder-Token']}
    items = [make('extension', baseName=f'Extension{number}', content=b'x') for number in range(WRITERS)]

    def write_and_read(item):
        places = cycle(two_servers)
        tags = {}
        with httpx.Client() as client:
            for turn in range(TURNS):
                client.put(f'{next(places)}/item/{item["_id"]}/metadata', json={'keywords': f'turn {turn}'},
                           headers=token).raise_for_status()
                for server in two_servers:
                    answer = client.get(server + path, headers={'If-None-Match': tags.get(server, '')})
                    assert answer.status_code == 200, 'the answer is that of an earlier turn'
                    tags[server] = answer.headers['ETag']
                    (mine,) = (one for one in answer.json() if one['_id'] == item['_id'])
                    assert mine['meta']['keywords'] == f'turn {turn}'
                next(places)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write_and_read, items))


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
