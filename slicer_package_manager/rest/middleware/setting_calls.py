"""Refuse to change settings that environment variables override, with the reason."""
from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from typing import Any

from girder import events
from girder.exceptions import ValidationException
from girder.models.setting import Setting

from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree import access
from slicer_package_manager.rest.middleware.permissions import permitted


def _parsed(value: Any) -> Any:  # JSON
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


def _requested(params: Mapping[str, Any]) -> list[tuple[Any, Any]]:  # JSON
    """Return the settings that ``PUT /system/setting`` changes, with their values. Girder refuses malformed ones.

    :raises ValidationException: an entry of the list is malformed, on which Girder would fail.
    """
    several = _parsed(params.get('list'))
    if several is None:
        return [(params.get('key'), _parsed(params.get('value')))]
    if not isinstance(several, list):
        return []
    if not all(isinstance(one, dict) and {'key', 'value'} <= one.keys() for one in several):
        raise ValidationException('Each setting in the list is an object with "key" and "value".', 'list')
    return [(one['key'], _parsed(one['value'])) for one in several]


def _refuse(key: Any, wanted: Any) -> None:  # JSON
    """Refuse to store a value that an environment variable overrides. Its current value is accepted: forms send it.

    :param wanted: the value; ``None`` for the default.
    :raises ValidationException: an environment variable has another value.
    """
    if not isinstance(key, str) or settings.variable(key) not in os.environ:
        return
    variable = settings.variable(key)
    if (Setting().getDefault(key) if wanted is None else wanted) != Setting().get(key):
        raise ValidationException(
            f'The setting {key} cannot be changed here: the environment variable {variable} of the server '
            'overrides it. Change or remove the variable, and restart the server.',
            'value')


@permitted(access.CHANGE_SETTINGS)
def set_each(event: events.Event) -> None:
    """Before ``PUT /system/setting``."""
    for key, value in _requested(event.info['params']):
        _refuse(key, value)


@permitted(access.CHANGE_SETTINGS)
def unset(event: events.Event) -> None:
    """Before ``DELETE /system/setting``, which restores the default."""
    _refuse(event.info['params'].get('key'), None)


HANDLERS = {'rest.put.system/setting.before': set_each, 'rest.delete.system/setting.before': unset}
