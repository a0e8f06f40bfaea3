"""Templates of item names: text with ``{key}`` for each key of the metadata."""
from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.fields import PackageType


def problem(template: object, package_type: PackageType) -> str | None:
    """Return why ``template`` is invalid for names of ``package_type``; ``None`` if it is valid.

    Attribute access, indexing, conversions, format specifications and unknown keys are invalid, so that a name can
    contain metadata only.
    """
    try:
        text = validators.text(template)
        parts = list(Formatter().parse(text))
    except ValueError as error:
        return f'is not a valid template: {error}'
    if not text:
        return 'must not be empty'
    return next((wrong for _, key, specification, conversion in parts if key is not None
                 and (wrong := _key_problem(key, specification, conversion, package_type))), None)


def _key_problem(key: str, specification: str | None, conversion: str | None,
                 package_type: PackageType) -> str | None:
    if specification or conversion:
        return f'"{{{validators.shortened(key)}}}" must be a key without a format or conversion'
    if key not in package_type.keys:
        return f'"{{{validators.shortened(key)}}}" is not one of {", ".join(sorted(package_type.keys))}'
    return None


def render(template: object, package_type: PackageType, meta: Mapping[str, object]) -> str:
    """Return the name of a package with ``meta``; an absent key becomes an empty text.

    :raises ValueError: the template is invalid, or the name is empty or longer than 255 characters.
    """
    wrong = problem(template, package_type)
    if wrong:
        raise ValueError(wrong)
    pieces = []
    for literal, key, _, _ in Formatter().parse(validators.text(template)):
        pieces.append(literal)
        if key is not None:
            pieces.append(str(meta.get(key, '')))
    result = validators.name(''.join(pieces))
    if not result:
        raise ValueError('results in an empty name')
    return result
