"""Reads what extension builds write about an extension: catalog entries (``.json``) and ``.s4ext`` files."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slicer_package_manager_client.errors import InvalidRequest

#: Names in the files, in small letters, and the options that they give.
_OPTIONS = {
    'scm': 'repo_type', 'scm_type': 'repo_type', 'repository_type': 'repo_type',
    'scmurl': 'repo_url', 'scm_url': 'repo_url', 'repository_url': 'repo_url',
    'scmrevision': 'revision', 'scm_revision': 'revision', 'revision': 'revision',
    'app_revision': 'app_revision',
    'os': 'os', 'arch': 'arch',
    'name': 'name', 'basename': 'name',
    'depends': 'dependency', 'build_dependencies': 'dependency', 'dependency': 'dependency',
    'dependencies': 'dependency', 'recommends': 'recommends',
    'iconurl': 'icon_url', 'icon_url': 'icon_url',
    'screenshoturls': 'screenshots', 'screenshots': 'screenshots',
    'status': 'development_status', 'development_status': 'development_status',
    'homepage': 'homepage', 'contributors': 'contributors', 'category': 'category', 'license': 'license',
    'description': 'desc', 'enabled': 'enabled', 'tier': 'tier', 'keywords': 'keywords',
    'dicom_support_rule': 'dicom_support_rule',
}
#: Names that say how to build an extension, and nothing about it.
_OF_THE_BUILD = frozenset({'$schema', 'build_subdirectory', 'svnusername', 'svnpassword'})
_NONE = 'NA'
_TRUE, _FALSE = frozenset({'1', 'true', 'yes', 'on'}), frozenset({'0', 'false', 'no', 'off'})


def read(path: str) -> dict[str, Any]:
    """The options that the file gives; the extension's name is that of the file unless it is in it.

    :raises InvalidRequest: it is neither a catalog entry nor an ``.s4ext`` file.
    """
    file = Path(path)
    try:
        text = file.read_text('utf-8-sig')
    except (OSError, ValueError) as error:
        raise InvalidRequest(f'Metadata cannot be read from "{path}": {error}.') from error
    parse = parse_entry if file.suffix.lower() == '.json' else parse_s4ext
    try:
        return {'name': file.stem, **parse(text)}
    except ValueError as error:
        raise InvalidRequest(f'Metadata cannot be read from "{path}": {error}.') from error


def parse_s4ext(text: str) -> dict[str, Any]:
    """Options from lines of a keyword and its value; ``#`` begins a comment line.

    :raises ValueError: a keyword is unknown.
    """
    found: dict[str, Any] = {}
    for line in text.splitlines():
        keyword, *rest = line.split(None, 1) if line.strip() else ['#']
        if not keyword.startswith('#'):
            found[keyword] = rest[0].strip() if rest else ''
    return _as_options(found)


def parse_entry(text: str) -> dict[str, Any]:
    """Options from a catalog entry.

    :raises ValueError: it is no JSON object, or has an unknown key.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError('a catalog entry is a JSON object')  # noqa: TRY004
    options = _as_options(found)
    if 'repo_url' in options:
        options.setdefault('repo_type', 'git')
    return options


def _as_options(found: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, value in found.items():
        if key.lower() in _OF_THE_BUILD or value is None:
            continue
        option = _OPTIONS.get(key.lower())
        if option is None:
            raise ValueError(f'"{key}" is no key of an extension')
        options[option] = _as_value(option, key, value)
    return {option: value for option, value in options.items() if value is not None}


def _as_value(option: str, key: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = ' '.join(str(one) for one in value)
    if isinstance(value, dict):
        raise ValueError(f'"{key}" is not a text')  # noqa: TRY004
    text = str(value).strip()
    if option == 'tier':
        return _integer(key, text)
    if option == 'enabled':
        return _boolean(key, text)
    if option == 'dependency' and text == _NONE:
        return ''
    return text


def _integer(key: str, text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f'"{key}" is not a number: {text}') from error


def _boolean(key: str, text: str) -> bool | None:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if not text:
        return None
    raise ValueError(f'"{key}" is neither yes nor no: {text}')
