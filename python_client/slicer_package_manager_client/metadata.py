"""Parsers of extension descriptions: catalog entries (``.json``) and ``.s4ext`` files.

Both are read as Slicer reads them: unknown keys are ignored, ``NA`` means empty, and an extension has tier 1 and is
enabled unless its description states otherwise.
"""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable

from slicer_package_manager_client import textfiles
from slicer_package_manager_client.errors import InvalidRequest
from slicer_package_manager_client.fields import EXTENSION

#: Keywords of ``.s4ext`` files and the corresponding options.
_S4EXT = {
    'scm': 'repo_type', 'scmurl': 'repo_url', 'scmrevision': 'revision',
    'depends': 'dependency', 'recommends': 'recommends', 'homepage': 'homepage', 'contributors': 'contributors',
    'category': 'category', 'iconurl': 'icon_url', 'status': 'development_status', 'description': 'desc',
    'screenshoturls': 'screenshots', 'enabled': 'enabled', 'tier': 'tier', 'license': 'license',
    'keywords': 'keywords', 'dicom_support_rule': 'dicom_support_rule',
}
#: Keys of catalog entries and the corresponding options: those of fields, and further names for some of them.
_ENTRY = {
    **_S4EXT, **{field.key.lower(): field.option for field in EXTENSION.fields},
    'scm_type': 'repo_type', 'scm_url': 'repo_url', 'scm_revision': 'revision', 'name': 'name',
    'build_dependencies': 'dependency', 'dependencies': 'dependency',
}
_TYPES = {field.option: field.type for field in EXTENSION.fields}
#: Keys that describe the build of an extension, and are not uploaded.
_OF_THE_BUILD = frozenset({'$schema', 'build_subdirectory', 'svnusername', 'svnpassword'})
#: Slicer's defaults for extensions.
DEFAULTS = {'tier': 1, 'enabled': True}
_NONE = 'NA'
_TRUE, _FALSE = frozenset({'1', 'true', 'yes', 'on'}), frozenset({'0', 'false', 'no', 'off'})

Warn = Callable[[str], None]


def read_all(paths: tuple[str, ...], warn: Warn = lambda _text: None) -> dict[str, Any]:
    """Return the options in the files, and :data:`DEFAULTS`; empty without a file. See :func:`merged`."""
    return {**DEFAULTS, **merged(paths, warn)} if paths else {}


def merged(paths: tuple[str, ...], warn: Warn = lambda _text: None) -> dict[str, Any]:
    """Return the options in the files; later files override earlier ones.

    :param warn: called with a message about each key or line that is ignored.
    :raises InvalidRequest: one of them is neither a catalog entry nor an ``.s4ext`` file.
    """
    found: dict[str, Any] = {}
    for path in paths:
        found.update(read(path, warn))
    return found


def read(path: str, warn: Warn = lambda _text: None) -> dict[str, Any]:
    """Return the options in the file; the extension is named after the file unless the file states a name.

    :raises InvalidRequest: it is neither a catalog entry nor an ``.s4ext`` file.
    """
    try:
        return parsed(path, Path(path).read_bytes(), warn)
    except OSError as error:
        raise InvalidRequest(f'Metadata cannot be read from "{path}": {error}.') from error


def parsed(path: str, content: bytes, warn: Warn = lambda _text: None) -> dict[str, Any]:
    """Return the options in ``content``, that of the file ``path``, which need not exist; see :func:`read`."""
    file = Path(path)
    parse = parse_entry if file.suffix.lower() == '.json' else parse_s4ext
    try:
        text = textfiles.decoded(content)
        return {'name': file.stem, **parse(text, lambda problem: warn(f'In "{path}", {problem}.'))}
    except ValueError as error:
        raise InvalidRequest(f'Metadata cannot be read from "{path}": {error}.') from error


def parse_s4ext(text: str, warn: Warn = lambda _text: None) -> dict[str, Any]:
    """Return the options in lines of a keyword and its value; ``#`` starts a comment line.

    A line without a keyword, such as the rest of a value that an editor wrapped, is ignored.

    :raises ValueError: no line has a keyword, or a value is invalid.
    """
    found: dict[str, Any] = {}
    strays = []
    for number, line in enumerate(re.split(r'\r\n|\r|\n', text), 1):
        keyword, *rest = line.split(None, 1) if line.strip() else ['#']
        if keyword.startswith('#'):
            continue
        if keyword.lower() in _S4EXT or keyword.lower() in _OF_THE_BUILD:
            found[keyword] = rest[0].strip() if rest else ''
        else:
            strays.append(f'line {number} has no keyword and is ignored: {line.strip()[:60]}')
    if strays and not found:
        raise ValueError('no line begins with a keyword of an .s4ext file')
    for stray in strays:
        warn(stray)
    # Keywords are lowercase. One with capitals may be a wrapped sentence, and counts only without a lowercase one.
    exact = {key: value for key, value in found.items() if key.islower()}
    return _as_options({**{key.lower(): value for key, value in found.items()}, **exact}, _S4EXT, warn)


def parse_entry(text: str, warn: Warn = lambda _text: None) -> dict[str, Any]:
    """Return the options in a catalog entry; unknown keys are ignored.

    :raises ValueError: the text is not a JSON object, or a value is invalid.
    """
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError('it is nested too deeply') from error
    if not isinstance(found, dict):
        raise ValueError('a catalog entry is a JSON object')  # noqa: TRY004
    options = _as_options(found, _ENTRY, warn)
    if options.get('repo_url'):
        options.setdefault('repo_type', 'git')
    return options


def _as_options(found: dict[str, Any], names: dict[str, str], warn: Warn) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, value in found.items():
        option = names.get(key.lower())
        if option is not None and value is not None:
            options[option] = _as_value(option, key, value)
        elif option is None and key.lower() not in _OF_THE_BUILD:
            warn(f'"{key}" is no key of an extension and is ignored')
    return {option: value for option, value in options.items()
            if value is not None and (value != '' or option not in EXTENSION.never_empty)}


def _as_value(option: str, key: str, value: Any) -> Any:
    values = [one for one in value if one is not None] if isinstance(value, list) else [value]
    if any(isinstance(one, (dict, list)) for one in values):
        raise ValueError(f'"{key}" is not a text')
    text = ' '.join(str(one).strip() for one in values).strip()
    if text == _NONE:
        text = ''
    if _TYPES[option] is int:
        return _integer(key, text)
    if _TYPES[option] is bool:
        return _boolean(key, text)
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
