"""What a request is told although it succeeds: parts of its values that were left out."""
from __future__ import annotations

from girder import events

from slicer_package_manager.registry.schema import metadata

#: The event for whoever answers the request; its info is what :func:`metadata.left_out` returns.
LEFT_OUT = 'slicer_package_manager.left_out'


def report_left_out(package_type, given) -> None:
    """Trigger :data:`LEFT_OUT` if a part of ``given``, accepted metadata of ``package_type``, is not kept."""
    found = metadata.left_out(package_type, given)
    if found:
        events.trigger(LEFT_OUT, found)
