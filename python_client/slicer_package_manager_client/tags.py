"""Git tags of GitHub releases, made from a template."""
from __future__ import annotations

import re
import string
from typing import Any

from slicer_package_manager_client.errors import InvalidRequest

#: One tag per application revision and system, because a GitHub release has at most 1000 assets.
DEFAULT = '{app_revision}-{os}-{arch}'
KEYS = ('app_name', 'app_revision', 'os', 'arch', 'name', 'revision', 'version')

# What `git check-ref-format` refuses in a name, and what is awkward in a URL.
_UNFIT = re.compile(r'[^A-Za-z0-9._+/-]+')


def tag(template: str, values: dict[str, Any]) -> str:
    """Return the tag for ``values``; characters that a tag must not have become ``-``.

    :raises InvalidRequest: the template has a key that is not in :data:`KEYS`, or the tag is empty.
    """
    try:
        filled = ''.join(text + _value(name, form, conversion, values)
                         for text, name, form, conversion in string.Formatter().parse(template))
    except ValueError as error:
        raise InvalidRequest(f'The tag template "{template}" is wrong: {error}.',
                             advice=f'It may name {", ".join(f"{{{key}}}" for key in KEYS)}.') from error
    name = fit(filled)
    if not name:
        raise InvalidRequest(f'The tag template "{template}" gives an empty tag.')
    return name


def fit(name: str) -> str:
    """Return ``name`` with invalid characters of a tag replaced."""
    parts = []
    for part in _UNFIT.sub('-', name).split('/'):
        fitted = re.sub(r'\.{2,}', '.', part)
        while (shorter := re.sub(r'^[-.]+|\.+$|\.lock$', '', fitted)) != fitted:
            fitted = shorter
        if fitted:
            parts.append(fitted)
    return '/'.join(parts)


def _value(name: str | None, form: str | None, conversion: str | None, values: dict[str, Any]) -> str:
    if name is None:
        return ''
    if name not in KEYS or form or conversion:
        raise ValueError(f'"{{{name}}}" is unknown')
    return str(values.get(name) or '')
