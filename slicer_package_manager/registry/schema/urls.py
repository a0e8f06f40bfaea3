"""URLs in text that people wrote: without credentials, and which of them a page can show.

Pure rules on text that is on one line.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

#: Lengths are bounded so that no text takes a time that grows with the square of its length.
_SCHEME = '(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,60}'


def _of_url(no):
    """A pattern for the scheme and the user information of a URL with the latter, which has no character of ``no``.

    RFC 3986 (section 3.2.1) has no raw "/", "?" or "#" in passwords, but people paste them: what follows the first ":"
    cannot be a port then. Browsers accept any number of slashes, and backslashes, after the schemes that they know.
    """
    info = (rf'(?:[^\s/?#@{no}]{{0,1024}}@)+'
            rf'|[^\s/?#@:{no}]{{1,1024}}:(?![0-9]{{0,5}}(?:[/?#]|$))[^\s{no}]{{0,1024}}@')
    return re.compile(rf'(https?:[/\\]*|ftps?:[/\\]*|{_SCHEME}:[/\\]{{2,}}|(?<![:/\\\w])//)({info})', re.IGNORECASE)


_IN_TEXT, _IN_MARKUP = _of_url(''), _of_url('<>')
#: A URL that is a parameter of another one.
_ENCODED = re.compile(rf'({_SCHEME}(?:%3A|:)(?:%2F|/){{2}})((?:(?!%2F|%3F|%23)[^\s/?#@&<>"]){{0,1024}}(?:%40|@))',
                      re.IGNORECASE)
#: What ``scp`` and ``git`` accept in place of a URL, with a password that neither of them would.
_SCP = re.compile(r'(?<!\S)([^\s/:@]{1,1024}):[^\s/]{0,1024}@(?=[\w.\[-][^\s@/:]{0,255}[:/])')
_SSH = re.compile('ssh|scp|sftp', re.IGNORECASE)
_PASSWORD = re.compile('(?::|%3A).*', re.IGNORECASE | re.DOTALL)
_NOT_IN_URL = re.compile(r'[\s<>"\\]')


def without_credentials(text: str, *, markup: bool = False) -> str:
    """``text`` without the user names and passwords of the URLs in it; the user of an ssh URL stays.

    :param markup: whether ``text`` is HTML as a serializer writes it.
    """
    if '@' not in text and '%40' not in text:
        return text
    pattern = _IN_MARKUP if markup else _IN_TEXT
    return _ENCODED.sub(_without_user_info, pattern.sub(_without_user_info, text))


def without_credentials_in(value):
    """``value``, as JSON has it, with :func:`without_credentials` applied to each text in it."""
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, dict):
        return {key: without_credentials_in(one) for key, one in value.items()}
    return [without_credentials_in(one) for one in value] if isinstance(value, list) else value


def repository(text: str) -> str:
    """``text``, the address of a repository, without credentials; also of the form ``user:password@host:path``."""
    return _SCP.sub(r'\1@', without_credentials(text))


def _without_user_info(match):
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
        _ = parts.port  # raises for a port that is none
        return parts.scheme in schemes and bool(parts.hostname) and not _NOT_IN_URL.search(text)
    except ValueError:
        return False
