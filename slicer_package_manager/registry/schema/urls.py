"""URLs in texts on one line: removal of credentials, and the check whether a text is a URL."""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

#: Lengths are bounded, so that the time does not grow with the square of the length of a text.
_SCHEME = '(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,60}'


def _user_info_pattern(excluded: str) -> re.Pattern[str]:
    """Make the pattern for the scheme and the user information of a URL.

    RFC 3986 (section 3.2.1) allows no raw "/", "?" or "#" in passwords, but people paste them: in that case the part
    after the first ":" is not a port. Browsers accept any number of slashes and backslashes after the schemes that
    they know.

    :param excluded: characters that the user information cannot have.
    """
    info = (rf'(?:[^\s/?#@{excluded}]{{0,1024}}@)+'
            rf'|[^\s/?#@:{excluded}]{{1,1024}}:(?![0-9]{{0,5}}(?:[/?#]|$))[^\s{excluded}]{{0,1024}}@')
    return re.compile(rf'(https?:[/\\]*|ftps?:[/\\]*|{_SCHEME}:[/\\]{{2,}}|(?<![:/\\\w])//)({info})', re.IGNORECASE)


_IN_TEXT, _IN_MARKUP = _user_info_pattern(''), _user_info_pattern('<>')
#: A percent-encoded URL, as a parameter of another URL.
_ENCODED = re.compile(rf'({_SCHEME}(?:%3A|:)(?:%2F|/){{2}})((?:(?!%2F|%3F|%23)[^\s/?#@&<>"]){{0,1024}}(?:%40|@))',
                      re.IGNORECASE)
#: The address ``user@host:path`` of ``scp`` and ``git``, with a password, which neither of them accepts.
_SCP = re.compile(r'(?<!\S)([^\s/:@]{1,1024}):[^\s/]{0,1024}@(?=[\w.\[-][^\s@/:]{0,255}[:/])')
_SSH = re.compile('ssh|scp|sftp', re.IGNORECASE)
_PASSWORD = re.compile('(?::|%3A).*', re.IGNORECASE | re.DOTALL)
_NOT_IN_URL = re.compile(r'[\s<>"\\]')


def without_credentials(text: str, *, markup: bool = False) -> str:
    """Remove user names and passwords from the URLs in ``text``; the user name of an ssh URL stays.

    :param markup: whether ``text`` is serialized HTML.
    """
    if '@' not in text and '%40' not in text:
        return text
    pattern = _IN_MARKUP if markup else _IN_TEXT
    return _ENCODED.sub(_without_user_info, pattern.sub(_without_user_info, text))


def without_credentials_in(value: Any) -> Any:
    """Apply :func:`without_credentials` to each string in the JSON value ``value``."""
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, dict):
        return {key: without_credentials_in(one) for key, one in value.items()}
    return [without_credentials_in(one) for one in value] if isinstance(value, list) else value


def repository(text: str) -> str:
    """Remove credentials from the address of a repository, also from ``user:password@host:path``."""
    return _SCP.sub(r'\1@', without_credentials(text))


def _without_user_info(match: re.Match[str]) -> str:
    scheme, user_info = match[1], match[2]
    if not _SSH.search(scheme):
        return scheme
    at = '%40' if user_info.lower().endswith('%40') else '@'
    user = _PASSWORD.sub('', user_info[:-len(at)])
    return f'{scheme}{user}{at}' if user else scheme


def is_url(text: str, schemes: Iterable[str]) -> bool:
    """Whether ``text`` is one absolute URL with a host and one of ``schemes``."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError for an invalid port
        return parts.scheme in schemes and bool(parts.hostname) and not _NOT_IN_URL.search(text)
    except ValueError:
        return False
