"""Templates of item names: literal text and ``{key}``, where the key is one of the thing's metadata."""
from string import Formatter

from slicer_package_manager.registry.schema import validators


def problem(template, package_type):
    """What is wrong with ``template`` for names of ``package_type``; ``None`` if nothing is.

    Attribute access, indexing, conversions, format specifications and unknown keys are refused, so that a
    template can show nothing but metadata.
    """
    try:
        template = validators.text(template)
        fields = list(Formatter().parse(template))
    except ValueError as error:
        return f'is no template: {error}'
    if not template:
        return 'must not be empty'
    return next((wrong for wrong in (_part_problem(part, package_type) for part in fields) if wrong), None)


def _part_problem(part, package_type):
    _, key, specification, conversion = part
    if key is None:
        return None
    if specification or conversion:
        return f'"{{{validators.shortened(key)}}}" must be a plain key, without format or conversion'
    if key not in package_type.keys:
        return f'"{{{validators.shortened(key)}}}" is none of {", ".join(sorted(package_type.keys))}'
    return None


def render(template, package_type, meta) -> str:
    """The name that ``template`` gives to a thing with ``meta``; absent keys leave nothing behind.

    :raises ValueError: the template is unusable, or the name is empty or longer than 255 characters.
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
        raise ValueError('gives an empty name')
    return result
