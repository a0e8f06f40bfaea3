"""What a connection passes to the transport of the event loop, and when."""
import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from slicer_package_manager.front.connection import Connection, Heads
from slicer_package_manager.front.exchange import Exchange
from slicer_package_manager.front.pace import PaceLimits


class Transport(asyncio.Transport):
    """A transport that sends at once; :ivar sent: what each call has sent."""

    def __init__(self):
        super().__init__()
        self.sent, self.is_closed = [], False

    def writelines(self, parts):
        assert not self.is_closed
        self.sent.append(b''.join(parts))

    def close(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed

    def get_write_buffer_size(self):
        return 0

    def pause_reading(self):
        pass

    resume_reading = pause_reading


def respond(request, *parts):
    """Return the transport after a request to an application that sends ``parts``."""
    async def send_each(exchange):
        for part in parts:
            await exchange.send(part, more=True)
        await exchange.send(b'')
    return served(request, len(b''.join(parts)), send_each)


def served(request, size, send_body):
    """Return the transport after a request to an application whose response has ``size`` bytes."""
    async def application(scope, receive, send):
        exchange = Exchange(scope, receive, send)
        exchange.connection.begin_request()
        await exchange.begin(200, [(b'Content-Length', str(size).encode())])
        await send_body(exchange)
        exchange.connection.end_request()

    async def serve():
        config = uvicorn.Config(application, ws='none', interface='asgi3', log_config=None, access_log=False)
        config.load()
        transport, state = Transport(), ServerState()
        connection = Connection(Heads(), config, state, {})
        connection.connection_made(transport)
        connection.data_received(request)
        await asyncio.gather(*state.tasks)
        connection.connection_lost(None)
        return transport
    return asyncio.run(serve())


def test_the_head_of_a_response_leaves_with_the_first_part_of_its_body():
    first, *rest = respond(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', b'abc', b'def').sent
    assert first.startswith(b'HTTP/1.1 200 OK\r\n')
    assert first.endswith(b'\r\n\r\nabc')
    assert [part for part in rest if part] == [b'def']


@pytest.mark.parametrize(('size', 'number'), [(0, 1), (1, 1), (128 * 1024, 1), (128 * 1024 + 1, 3), (200 * 1024, 4)])
def test_a_small_body_leaves_by_one_call_and_a_larger_one_in_parts(size, number):
    body = b'x' * size
    sent = served(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', size, lambda exchange: exchange.finish(
        body, PaceLimits(1024, 60))).sent
    assert len(sent) == number
    assert b''.join(sent).endswith(b'\r\n\r\n' + body)


@pytest.mark.parametrize('request_', [b'HEAD / HTTP/1.1\r\n', b'HEAD / HTTP/1.1\r\nConnection: close\r\n',
                                      b'HEAD / HTTP/1.0\r\n', b'GET / HTTP/1.1\r\n', b'GET / HTTP/1.0\r\n'])
def test_a_head_without_a_body_leaves_too(request_):
    assert b''.join(respond(request_ + b'Host: x\r\n\r\n').sent).endswith(b'\r\n\r\n')


