"""Metadata of an upload: from options, ``--metadata``, the name of the file, its description, the user, or defaults."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from slicer_package_manager_client import descriptions, filenames, localfile, metadata
from slicer_package_manager_client.cli import output
from slicer_package_manager_client.fields import EXTENSION

if TYPE_CHECKING:
    from slicer_package_manager_client.fields import PackageType

Values = dict[str, Any]


def of_one(package_type: PackageType, filepath: str | None, given: Values) -> Values:
    """Return the values for the only file of a command; what is missing is asked for.

    Names and descriptions of files count only if the command would fail without them: release 0.11 ignores them.
    """
    values = {**metadata.read_all(given.get('metadata') or (), output.note), **_from_options(package_type, given)}
    for field in package_type.fields:
        if field.asked and values.get(field.option) is None:
            values[field.option] = output.ask(field.option.replace('_', ' ').capitalize())
    if filepath and any(field.asked and values.get(field.option) is None for field in package_type.fields):
        more = _from_file(package_type, Path(filepath), output.note)
        values = {**more, **{option: value for option, value in values.items() if value is not None}}
    return _with_defaults(package_type, values)


def of_each(package_type: PackageType, filepath: str, given: Values, warn: Callable[[str], None]) -> Values:
    """Return the values for one of several files; nothing is asked.

    :param warn: called with a message about each part of a description that is ignored.
    :raises InvalidRequest: the description of the file is invalid.
    """
    common = metadata.merged(given.get('metadata') or ())
    common.pop('name', None)  # that of the description, which would be the same for all
    return _with_defaults(package_type, {**_from_file(package_type, Path(filepath), warn), **common,
                                         **_from_options(package_type, given)})


def _from_options(package_type: PackageType, given: Values) -> Values:
    """The given options. An empty text clears a value on the server, or stands for the default."""
    return {field.option: given[field.option] for field in package_type.fields
            if given[field.option] is not None and (given[field.option] != '' or not field.default)}


def _from_file(package_type: PackageType, path: Path, warn: Callable[[str], None]) -> Values:
    localfile.require(path)
    facts = filenames.facts(path.name, package_type)
    found = descriptions.find(path, facts.get('name'), warn) if package_type is EXTENSION else {}
    return {**metadata.DEFAULTS, **found, **facts} if found else dict(facts)


def _with_defaults(package_type: PackageType, values: Values) -> Values:
    for field in package_type.fields:
        if field.default and not values.get(field.option):
            values[field.option] = field.default
    return values
