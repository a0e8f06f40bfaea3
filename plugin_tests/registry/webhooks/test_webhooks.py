"""Webhooks report each change of what builds lack once, signed, to allowed public addresses only."""
import contextlib
import hashlib
import hmac
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from werkzeug import Response

from plugin_tests import loopback
from plugin_tests.waiting import PATIENCE

pytestmark = pytest.mark.database


@pytest.fixture
def delivery(wsgi_app, db, monkeypatch):
    from slicer_package_manager.registry.webhooks import changes, delivery
    monkeypatch.setattr(changes, 'INTERVAL', timedelta(0))
    return delivery


@pytest.fixture
def build(make, db):
    """A build of the application with extensions, which were uploaded yesterday."""
    def maker(revision, *names, os='linux'):
        make('package', revision=revision, version='5.11.0-2026-11-01', os=os, content=b'x')
        for name in names:
            make('extension', app_revision=revision, baseName=name, os=os, content=b'x')
        db.item.update_many({'meta.app_revision': revision},
                            {'$set': {'created': datetime.now(timezone.utc) - timedelta(days=1)}})
    return maker


@pytest.fixture
def folder(app, delivery):
    from girder.models.folder import Folder
    return Folder().load(app['_id'], force=True)


@pytest.fixture
def expect(folder):
    from slicer_package_manager.registry.expected import store
    return lambda *names: store.replace(folder, 'main', [
        {'name': name, 'category': 'IGT', 'tier': 1, 'repository_url': 'https://example.org/x'} for name in names])


@pytest.fixture
def received(httpserver):
    """The requests so far, as pairs of headers and body; ``received.status`` is answered."""
    class Received(list):
        status = 204
    found = Received()

    def accept(request):
        found.append((request.headers, request.get_data()))
        return Response(status=found.status, headers={'Location': httpserver.url_for('/elsewhere')})
    httpserver.expect_request('/hook', method='POST').respond_with_handler(accept)
    return found


@pytest.fixture
def hook(expect, folder, httpserver, allow, received):
    """A webhook of A, of which A, B and C are expected, and two builds had all."""
    from slicer_package_manager.registry.webhooks import hooks
    allow(loopback.origin(httpserver))
    expect('A', 'B', 'C')
    return hooks.add(folder, 'A', httpserver.url_for('/hook'))


def stored(db):
    return db.slicer_package_webhook.find_one()


def make_due(db):
    db.slicer_package_webhook.update_many({}, {'$set': {'due': datetime.now(timezone.utc)}})


def test_each_change_is_sent_once_and_signed(hook, delivery, build, received, app):
    build('1', 'A', 'B', 'C')
    delivery.step()
    assert received == []  # what it finds first is no change
    build('2', 'B', 'C')
    delivery.step()
    delivery.step()
    build('3', 'B')
    delivery.step()
    [(headers, body)] = received
    found = json.loads(body)
    [gap] = found['missing']
    assert (found['event'], found['extension'], found['expected'], found['app_id']) == ('status', 'A', True, app['_id'])
    assert {key: gap[key] for key in ('branch', 'os', 'arch', 'revision', 'since', 'last_good')} == {
        'branch': 'main', 'os': 'linux', 'arch': 'amd64', 'revision': '2', 'since': '2', 'last_good': '1'}
    expected = hmac.new(hook['secret'].encode(), body, hashlib.sha256).hexdigest()
    assert headers['X-Hub-Signature-256'] == f'sha256={expected}'
    assert (headers['Slicer-Package-Delivery'], headers['Content-Type']) == (found['delivery'], 'application/json')
    build('4', 'A')
    delivery.step()
    assert [json.loads(body)['missing'] for _, body in received[1:]] == [[]]


def test_an_extension_that_is_not_expected_any_more_is_a_change(hook, delivery, build, received, expect):
    build('1', 'A')
    delivery.step()
    expect('B')
    delivery.step()
    assert [json.loads(body)['expected'] for _, body in received] == [False]


def test_several_processes_send_a_change_once(hook, delivery, build, received):
    build('1', 'A')
    delivery.step()
    build('2', 'B')
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: delivery.step(), range(8), timeout=PATIENCE))
    assert len(received) == 1


@pytest.mark.parametrize('status', [302, 404, 500])
def test_a_failure_is_repeated_with_the_same_body_and_then_dropped(hook, delivery, build, received, db, status, caplog):
    build('1', 'A')
    delivery.step()
    build('2', 'B')
    received.status = status
    delivery.step()
    for attempt, pause in enumerate(delivery.RETRIES, 1):
        assert len(received) == attempt
        assert stored(db)['last']['problem'] == f'status {status}'
        waits = stored(db)['due'].replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)
        assert pause / 2 < waits <= pause
        delivery.step()
        make_due(db)
        delivery.step()
    assert len(received) == 1 + len(delivery.RETRIES)
    assert len({body for _, body in received}) == 1
    assert (stored(db)['pending'], 'is not notified' in caplog.text) == ([], True)
    assert hook['secret'] not in caplog.text
    received.status = 200
    build('3', 'A')
    delivery.step()
    assert stored(db)['last']['problem'] == ''


def test_an_attempt_whose_process_has_ended_is_repeated(hook, delivery, build, received, db, monkeypatch):
    build('1', 'A')
    delivery.step()
    build('2', 'B')

    def killed(*_):
        raise SystemExit
    with monkeypatch.context() as patch:
        patch.setattr(delivery, 'send', killed)
        with pytest.raises(SystemExit):
            delivery.step()
    delivery.step()
    assert received == []
    make_due(db)
    delivery.step()
    assert len(received) == 1


@pytest.fixture
def endless():
    """The origin of a server that goes on answering that it is still working, so that no read takes long."""
    ends = threading.Event()

    def serve(listener):
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            while not ends.is_set():
                connection.sendall(b'HTTP/1.1 102 Processing\r\n\r\n')
    with socket.create_server(('127.0.0.1', 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f'http://127.0.0.1:{listener.getsockname()[1]}'
        ends.set()
        thread.join(PATIENCE)


def test_a_receiver_that_goes_on_answering_is_given_up(endless, delivery, expect, folder, allow):
    from slicer_package_manager.registry.webhooks import hooks
    allow(endless)
    expect('A')
    hook = hooks.add(folder, 'A', f'{endless}/hook')
    assert delivery.send(hook, 'x', '{}', 0.3) == '127.0.0.1 has not answered within 0.3 seconds.'


@pytest.fixture
def strict(delivery, expect, folder):
    """The policy of servers, with one allowed host."""
    from slicer_package_manager.registry.server import settings
    from slicer_package_manager.registry.webhooks import hooks
    expect('A')
    settings.Setting().set(settings.WEBHOOK_HOSTS, ['hooks.example.org'])
    return lambda url, name='A': hooks.add(folder, name, url)


@pytest.mark.parametrize('url', [
    'https://hooks.example.com/x', 'http://hooks.example.org/x', 'https://hooks.example.org:8443/x',
    'https://user@hooks.example.org/x', 'https://127.0.0.1/x', 'file:///etc/passwd', ''])
def test_only_allowed_hosts_are_accepted(strict, url):
    from slicer_package_manager.registry.schema.errors import Invalid
    with pytest.raises(Invalid, match='webhook_hosts'):
        strict(url)


def test_an_unknown_extension_and_a_second_webhook_are_refused(strict):
    from slicer_package_manager.registry.schema.errors import Conflict, NotFound
    with pytest.raises(NotFound, match='"Other"'):
        strict('https://hooks.example.org/x', 'Other')
    strict('https://hooks.example.org/x')
    with pytest.raises(Conflict, match='already'):
        strict('https://hooks.example.org/x')


def test_nothing_is_sent_to_a_private_address_or_a_host_that_is_not_allowed_any_more(strict, delivery, monkeypatch):
    from slicer_package_manager.registry.links import addresses
    from slicer_package_manager.registry.server import settings
    hook = strict('https://hooks.example.org/x')
    monkeypatch.setattr(addresses.socket, 'getaddrinfo', lambda *_, **__: [(2, 1, 6, '', ('10.0.0.1', 443))])
    assert 'not public' in delivery.ping(hook)
    settings.Setting().set(settings.WEBHOOK_HOSTS, [])
    assert 'has not allowed' in delivery.ping(hook)


def test_webhooks_of_a_deleted_application_are_forgotten(hook, delivery, api, app, db):
    api.delete(f'/app/{app["_id"]}').raise_for_status()
    delivery.step()
    assert stored(db) is None
