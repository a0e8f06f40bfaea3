"""Several values that were given together: cleaned together, and refused together."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from slicer_package_manager.registry.schema.errors import Invalid


class Given(NamedTuple):
    """A value as it was given, with the rule that it goes through."""

    value: Any
    rule: Callable[[Any], Any]
    required: bool = True


def cleaned(**given: Given) -> dict[str, Any]:
    """The clean values by their names.

    :raises Invalid: naming every value that breaks its rule, or is required and empty.
    """
    kept, problems = {}, []
    for name, one in given.items():
        try:
            kept[name] = one.rule('' if one.value is None else one.value)
        except ValueError as error:
            problems.append((name, str(error)))
            continue
        if one.required and not kept[name]:
            problems.append((name, 'must not be empty'))
    if problems:
        raise Invalid(problems)
    return kept
