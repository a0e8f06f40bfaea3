"""Read the files of an extension index from a directory or a zip archive."""
from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from slicer_package_manager.registry.expected import entries
from slicer_package_manager.registry.expected.entries import Entry
from slicer_package_manager.registry.schema.errors import Invalid

#: The index has less than 300 files of some 500 bytes.
_MOST_FILES, _MOST_BYTES = 5000, 64 * 2**10
_HEAD = re.compile(r'ref: refs/heads/(\S+)')


def read(source: Path) -> list[Entry]:
    """Return the entries of the index ``source``, sorted by name: a directory, a Git checkout or a zip archive.

    :raises Invalid: there is no entry, or some files cannot be read; the message names them.
    """
    found: dict[str, Entry] = {}
    problems: list[tuple[str, str]] = []
    # Later ones replace earlier ones.
    for name, content in sorted(_files(source), key=lambda file: -entries.SUFFIXES.index(_suffix(file[0]))):
        try:
            entry = entries.parse(name, content)
        except ValueError as error:
            problems.append((name, str(error)))
        else:
            if entry:
                found[entry['name']] = entry
    if not found and not problems:
        problems = [(str(source), 'has no file NAME.json or NAME.s4ext that names a repository, as an index has')]
    if problems:
        raise Invalid(sorted(problems))
    return sorted(found.values(), key=lambda entry: entry['name'])


def branch_of(source: Path) -> str | None:
    """The branch that is checked out in ``source``; ``None`` if it is no Git checkout, or on no branch."""
    head = source / '.git' / 'HEAD'
    match = _HEAD.match(head.read_text(encoding='utf-8', errors='replace')) if head.is_file() else None
    return match[1] if match else None


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _files(source: Path) -> list[tuple[str, bytes]]:
    try:
        found = list(_in_directory(source) if source.is_dir() else _in_archive(source))
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Invalid([(str(source), f'cannot be read: {error}')]) from error
    large = [(name, f'is larger than {_MOST_BYTES} bytes') for name, content in found if len(content) > _MOST_BYTES]
    if large:
        raise Invalid(large)
    return found


def _in_directory(folder: Path) -> Iterator[tuple[str, bytes]]:
    paths = sorted(path for path in folder.iterdir() if entries.is_entry(path.name) and path.is_file())
    _require_few(folder, len(paths))
    for path in paths:
        with path.open('rb') as stream:
            yield path.name, stream.read(_MOST_BYTES + 1)


def _in_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files at the top of an archive, or in the only folder there, as GitHub packs a branch."""
    with zipfile.ZipFile(path) as archive:
        _require_few(path, len(archive.namelist()))
        tops = {name.split('/')[0] for name in archive.namelist()}
        start = f'{tops.pop()}/' if len(tops) == 1 else ''
        for info in archive.infolist():
            name = info.filename.removeprefix(start)
            if entries.is_entry(name) and '/' not in name:
                with archive.open(info) as stream:
                    yield name, stream.read(_MOST_BYTES + 1)


def _require_few(source: Path, number: int) -> None:
    if number > _MOST_FILES:
        raise Invalid([(str(source), f'has {number} files; an extension index has at most {_MOST_FILES}')])
