"""Requests for the same public response: who makes it, who gets it, and who is served by itself."""
import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from slicer_package_manager.front import collapsed
from slicer_package_manager.front.admission import Limits, Refused, WorkClass
from slicer_package_manager.front.collapsed import CollapsedRequests, key_of
from slicer_package_manager.front.exchange import Exchange
from slicer_package_manager.front.versions import Outage

KEY = 'key'


class Site:
    """A server with ``places``, which makes responses one step after another.

    :ivar made: who has begun to make a response, in order.
    :ivar go: lets those responses be ready.
    """

    def __init__(self, places=1, waiting=0, patience=3600.0):
        self.work = WorkClass(Limits(places, waiting, 3600))
        self.requests, self.made, self.go = CollapsedRequests(patience), [], asyncio.Event()
        self.is_public, self.status, self.error = True, 200, None

    def ask(self, name, key=KEY, address='a'):
        """Begin the request of ``name``."""
        return asyncio.create_task(self.requests.respond(key, lambda: self.work.admitted(address),
                                                         lambda: self._make(name)))

    async def _make(self, name):
        self.made.append(name)
        await self.go.wait()
        if self.error:
            raise self.error
        return SimpleNamespace(body=f'{name} {len(self.made)}', is_public=self.is_public, status=self.status)


async def settle():
    """Let all tasks run until they wait."""
    for _ in range(20):
        await asyncio.sleep(0)


async def bodies(tasks):
    """What each of ``tasks`` got: the body, and whether it was made for it; or its error."""
    found = await asyncio.gather(*tasks, return_exceptions=True)
    return [one if isinstance(one, BaseException) else (one[0].body, one[1]) for one in found]


def test_all_that_request_the_same_get_what_the_first_one_makes_and_take_one_place():
    async def scenario():
        site = Site()
        tasks = [site.ask(number) for number in range(200)]
        await settle()
        assert (site.made, site.work.running, site.work.waiting) == ([0], 1, 0)
        site.go.set()
        assert await bodies(tasks) == [('0 1', True)] + [('0 1', False)] * 199
        assert (site.made, site.work.running, site.work.refused) == ([0], 0, 0)
        assert not site.requests._waiting
        assert not site.requests._tasks
    asyncio.run(scenario())


def test_a_request_that_arrives_while_a_response_is_made_gets_the_next_one():
    async def scenario():
        site = Site()
        first = site.ask('first')
        await settle()
        later = [site.ask(number) for number in range(3)]
        await settle()
        assert site.made == ['first']
        site.go.set()
        assert await bodies([first, *later]) == [('first 1', True), ('0 2', True), ('0 2', False), ('0 2', False)]
    asyncio.run(scenario())


def test_a_request_that_arrives_before_the_leader_has_a_place_gets_its_response():
    async def scenario():
        site = Site(places=1, waiting=10)
        other = site.ask('other', key=None)
        await settle()
        first = site.ask('first')
        await settle()
        later = site.ask('later')
        await settle()
        assert (site.made, site.work.waiting) == (['other'], 1)
        site.go.set()
        assert await bodies([other, first, later]) == [('other 1', True), ('first 2', True), ('first 2', False)]
    asyncio.run(scenario())


def test_requests_with_different_keys_share_nothing():
    async def scenario():
        site = Site(places=8)
        tasks = [site.ask(name, key) for name, key in (('a', 'x'), ('b', 'y'), ('c', None), ('d', None))]
        await settle()
        assert sorted(site.made) == ['a', 'b', 'c', 'd']
        site.go.set()
        assert all(is_own for _, is_own in await bodies(tasks))
    asyncio.run(scenario())


def test_a_response_that_is_not_public_is_the_leaders_alone():
    async def scenario():
        site = Site(places=3)
        site.is_public = False
        tasks = [site.ask(number) for number in range(3)]
        await settle()
        assert site.made == [0]
        site.go.set()
        assert [(body.split()[0], is_own) for body, is_own in await bodies(tasks)] == [
            ('0', True), ('1', True), ('2', True)]
    asyncio.run(scenario())


@pytest.mark.parametrize(('status', 'made'), [(200, ['a', 'b']), (303, ['a', 'b']), (401, ['a']), (503, ['a'])])
def test_requests_for_what_is_not_public_no_longer_wait_for_each_other_unless_it_is_an_error(status, made):
    async def scenario():
        site = Site(places=3)
        site.is_public, site.status = False, status
        site.go.set()
        await site.ask('first')
        site.made.clear()
        site.go.clear()
        tasks = [site.ask(name) for name in 'ab']
        await settle()
        assert site.made == made
        site.go.set()
        assert [is_own for _, is_own in await bodies(tasks)] == [True, True]
    asyncio.run(scenario())


def test_an_error_is_the_leaders_alone():
    async def scenario():
        site = Site(places=1, waiting=10)
        site.error = ValueError()
        tasks = [site.ask(number) for number in range(3)]
        await settle()
        site.go.set()
        found = await bodies(tasks)
        assert [type(one) for one in found] == [ValueError] * 3
        assert site.made == [0, 1, 2]
        site.error = None
        assert await bodies([site.ask('next')]) == [('next 4', True)]
    asyncio.run(scenario())


def test_an_outage_is_one_for_all_that_wait():
    async def scenario():
        site = Site()
        site.error = Outage()
        tasks = [site.ask(number) for number in range(3)]
        await settle()
        tasks += [site.ask(number) for number in range(3)]
        await settle()
        site.go.set()
        assert [type(one) for one in await bodies(tasks)] == [Outage] * 6
        assert site.made == [0]
        site.error = None
        assert await bodies([site.ask('next')]) == [('next 2', True)]
    asyncio.run(scenario())


def test_an_address_that_has_its_share_does_not_have_others_refused():
    async def scenario():
        site = Site(places=4)
        greedy = [site.ask(number, key=None, address='greedy') for number in range(3)]
        await settle()
        tasks = [site.ask('leads', address='greedy'), site.ask('polite', address='b'),
                 site.ask('follows', address='greedy')]
        await settle()
        site.go.set()
        await bodies(greedy)
        found = await bodies(tasks)
        assert isinstance(found[0], Refused)
        assert found[1:] == [('polite 4', True), ('polite 4', False)]
    asyncio.run(scenario())


def test_a_client_that_leaves_does_not_end_the_work_for_the_others():
    async def scenario():
        site = Site()
        leader, follower, other = (site.ask(name) for name in ('leader', 'follower', 'other'))
        await settle()
        leader.cancel()
        other.cancel()
        await settle()
        site.go.set()
        assert await bodies([follower]) == [('leader 1', False)]
        assert (site.made, site.work.running) == (['leader'], 0)
    asyncio.run(scenario())


def test_nothing_is_made_if_all_clients_have_left():
    async def scenario():
        site = Site(places=1, waiting=10)
        other = site.ask('other', key=None)
        await settle()
        tasks = [site.ask(number) for number in range(3)]
        await settle()
        for one in tasks:
            one.cancel()
        site.go.set()
        await bodies([other, *tasks])
        await settle()
        assert site.made == ['other']
        assert not site.requests._waiting
    asyncio.run(scenario())


def test_a_request_does_not_wait_for_others_for_ever_and_the_leader_has_all_its_time():
    async def scenario():
        site = Site(patience=0.01)
        leader, follower = site.ask('leader'), site.ask('follower')
        with pytest.raises(Refused):
            await follower
        assert not leader.done()
        site.go.set()
        assert await bodies([leader]) == [('leader 1', True)]
    asyncio.run(scenario())


def test_a_fault_of_the_admission_is_an_error_of_that_request():
    @asynccontextmanager
    async def broken():
        raise ValueError('broken')
        yield

    async def scenario():
        site = Site()
        first = asyncio.create_task(site.requests.respond(KEY, broken, None))
        second = site.ask('second')
        site.go.set()
        found = await bodies([first, second])
        assert isinstance(found[0], ValueError)
        assert found[1] == ('second 1', True)
    asyncio.run(scenario())


def key(method='GET', path=b'/api/v1/app', query=b'limit=0', address='127.0.0.1', **headers):
    """The key of a request."""
    return key_of(Exchange({
        'method': method, 'raw_path': path, 'query_string': query, 'http_version': '1.1', 'client': (address, 1),
        'server': ('127.0.0.1', 80), 'state': {'connection': None},
        'headers': [(name.replace('_', '-').encode(), value.encode()) for name, value in headers.items()]}, None, None))


@pytest.mark.parametrize('one', [
    {'girder_token': 'x'}, {'authorization': 'x'}, {'cookie': 'girderToken=x'}, {'origin': 'https://example.org'},
    {'method': 'HEAD'}, {'method': 'POST'}, {'content_length': '3'}, {'transfer_encoding': 'chunked'},
    {'query': b'a' * collapsed._LONGEST_KEY}])
def test_requests_that_are_never_the_same_as_others(one):
    assert key() is not None
    assert key(**one) is None


@pytest.mark.parametrize('one', [
    {'path': b'/api/v1/apps'}, {'query': b'limit=1'}, {'query': b''}, {'host': 'other'}, {'if_none_match': '"x"'},
    {'accept_encoding': 'gzip'}, {'x_forwarded_proto': 'https'}, {'x_forwarded_proto': 'https', 'address': '8.8.8.8'},
    {'x_forwarded_host': 'other'}])
def test_requests_that_differ_in_what_a_response_depends_on_are_not_the_same(one):
    others = [{}, {'x_forwarded_proto': 'https'}, {'x_forwarded_proto': 'https', 'address': '8.8.8.8'}]
    assert key(**one) == key(**one)
    assert key(**one) not in [key(**other) for other in others if other != one]


@pytest.mark.parametrize('one', [
    {'user_agent': 'Slicer'}, {'accept_encoding': 'br'}, {'accept_language': 'de'}, {'x_request_id': '1'},
    {'referer': 'x'}, {'address': '8.8.8.8'}])
def test_requests_that_differ_in_other_ways_are_the_same(one):
    assert key(**one) == key()


@pytest.mark.parametrize('one', [{'user_agent': 'Slicer'}, {'accept': 'text/html'}, {'accept_language': 'de'}])
def test_a_page_may_depend_on_the_browser(one):
    assert key(path=b'/', **one) == key(path=b'/', **one) != key(path=b'/')
