"""Which branch of the extension index a build of the application belongs to, and how much of it is there: pure rules.

Branches are named after versions, such as ``5.8``. Another name, such as ``main``, is that of the next version:
previews of all versions that have no branch of their own belong to it.
"""
from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from slicer_package_manager.registry.expected.entries import Entry

_VERSION = re.compile(r'[0-9]+(\.[0-9]+)*')


def is_name(branch: str) -> bool:
    """Whether ``branch`` can be the name of a branch."""
    return bool(re.fullmatch(r'[A-Za-z0-9][A-Za-z0-9._/-]{0,99}', branch))


def branch_of(version: str, release: str, branches: Collection[str]) -> str | None:
    """Return which of ``branches`` a build belongs to; ``None`` if to none of them.

    :param version: of the build, such as ``5.9.0-2026-11-01``; may be empty.
    :param release: the name of its release; ``''`` for a preview.
    """
    parts = re.split('[.-]', release or version)
    for length in range(len(parts), 0, -1):
        named = '.'.join(parts[:length])
        if named in branches:
            return named
    return None if release else min((one for one in branches if not _VERSION.fullmatch(one)), default=None)


def share(entries: Sequence[Entry], present: Collection[str]) -> float:
    """The percentage of ``entries`` whose extensions are ``present``, each weighted with its tier; 100 of none."""
    total = sum(entry['tier'] for entry in entries)
    there = sum(entry['tier'] for entry in entries if entry['name'] in present)
    return 100 * there / total if total else 100.0
