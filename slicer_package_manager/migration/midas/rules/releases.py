"""To which release packages and extensions belong."""
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from slicer_package_manager.registry.midas.versions import by_version


class Channel(NamedTuple):
    """A release of a revision of the application, or the draft of the revision if ``release`` is empty."""

    release: str
    revision: str


class Releases:
    """The releases that the rows of packages name.

    :param packages: the name of a release, ``''`` for none, and the revision of each package.
    :ivar ambiguous: revisions with several releases, which extensions were looked up for.
    """

    def __init__(self, packages: Iterable[tuple[str, str]]) -> None:
        self._names: dict[str, set[str]] = {}
        self.ambiguous: dict[str, list[str]] = {}
        for name, revision in packages:
            if name and revision:
                self._names.setdefault(revision, set()).add(name)

    def of_extension(self, revision: str) -> Channel:
        """Return the channel of extensions that were built for ``revision``; MIDAS did not store their release."""
        names = sorted(self._names.get(revision, ()), key=lambda name: (by_version(name), name))
        if len(names) > 1:
            self.ambiguous[revision] = names
        return Channel(names[0] if names else '', revision)
