"""Configuration file: named profiles with values for the global options."""
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Callable

from slicer_package_manager_client import textfiles
from slicer_package_manager_client.directories import config_directory
from slicer_package_manager_client.errors import InvalidRequest

#: Keys of a profile, with the types of their values.
KEYS: dict[str, tuple[type, ...]] = {
    'api_url': (str,), 'api_key_file': (str,), 'username': (str,), 'certificate': (str,),
    'ssl_verify': (bool,), 'timeout': (int, float), 'retries': (int,), 'retry_for': (int, float),
    'github_token_file': (str,), 'github_api_url': (str,),
}
#: Seconds of retries for each file: a server that restarts or is updated is back by then.
RETRY_FOR = 900.0
_FILES = ('api_key_file', 'certificate', 'github_token_file')


def default_path() -> Path:
    """Return the default path of the configuration file.

    :raises RuntimeError: the user has no home directory.
    """
    return config_directory() / 'client.toml'


def load(path: str | None, profile: str | None) -> dict[str, Any]:
    """Return the values of a profile, by default of the one that ``default_profile`` names.

    :param path: of the file; by default :func:`default_path`, where the file need not exist.
    :raises InvalidRequest: the file is missing or invalid, or has no such profile.
    """
    file = _file(path)
    if not path and not profile and not (file and file.exists()):
        return {}
    if file is None:
        raise InvalidRequest('There is no home directory, where the configuration file would be.',
                             advice='Give its path with --config.')
    profiles, default = _parse(file)
    name = profile or default
    if name is None:
        return {}
    if name not in profiles:
        raise InvalidRequest(f'There is no profile "{name}" in "{file}".',
                             advice=f'It has: {", ".join(sorted(profiles)) or "none"}.')
    return _checked(profiles[name], f'profile "{name}" of "{file}"', file.parent)


def profiles(path: str | None) -> list[str]:
    """Return the names of the profiles.

    :raises InvalidRequest: the file is missing or invalid.
    """
    file = _file(path)
    return sorted(_parse(file)[0]) if file else []


def _file(path: str | None) -> Path | None:
    """Return the path of the configuration file; ``None`` without a home directory."""
    try:
        return Path(path).expanduser() if path else default_path()
    except RuntimeError:
        return None


def _parse(file: Path) -> tuple[dict[str, Any], str | None]:
    # ruff: noqa: PLC0415  # --help does without it
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content = tomllib.loads(textfiles.decoded(file.read_bytes()))
    except FileNotFoundError as error:
        raise InvalidRequest(f'There is no configuration file "{file}".') from error
    except (OSError, ValueError) as error:
        raise InvalidRequest(f'The configuration file "{file}" cannot be read: {error}.') from error
    unknown = sorted(set(content) - {'default_profile', 'profiles'})
    profiles = content.get('profiles', {})
    default = content.get('default_profile')
    if unknown or not isinstance(profiles, dict) or not isinstance(default, (str, type(None))):
        raise InvalidRequest(f'The configuration file "{file}" may contain default_profile = "NAME" and tables '
                             f'[profiles.NAME], and no {", ".join(unknown) or "other values there"}.')
    return profiles, default


def _checked(profile: Any, where: str, base: Path) -> dict[str, Any]:
    if not isinstance(profile, dict):
        raise InvalidRequest(f'The {where} is no table.')
    problems = [f'"{key}" is unknown (known are {", ".join(KEYS)})' if key not in KEYS
                else f'"{key}" is no {KEYS[key][0].__name__}'
                for key, value in profile.items()
                if key not in KEYS or not isinstance(value, KEYS[key])
                or (isinstance(value, bool) and bool not in KEYS[key])]
    if problems:
        raise InvalidRequest(f'In the {where}, {"; ".join(problems)}.')
    return {key: str(base / Path(value).expanduser()) if key in _FILES else value
            for key, value in profile.items()}


def environment(name: str) -> str | None:
    """Return the value of an environment variable, or ``None`` if it is empty or not set."""
    return os.environ.get(name, '').strip() or None


def require_private(path: str, warn: Callable[[str], None]) -> None:
    """Warn if other users may read a file with a key or a token. Windows has no such permissions of files."""
    try:
        mode = Path(path).expanduser().stat().st_mode
    except OSError:
        return  # read_secret() reports it
    if os.name == 'posix' and mode & 0o077:
        warn(f'Warning: other users of this machine may read "{path}". Run: chmod 600 {path}')


def first_word(content: bytes) -> str:
    """Return the first word of a text, or ``''``.

    :raises ValueError: it is no text.
    """
    return next(iter(textfiles.decoded(content).split()), '')


def read_secret(path: str, what: str) -> str:
    """Return the first word of a file with a key or a token.

    :raises InvalidRequest: the file cannot be read, or is empty.
    """
    try:
        secret = first_word(Path(path).expanduser().read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidRequest(f'The {what} cannot be read from "{path}": '
                             f'{getattr(error, "strerror", None) or error}.') from error
    if not secret:
        raise InvalidRequest(f'There is no {what} in "{path}".')
    return secret
