"""What a request is told although it succeeds: parts of its values that were left out."""
from __future__ import annotations

from girder import events

from slicer_package_manager.registry.schema import fields

#: The event for whoever answers the request; its info is what :func:`fields.left_out` returns.
LEFT_OUT = 'slicer_package_manager.left_out'


def report_left_out(kind, given) -> None:
    """Trigger :data:`LEFT_OUT` if something of ``given``, metadata of ``kind`` that was accepted, is not kept."""
    found = fields.left_out(kind, given)
    if found:
        events.trigger(LEFT_OUT, found)
