"""Starts what an operator has switched on: request ids always, the rest by environment variables."""
import logging

from slicer_package_manager.registry.server import json_logs
from slicer_package_manager.registry.server.environment import Operation
from slicer_package_manager.rest.middleware import audit_recorder, tracing


def start(tree, operation: Operation) -> None:
    """Watch the requests to ``tree`` as ``operation`` says; what is off there costs them nothing."""
    tracing.start(tree, operation)
    if operation.log_format == 'json':
        json_logs.use_json(logging.getLogger(), tracing.RequestId())
    if operation.metrics:
        from slicer_package_manager.rest.middleware import metrics  # noqa: PLC0415 - most servers need not load it
        metrics.start(tree, operation)
    if operation.rate_limit:
        from slicer_package_manager.rest.middleware import rate_limits  # noqa: PLC0415 - most servers need not load it
        rate_limits.start(operation)
    if operation.audit_days:
        audit_recorder.start(operation)
