"""Classes of clients and their operating systems, by the user agent."""
from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import crawleruseragents
import ua_parser_rs
from ua_parser import parse

from slicer_package_manager.logs.rules.vocabulary import (
    BROWSER,
    COMMAND_LINE,
    PACKAGE_MANAGER,
    ROBOT,
    SLICER,
    UNKNOWN,
)

#: Longer user agents are cut: their beginning decides, and parsers take long for the rest.
_LONGEST = 512
#: What Slicer sends for its own requests, and what the browser in it adds.
_SLICER = re.compile(r'Mozilla/5\.0|.*\bSlicer(?:App)?\b(?!-).*', re.DOTALL)
_PACKAGE_MANAGER = re.compile(
    r'\b(?:Homebrew|Chocolatey|Scoop|winget|WindowsPackageManager|Nix|pacman|makepkg|yay|paru|flatpak|flatpak-builder|'
    r'ostree|snapd|conda|mamba|pip|uv|Debian APT-HTTP|libdnf|dnf|yum|zypp|portage|spack|guix|Renovate|docker|buildkit|'
    r'containers)(?:[/ (-]|$)', re.IGNORECASE)
_COMMAND_LINE = re.compile(
    r'(?:curl|wget|wget2|aria2|axel|libcurl|lftp|httpie|xh|python-requests|python-urllib|python-httpx|python|aiohttp|'
    r'Go-http-client|libwww-perl|lwp|Java|Apache-HttpClient|okhttp|node-fetch|node|undici|axios|got|Ruby|Guzzle|'
    r'CMake|git|girder|slicer-package-manager-client|R|libfetch|fetch|PowerShell)(?:[/ (\d.]|$)|.*PowerShell/',
    re.IGNORECASE)
_SYSTEMS = {'windows': 'win', 'mac os x': 'macosx', 'mac os': 'macosx', 'linux': 'linux', 'ubuntu': 'linux',
            'debian': 'linux', 'fedora': 'linux', 'red hat': 'linux', 'suse': 'linux', 'centos': 'linux',
            'arch linux': 'linux', 'gentoo': 'linux', 'mageia': 'linux', 'chrome os': 'chromeos', 'android': 'android',
            'ios': 'ios', 'freebsd': 'bsd', 'openbsd': 'bsd', 'netbsd': 'bsd'}


class Client(NamedTuple):
    """The class of a client, and its operating system."""

    kind: str
    os: str


def of_agent(agent: str) -> Client:
    """Return the client that sends ``agent`` as its ``User-Agent``."""
    text = agent[:_LONGEST].strip()
    if text in ('', '-'):
        return Client(UNKNOWN, UNKNOWN)
    parsed = parse(text)
    family = parsed.os.family.lower() if parsed.os else ''
    is_spider = bool(parsed.device and parsed.device.family == 'Spider')
    is_browser = bool(parsed.user_agent) and 'Mozilla/' in text
    system = _SYSTEMS.get(family, 'other') if family and family != 'other' else _named_system(text)
    return Client(_kind(text, is_spider, is_browser), system)


def _kind(text: str, is_spider: bool, is_browser: bool) -> str:
    if _SLICER.fullmatch(text):
        return SLICER
    if _PACKAGE_MANAGER.search(text):
        return PACKAGE_MANAGER
    if _COMMAND_LINE.match(text):
        return COMMAND_LINE
    if is_spider or _robots().extract(text):
        return ROBOT
    return BROWSER if is_browser else UNKNOWN


@cache
def _robots() -> ua_parser_rs.UserAgentExtractor:
    """All patterns of crawler-user-agents, in what searches for them together.

    The module ``re`` takes a millisecond for a user agent that has none of them. Hostile logs have millions of these.
    """
    patterns = [one['pattern'] for one in crawleruseragents.CRAWLER_USER_AGENTS_DATA]
    return ua_parser_rs.UserAgentExtractor([(pattern, ROBOT, None, None, None, None) for pattern in patterns])


def _named_system(text: str) -> str:
    named = (('windows', 'win'), ('darwin', 'macosx'), ('macintosh', 'macosx'), ('linux', 'linux'))
    return next((system for word, system in named if word in text.lower()), UNKNOWN)
