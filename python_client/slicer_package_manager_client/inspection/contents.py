"""Rules for archives that are uploaded: what is in them, and whether it fits what is said about them."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from . import archives, binaries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ERROR, WARNING = 'error', 'warning'
#: Characters of the name of a file in a message.
_SHOWN = 200


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file; a warning is no reason to refuse it."""

    level: str
    message: str


@dataclass(frozen=True)
class Facts:
    """What is said about a file.

    :param file_name: ``''`` if it is not known yet.
    :param name: of the extension or application.
    """

    is_extension: bool
    file_name: str = ''
    name: str = ''
    os: str = ''
    arch: str = ''


@dataclass
class Contents:
    """What is in an archive."""

    tops: set[str] = field(default_factory=set)
    builds: Counter[tuple[str, frozenset[str]]] = field(default_factory=Counter)
    examples: dict[tuple[str, frozenset[str]], str] = field(default_factory=dict)
    files: int = 0


def missing(required: Iterable[str]) -> Iterator[Problem]:
    """Yield the problem that the metadata ``required`` are not given, if there are any."""
    names = ', '.join(required)
    if names:
        yield Problem(ERROR, f'Not given, or empty: {names}.')


def check(stream: BinaryIO, facts: Facts) -> Iterator[Problem]:
    """Yield the problems of an archive or installer, which ``stream`` has to be."""
    if archives.is_unread(stream) or (not facts.is_extension and archives.is_installer(stream)):
        if facts.is_extension:
            yield Problem(WARNING, 'Its contents cannot be read: this kind of archive is not supported.')
        return
    try:
        contents = read(stream)
    except archives.UNREADABLE as error:
        yield Problem(ERROR, f'Its contents cannot be read: {_shown(str(error))}.')
        return
    if facts.is_extension:
        yield from _folder(contents, facts)
    yield from _binaries(contents, facts)


def read(stream: BinaryIO) -> Contents:
    """Return what is in the archive ``stream``.

    :raises Exception: one of :data:`archives.UNREADABLE`.
    """
    contents = Contents()
    for member in archives.members(stream):
        parts = PurePosixPath(member.name).parts
        contents.tops.add(parts[0] if len(parts) > 1 else '')
        contents.files += 1
        found = binaries.systems(member.read(binaries.HEAD))
        if found:
            contents.builds[found] += 1
            contents.examples.setdefault(found, member.name)
    return contents


def _folder(contents: Contents, facts: Facts) -> Iterator[Problem]:
    """Check the top folder: Slicer installs only archives whose single top folder is named as the archive."""
    if not contents.files:
        yield Problem(ERROR, 'It has no files.')
        return
    if len(contents.tops) > 1 or '' in contents.tops:
        yield Problem(ERROR, 'Its files are not all in one top folder, so Slicer cannot install it.')
        return
    [top], stem = contents.tops, archives.stem(facts.file_name)
    if stem and top != stem:
        yield Problem(ERROR, f'Its top folder is "{_shown(top)}", not "{_shown(stem)}", so Slicer cannot install it.')
    elif facts.name not in top:
        yield Problem(ERROR, f'Its top folder "{_shown(top)}" does not have the name "{facts.name}" in it.')


def _binaries(contents: Contents, facts: Facts) -> Iterator[Problem]:
    """Check whether binaries fit the system; files for others, such as plug-ins of a tool, may be there too."""
    if not contents.builds or not facts.os or not facts.arch:
        return
    fitting = sum(count for (system, archs), count in contents.builds.items()
                  if system == facts.os and facts.arch in archs)
    for (system, archs), count in contents.builds.items():
        if system == facts.os and facts.arch in archs:
            continue
        others = (f'{count} binaries are for {system} {"/".join(sorted(archs))}, such as '
                  f'"{_shown(contents.examples[system, archs])}"')
        yield (Problem(WARNING, f'{others}.') if fitting else
               Problem(ERROR, f'{others}, and none is for {facts.os} {facts.arch}.'))


def _shown(text: str) -> str:
    """Return ``text``, which may come from an archive, as a short line of printable characters."""
    line = ''.join(one if one.isprintable() else '\N{REPLACEMENT CHARACTER}' for one in text[:_SHOWN])
    return line + ('...' if len(text) > _SHOWN else '')
