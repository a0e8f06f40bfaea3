"""How codes and names in the daily files are shown to people."""
from __future__ import annotations

from slicer_package_manager.logs.rules.vocabulary import OTHER, UNKNOWN, countries

_SYSTEMS = {'win': 'Windows', 'macosx': 'macOS', 'linux': 'Linux'}
_CLIENTS = {'slicer': 'Slicer', 'browser': 'Browser', 'command line': 'Command line',
            'package manager': 'Package manager', 'robot': 'Robot', 'unknown': 'Unknown',
            'other': 'Other (rare combinations)'}
_COUNTRIES = {UNKNOWN: 'Unknown', OTHER: 'Other (rare combinations)'}
#: What stands for a character that cannot be shown, or that changes how others are shown.
_UNPRINTABLE = '\N{REPLACEMENT CHARACTER}'


def system(code: str) -> str:
    """Return the name of an operating system."""
    return _SYSTEMS.get(code, code)


def client(code: str) -> str:
    """Return the name of a class of clients."""
    return _CLIENTS.get(code, code)


def country(code: str) -> str:
    """Return the name of a country."""
    known = countries().get(code)
    return known.name if known else _COUNTRIES.get(code, code)


def printable(text: str, longest: int | None = None) -> str:
    """Return ``text`` without control characters and marks of direction, and if it is too long, its beginning."""
    shown = ''.join(one if one.isprintable() else _UNPRINTABLE for one in text)
    return shown if longest is None or len(shown) <= longest else f'{shown[:longest - 1]}…'
