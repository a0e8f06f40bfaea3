"""Search for the description of an extension that belongs to an archive: beside it, or in it."""
from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from slicer_package_manager_client import metadata
from slicer_package_manager_client.inspection import archives

SUFFIXES = ('.s4ext', '.json')
#: Bytes of the largest description that is read from an archive.
LARGEST = 1 << 20


def find(path: Path, name: str | None, warn: metadata.Warn = lambda _text: None) -> dict[str, Any]:
    """Return the options in the description that belongs to the archive ``path``; empty if there is none.

    A file beside the archive, named as it or as the extension, takes precedence over the one in the archive.

    :param name: of the extension, if it is known.
    :raises InvalidRequest: the description is invalid.
    """
    for stem in dict.fromkeys(filter(None, (archives.stem(path.name), name))):
        for suffix in SUFFIXES:
            beside = path.with_name(f'{stem}{suffix}')
            if beside.is_file():
                return metadata.read(str(beside), warn)
    return _inside(path, name, warn)


def _inside(path: Path, name: str | None, warn: metadata.Warn) -> dict[str, Any]:
    try:
        with path.open('rb') as stream:
            for member in archives.members(stream):
                if member.size <= LARGEST and _is_description(PurePosixPath(member.name), name):
                    return metadata.parsed(f'{path}/{member.name}', member.read(LARGEST), warn)
    except archives.UNREADABLE:
        pass  # the upload reports a file that is no archive
    return {}


def _is_description(member: PurePosixPath, name: str | None) -> bool:
    """Whether a file in an archive describes the extension; other files may end with ``.json``, too."""
    if name is None:
        return member.suffix == '.s4ext'
    return member.name in {f'{name}{suffix}' for suffix in SUFFIXES}
