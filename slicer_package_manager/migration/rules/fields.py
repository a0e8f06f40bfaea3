"""Mending of the metadata of packages: what the rules of today would refuse is corrected, or kept aside."""
from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from slicer_package_manager.migration.rules import texts, values
from slicer_package_manager.registry.schema import urls, validators
from slicer_package_manager.registry.schema.fields import Field, PackageType
from slicer_package_manager.registry.schema.types import Document

#: The revision of an extension that states none.
_UNKNOWN_REVISION = 'unknown'
#: How many values of texts are kept, and the most characters of each: together 50 MB at most.
_REPEATED, _REPEATED_CHARACTERS = 16_384, 1024
#: What is done to the text of a field before it is validated.
_MENDING: dict[str, Callable[[str], str]] = {
    'os': texts.system, 'arch': texts.architecture, 'repository_url': texts.repository,
    **dict.fromkeys(('homepage', 'icon_url', 'screenshots'), texts.with_schemes)}
#: Bytes that a text may have.
_MOST = {'description': validators.DESCRIPTION_BYTES}


class Context(NamedTuple):
    """What else is known about a package, for values that it lacks.

    :param revision: of the application, by the folder.
    :param release: name of the release, ``''`` in a draft.
    :param file_name: name of its file, ``''`` if it has none.
    """

    app_id: str
    revision: str
    release: str
    created: datetime
    file_name: str = ''


class Mended(NamedTuple):
    """Metadata that is valid here.

    :param meta: values to store, without those that the server sets.
    :param aside: values of the source that were changed, or that have no place in ``meta``.
    :param changes: by field that was changed, a sentence for the report.
    :param problem: why no list can have the package, ``None`` if it can.
    """

    meta: Document
    aside: Document
    changes: dict[str, str]
    problem: str | None = None


def mend(package_type: PackageType, given: Mapping[str, Any], context: Context) -> Mended:
    """Return the metadata ``given`` as the registry can store it. Mending what was mended changes nothing."""
    mended, problems = Mended({}, {}, {}), []
    for field in package_type.fields:
        try:
            _mend_one(package_type, field, given, context, mended)
        except ValueError as error:
            problems.append(f'{field.name} {error}')
            mended.aside[field.name] = given.get(field.name)
    _put_aside(package_type, given, context, mended)
    return mended._replace(aside=urls.without_credentials_in(mended.aside),
                           problem=urls.without_credentials('; '.join(problems)) or None)


def _mend_one(package_type: PackageType, field: Field, given: Mapping[str, Any], context: Context, mended: Mended
              ) -> None:
    before = given.get(field.name)
    stored = _stored(field, before, is_identity=field.name in package_type.identity)
    if stored == '':
        stored = _default(field, context)
        if stored is None and field.name in package_type.identity:
            raise ValueError('is missing')
    if stored is not None:
        mended.meta[field.name] = stored
    if not _is_same(before, stored):
        if before is not None:
            mended.aside[field.name] = before
        mended.changes[field.name] = _change(field.name, before, stored)


def _stored(field: Field, before: object, *, is_identity: bool) -> Any:
    """The valid value for ``before``; ``''`` if there is none."""
    try:
        if isinstance(before, str) and len(before) <= _REPEATED_CHARACTERS:
            return _repeated(field, before)
        return _valid(field, before)
    except ValueError:
        if is_identity:
            raise
        return ''


def _valid(field: Field, before: object) -> Any:
    value = texts.as_text(before)
    if value is None or (isinstance(value, str) and not value.strip()):
        return ''
    return field.clean(_prepared(field, value))


# Builds of many nights state the same texts.
_repeated = functools.lru_cache(_REPEATED)(_valid)


def _prepared(field: Field, value: object) -> object:
    if isinstance(value, bool) and field.type == 'string':
        value = str(value)
    if not isinstance(value, str):
        return value
    prepared = _MENDING.get(field.name, str)(validators.one_line(value))
    return texts.cut(prepared, _MOST.get(field.name, validators.VALUE_BYTES))


def _default(field: Field, context: Context) -> Any:
    """The value of a field that the source leaves empty; ``None`` if it may be absent."""
    makers: dict[str, Callable[[], Any]] = {
        'version': lambda: (texts.version_in(context.file_name, context.release) or context.release
                            or context.revision),
        'build_date': lambda: validators.timestamp(context.created),
        'pre_release': lambda: False,
    }
    if field.name in makers:
        return makers[field.name]()
    if field.name == 'app_revision' or (field.name == 'revision' and field.filter):
        return context.revision or None
    if field.name == 'revision':
        return _UNKNOWN_REVISION
    return '' if field.required and field.name not in ('os', 'arch', 'baseName') else None


def _is_same(before: object, stored: object) -> bool:
    if isinstance(before, datetime) and isinstance(stored, datetime):
        return validators.timestamp(before) == stored
    # Of an optional value, an empty one is the same as none.
    return (before == stored and type(before) is type(stored)) or (before in (None, '') and stored is None)


def _change(name: str, before: object, stored: object) -> str:
    if before is None:
        return f'{name}: was missing, now "{values.printable(stored)}"'
    was = f'{name}: "{values.printable(before)}" was'
    return f'{was} cleared' if stored in (None, '') else f'{was} changed to "{values.printable(stored)}"'


def _put_aside(package_type: PackageType, given: Mapping[str, Any], context: Context, mended: Mended) -> None:
    """Keep what has no place in the metadata of today."""
    others = {key: value for key, value in given.items() if key not in package_type.keys and value is not None}
    mended.aside.update(others)
    mended.changes.update((key, f'{values.printable(key)}: was moved out of the metadata') for key in sorted(others))
    if given.get('app_id') is None:
        mended.changes['app_id'] = _change('app_id', None, context.app_id)
    elif given['app_id'] != context.app_id:
        mended.aside['app_id'] = given['app_id']
        mended.changes['app_id'] = f'app_id: "{values.printable(given["app_id"])}" is another application'
