"""The metrics at ``/metrics`` for Prometheus. This module is imported only if metrics are enabled.

Several server processes add up their metrics in the directory ``PROMETHEUS_MULTIPROC_DIR``, which ``serve`` sets.
"""
from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import cherrypy
from cherrypy._cptree import Tree
from girder import events
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from slicer_package_manager.registry import health
from slicer_package_manager.registry.downloads import counter
from slicer_package_manager.registry.server import client_address
from slicer_package_manager.registry.server.environment import Operation
from slicer_package_manager.rest.middleware import request_state, routing, tracing

_METHODS = {'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'}
_HERE = CollectorRegistry()
#: In seconds, from a cached list to an installer over a slow connection.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

REQUESTS = Counter('spm_http_requests', 'Requests with a response.', ('method', 'route', 'status'), registry=_HERE)
SECONDS = Histogram('spm_http_request_seconds', 'Time from a request to the end of its response.', ('method', 'route'),
                    buckets=_BUCKETS, registry=_HERE)
RUNNING = Gauge('spm_http_requests_running', 'Requests that Girder handles, until their responses are sent.',
                registry=_HERE, multiprocess_mode='livesum')
SENT = Counter('spm_http_sent_bytes', 'Bytes of responses that were sent to clients.', ('route',), registry=_HERE)
DOWNLOADS = Counter('spm_downloads', 'Completed downloads of packages and extensions.', ('kind',), registry=_HERE)
UPLOADS = Counter('spm_uploads', 'Completed uploads of files.', registry=_HERE)
UPLOADED = Counter('spm_uploaded_bytes', 'Bytes of completed uploads.', registry=_HERE)
WAITING = Gauge('spm_download_counts_waiting', 'Completed downloads that the database has not counted yet.',
                registry=_HERE, multiprocess_mode='livesum')
WORK_RUNNING = Gauge('spm_work_running', 'Requests of a class that run.', ('work',), registry=_HERE,
                     multiprocess_mode='livesum')
WORK_WAITING = Gauge('spm_work_waiting', 'Requests of a class that wait for others of the class.', ('work',),
                     registry=_HERE, multiprocess_mode='livesum')
WORK_WAITED = Histogram('spm_work_waited_seconds', 'Time that requests of a class have waited.', ('work',),
                        buckets=_BUCKETS, registry=_HERE)
WORK_REFUSED = Counter('spm_work_refused', 'Requests that were refused because their class was full.', ('work',),
                       registry=_HERE)


class WorkMetrics:
    """Observes the class ``work`` of requests, see :mod:`front.admission`."""

    def __init__(self, work: str) -> None:
        self._running, self._waiting = WORK_RUNNING.labels(work), WORK_WAITING.labels(work)
        self._waited, self._refused = WORK_WAITED.labels(work), WORK_REFUSED.labels(work)

    def changed(self, running: int, waiting: int) -> None:
        """Show how many requests run and wait."""
        self._running.set(running)
        self._waiting.set(waiting)

    def began(self, seconds: float) -> None:
        """Note that a request has waited for ``seconds``, and runs."""
        self._waited.observe(seconds)

    def refused(self) -> None:
        """Count a request that was refused."""
        self._refused.inc()


class State(Collector):
    """The state of the server at the time of the request."""

    def collect(self) -> Iterator[Metric]:
        """Yield the families of metrics."""
        state = health.state()
        for name, text in (('database', 'Whether the database is reachable.'),
                           ('assetstore', 'Whether there is an assetstore, and it can be written to.')):
            yield GaugeMetricFamily(f'spm_{name}_up', text, value=float(state[name] == 'ok'))
        yield InfoMetricFamily('spm_build', 'The version of the server.', value={'version': state['version']})


_STATE = CollectorRegistry()
_STATE.register(State())


def exposition() -> bytes:
    """Return all metrics of all processes in Prometheus' text format."""
    measured = _HERE
    if os.environ.get('PROMETHEUS_MULTIPROC_DIR'):
        measured = CollectorRegistry()
        MultiProcessCollector(measured)  # type: ignore[no-untyped-call] # prometheus_client lacks this type
    return generate_latest(measured) + generate_latest(_STATE)


class Page:
    """``/metrics``, for clients in the networks of ``operation.metrics``."""

    exposed = True

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    def GET(self) -> bytes:
        """Respond with the metrics.

        :raises cherrypy.HTTPError: 403 for other clients, and if a proxy that is not trusted hides the address.
        """
        environ = cherrypy.request.wsgi_environ
        trusted = self._operation.trusted_proxies
        address = client_address.client(environ, trusted)
        if client_address.is_proxied_by_a_stranger(environ, trusted) or not client_address.within(
                address, self._operation.metrics):
            raise cherrypy.HTTPError(403, f'The address {address} may not read the metrics.')
        cherrypy.response.headers['Content-Type'] = CONTENT_TYPE_LATEST
        return exposition()


def _begin() -> None:
    request_state.current().is_measured = True
    RUNNING.inc()


def _count_stream() -> None:
    """Before a response is sent: count the bytes of a streamed body."""
    response = cherrypy.response
    if response.stream and cherrypy.request.method != 'HEAD':
        response.body = _counted(response.body, SENT.labels(routing.template()))


def _counted(pieces: Iterable[bytes], counter: Counter) -> Iterator[bytes]:
    try:
        for piece in pieces:
            yield piece
            counter.inc(len(piece))
    finally:
        getattr(pieces, 'close', bool)()


def _end() -> None:
    request, response = cherrypy.request, cherrypy.response
    if not request_state.current().is_measured:
        return
    RUNNING.dec()
    route, method = routing.template(), _named(request.method)
    REQUESTS.labels(method, route, tracing.status_of(response)).inc()
    SECONDS.labels(method, route).observe(tracing.age())
    if not response.stream and method != 'HEAD':
        SENT.labels(route).inc(int(response.headers.get('Content-Length') or 0))


def _named(method: str) -> str:
    """Return ``method``, unless the client has invented it."""
    return method if method in _METHODS else routing.OTHER


def _count_front(request: tracing.FrontRequest) -> None:
    method, route = _named(request.environ['REQUEST_METHOD']), request.route
    REQUESTS.labels(method, route, request.status).inc()
    SECONDS.labels(method, route).observe(request.seconds)
    SENT.labels(route).inc(request.size)


def _on_upload(event: events.Event) -> None:
    UPLOADS.inc()
    UPLOADED.inc(event.info['file'].get('size') or 0)


def start(tree: Tree, operation: Operation) -> None:
    """Measure all that ``tree`` serves, and mount ``/metrics``."""
    tracing.add_hooks(tree, {
        'on_start_resource.spm_metrics': _begin, 'before_finalize.spm_metrics': _count_stream,
        'on_end_request.spm_metrics': _end})
    tracing.FRONT_OBSERVERS.append(_count_front)
    tree.mount(Page(operation), '/metrics', {'/': {'request.dispatch': cherrypy.dispatch.MethodDispatcher()}})
    counter.COUNTED.append(lambda package_type: DOWNLOADS.labels(package_type).inc())
    counter.WAITING.append(WAITING.set)
    events.bind('model.file.finalizeUpload.after', 'slicer_package_manager.metrics', _on_upload)
