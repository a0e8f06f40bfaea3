"""Which part of a list is asked for, and in which order."""
from __future__ import annotations

from dataclasses import dataclass

from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES

_LARGEST = 2**31 - 1
_DOCUMENT_KEYS = frozenset({'_id', 'name', 'lowerName', 'description', 'created', 'updated', 'size'})
#: What folders can be sorted by.
FOLDER_SORTS = _DOCUMENT_KEYS | {'meta.revision'}
#: What items of each package type can be sorted by.
ITEM_SORTS = {label: _DOCUMENT_KEYS | {f'meta.{key}' for key in package_type.keys}
              for label, package_type in PACKAGE_TYPES.items()}


@dataclass(frozen=True)
class Page:
    """A part of a list: ``limit`` documents (0 for all) after the first ``offset``, ordered by ``sort``.

    ``sort`` is what goes to the database: documents equal in the wanted key come in the order in which they were
    created, and at last of their ids, so that paging neither repeats nor skips.
    """

    limit: int
    offset: int
    sort: tuple[tuple[str, int], ...]


def page(limit, offset, sort, allowed) -> Page:
    """The page for Girder's paging parameters; ``sort`` is Girder's ``[(key, direction)]``.

    :raises Invalid: a number is negative or huge, or ``sort`` names no key in ``allowed``.
    """
    problems = _number_problems(limit, offset)
    key, direction = sort[0]
    if key not in allowed:
        problems.append(('sort', f'must be one of {", ".join(sorted(allowed))}'))
    if problems:
        raise Invalid(problems)
    order = dict.fromkeys((key, 'created', '_id') if key != '_id' else (key,))
    return Page(limit, offset, tuple((one, direction) for one in order))


def check_numbers(limit, offset) -> None:
    """Refuse a limit or offset that is negative or huge.

    :raises Invalid: one is.
    """
    problems = _number_problems(limit, offset)
    if problems:
        raise Invalid(problems)


def _number_problems(limit, offset):
    return [(name, f'must be a whole number from 0 to {_LARGEST}')
            for name, number in (('limit', limit), ('offset', offset)) if not 0 <= number <= _LARGEST]
