"""How complete the extensions of previews are, and what changed from one preview to the next: pure rules.

Extensions are built for hours after the preview of the application. Until then it has fewer than those before.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from slicer_package_manager.pages import extensions
from slicer_package_manager.registry.catalog.extension_lists import Members
from slicer_package_manager.registry.expected.builds import QUIET

#: A build is complete that has this share of the extensions of those before, of which so many are compared.
_ENOUGH, COMPARED = 0.9, 3
#: A preview without extensions is so young that they are still to come.
_YOUNG = timedelta(days=1)


class Stage(NamedTuple):
    """How far a build is for one system.

    :param number: of its extensions.
    :param usual: the most extensions of one of the builds before; 0 if there is none.
    :param is_growing: whether extensions are still being added.
    """

    number: int = 0
    usual: int = 0
    is_growing: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether about as many extensions are there as usual."""
        return self.number >= _ENOUGH * self.usual

    @property
    def words(self) -> str:
        """The number of extensions in words."""
        return extensions.counted(self.number)


class Changes(NamedTuple):
    """The names of extensions that differ from the build before, on any system."""

    new: list[str]
    changed: list[str]
    gone: list[str]


#: The extensions of a build by system: the revision of each, by its name.
Extensions = Mapping[tuple[str, str], Mapping[str, str]]


def by_revision(members: Iterable[Members]) -> dict[str, dict[tuple[str, str], dict[str, str]]]:
    """The extensions of each revision of the application."""
    found: dict[str, dict[tuple[str, str], dict[str, str]]] = {}
    for one in members:
        found.setdefault(one.app_revision, {})[one.os, one.arch] = one.revisions
    return found


def stage(number: int, before: Sequence[int], latest: datetime, now: datetime) -> Stage:
    """The stage of a build for one system.

    :param before: numbers of extensions of the builds before, newest first.
    :param latest: when the last extension was added; when the build was made, if it has none.
    """
    quiet = QUIET if number else _YOUNG
    return Stage(number, max(before[:COMPARED], default=0), now - latest < quiet)


def changes(newer: Extensions, older: Extensions) -> Changes:
    """What ``newer`` has, has in another revision, and does not have any more, for the systems of both."""
    systems = [system for system in newer if system in older]
    now, then = ({name for system in systems for name in one[system]} for one in (newer, older))
    changed = {name for system in systems for name, revision in newer[system].items()
               if older[system].get(name, revision) != revision}
    return Changes(*(sorted(names, key=str.casefold) for names in (now - then, changed, then - now)))
