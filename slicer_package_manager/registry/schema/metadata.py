"""Validation of the metadata of a package by the table of its :class:`PackageType`."""
from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Problem
from slicer_package_manager.registry.schema.fields import Field, PackageType
from slicer_package_manager.registry.schema.types import Document

#: Number of dropped parts of a value that a warning lists.
_LISTED = 3


class Cleaned(NamedTuple):
    """Validated metadata: values to store, optional keys to remove, and problems."""

    values: Document
    removed: set[str]
    problems: list[Problem]


def clean(package_type: PackageType, given: Mapping[str, object], *, form: bool = False) -> Cleaned:
    """Validate the metadata ``given``. Keys that the server sets are ignored, and so are values of ``None``.

    :param form: whether ``given`` may have parameters that are not metadata, as the form of a new package does.
    """
    cleaned = Cleaned({}, set(), [])
    fields = {field.name: field for field in (*package_type.fields, *(package_type.form_only if form else ()))}
    for key, value in given.items():
        if key in package_type.managed_keys or value is None:
            continue
        try:
            _clean_one(fields.get(key), value, package_type, cleaned)
        except ValueError as error:
            cleaned.problems.append((validators.shortened(key), str(error)))
    return cleaned


def _clean_one(field: Field | None, value: object, package_type: PackageType, cleaned: Cleaned) -> None:
    if field is None:
        raise ValueError(f'is unknown; no {package_type.label} has such a key')
    stored = field.clean(value) if not isinstance(value, str) or validators.one_line(value) else ''
    if stored != '':
        cleaned.values[field.name] = stored
    elif field.name in (*package_type.identity, 'revision'):
        raise ValueError('must not be empty')
    elif field.required:
        cleaned.values[field.name] = ''
    elif field.default is None:
        cleaned.removed.add(field.name)
    # An empty text for a field with a default changes nothing.


def missing(package_type: PackageType, meta: Mapping[str, object]) -> list[Problem]:
    """Return a problem for each required key that ``meta`` lacks."""
    return [(field.name, 'is required') for field in package_type.fields if field.required and field.name not in meta]


def defaults(package_type: PackageType, meta: Mapping[str, object]) -> Document:
    """Return the default values of the keys that ``meta`` lacks."""
    return {field.name: field.default() for field in package_type.fields
            if field.default is not None and field.name not in meta}


def left_out(package_type: PackageType, given: Mapping[str, object]) -> list[Problem]:
    """Return a warning for each valid value in ``given`` of which a part is not stored."""
    rules = {field.name: field.validator for field in package_type.fields
             if isinstance(field.validator, validators.WebUrls)}
    dropped = [(key, rules[key].left_out(value)) for key, value in given.items() if key in rules and value is not None]
    return [(key, f'left out {_listed(parts)}; only http and https URLs are kept'
                  + (', and the first of several' if rules[key].most else '')) for key, parts in dropped if parts]


def _listed(parts: list[str]) -> str:
    quoted = ', '.join(f'"{validators.shortened(part)}"' for part in parts[:_LISTED])
    return f'{quoted} and {len(parts) - _LISTED} more' if parts[_LISTED:] else quoted


def is_package(meta: Mapping[str, object]) -> bool:
    """Whether an item with ``meta``, in the folder of a release or draft, is meant as a package."""
    return any(key in meta for key in ('baseName', 'os', 'arch', 'app_id'))
