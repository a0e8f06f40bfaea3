"""The order of what wraps every request that Girder handles. Before it, ``serve`` has the :mod:`front`.

A request passes it like this:

1. ``security_headers`` adds headers to every response (WSGI).
2. CherryPy begins (hooks, by priority): ``tracing`` chooses the request id and ``metrics`` counts the request (50),
   ``error_responses`` refuses it while the database is away (60), ``request_limits`` refuses what is too large or
   ambiguous (90).
3. ``upload_bodies`` reads the body of an upload in large steps.
4. ``request_limits`` refuses parameters that are none.
5. Girder chooses the handler: ``error_responses`` limits the time, ``text_limits`` the parameters and searches.
6. Before the handler (Girder's events): ``anonymous_access`` refuses anonymous clients, ``upload_scope`` checks tokens,
   ``audit_recorder`` looks up what will change, ``rate_limits`` counts.
7. The handler responds, a list by ``response_cache``.
8. Before the response is sent: ``tracing`` adds the request id to errors.
9. After it was sent: ``audit_recorder``, ``tracing`` and ``metrics`` record the request.
"""
from __future__ import annotations

import logging
from typing import Any

from cherrypy._cptree import Tree

from slicer_package_manager.registry.server import json_logs
from slicer_package_manager.registry.server.environment import Operation
from slicer_package_manager.rest.middleware import (
    anonymous_access,
    audit_recorder,
    error_responses,
    rate_limits,
    request_limits,
    request_state,
    security_headers,
    text_limits,
    tracing,
    upload_bodies,
)


def install(tree: Tree, api_root: Any, operation: Operation) -> None:  # Girder sets resources as attributes
    """Wrap all that ``tree`` serves by now, as ``operation`` configures it."""
    request_state.cache_tokens()
    # Around the handlers of Girder's file calls.
    upload_bodies.read_in_large_steps(api_root.file)
    # Before handlers are called: refuses bodies that are too large for calls that take no files.
    request_limits.guard_bodies(api_root)
    # Around the choice of a handler: refuses parameters that are too long.
    text_limits.guard()
    # Around the check of access: no handler runs for anonymous clients where a setting forbids it.
    anonymous_access.guard()
    # Around text_limits, so that the time limit of a search is the shorter one.
    error_responses.guard(tree)
    # At the beginning of requests to all applications, after error_responses.
    request_limits.guard(tree)
    _observe(tree, operation)
    # Last, so that they are on every response.
    security_headers.put_before(tree)


def _observe(tree: Tree, operation: Operation) -> None:
    """Start what an operator has switched on. Request ids are always on."""
    tracing.start(tree, operation)
    if operation.log_format == 'json':
        json_logs.use_json(logging.getLogger(), tracing.RequestId())
    if operation.metrics:
        from slicer_package_manager.rest.middleware import metrics  # noqa: PLC0415 - most servers need not load it
        metrics.start(tree, operation)
    if operation.rate_limit:
        rate_limits.start(operation)
    if operation.audit_days:
        audit_recorder.start(operation)
