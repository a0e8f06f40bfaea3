"""Reads a backup whole and tells everything that is wrong with it."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from slicer_package_manager.backup import facts as knowledge
from slicer_package_manager.backup import manifest, reading, streams
from slicer_package_manager.backup.directory import Backup, Directory
from slicer_package_manager.backup.errors import BackupError, DamagedError
from slicer_package_manager.backup.steps import Steps


class Stored(NamedTuple):
    """One line of a backup's contents: an object, and the place in an assetstore where Girder looks for it."""

    digest: str
    size: int
    store: str
    path: str


def stored(backup: Backup) -> Iterator[Stored]:
    """The contents of ``backup``, ordered by objects.

    :raises BackupError: the list is damaged.
    """
    for line in streams.lines(backup.contents):
        one = Stored(*json.loads(line))
        if Path(one.path).is_absolute() or '..' in Path(one.path).parts:
            raise BackupError(f'{backup.contents}: "{one.path}" would lie outside of the assetstore.')
        yield one


def require_whole(directory: Directory, backup: Backup, steps: Steps) -> dict[str, Any]:
    """The manifest of ``backup``, all of which was read and is as it was written.

    :raises DamagedError: it is not; all problems are named.
    """
    facts = manifest.read(backup.path)
    problems = list(_damaged_files(backup, facts, steps))
    if not problems:
        problems = [*_damaged_objects(directory, backup, facts, steps), *_broken_promises(backup, facts)]
    if problems:
        raise DamagedError(problems)
    return facts


def _damaged_files(backup: Backup, facts: dict[str, Any], steps: Steps) -> Iterator[str]:
    files = {backup.collection(name): told for name, told in facts['collections'].items()}
    files[backup.contents] = facts['contents']
    with steps('Reading the documents', sum(told['size'] for told in files.values()), True) as advance:
        for path, told in files.items():
            problem = _file_problem(path, told)
            if problem:
                yield problem
            advance(told['size'])


def _file_problem(path: Path, told: dict[str, Any]) -> str | None:
    try:
        if streams.sha256(path) != told['sha256']:
            return f'{path}: its bytes have changed'
    except FileNotFoundError:
        return f'{path}: is missing'
    except OSError as error:
        return f'{path}: cannot be read: {error.strerror}'
    return None


def _damaged_objects(directory: Directory, backup: Backup, facts: dict[str, Any], steps: Steps) -> Iterator[str]:
    last = None
    with steps('Reading the files', sum(one.size for one in stored(backup)), True) as advance:
        for one in stored(backup):
            if one.digest != last:
                yield from filter(None, [directory.objects.problem(one.digest, one.size, advance)])
            last = one.digest
    found = sum(1 for _ in stored(backup))
    if found != facts['contents']['entries']:
        yield f'{backup.contents}: lists {found} files instead of {facts["contents"]["entries"]}'


def _broken_promises(backup: Backup, facts: dict[str, Any]) -> Iterator[str]:
    """What a server with these documents would do wrong: none of it is in a backup that was made without errors."""
    with knowledge.opened(manifest.buckets(facts)) as known:
        for name, told in facts['collections'].items():
            try:
                raws = map(streams.encoded, streams.documents(backup.collection(name)))
                found = sum(1 for _ in reading.learn(known, name, raws))
            except BackupError as error:
                yield str(error)
                continue
            if found != told['entries']:
                yield f'{backup.collection(name)}: has {found} documents instead of {told["entries"]}'
        for store in facts['assetstores']:
            if store['root']:
                known.add_store(store['id'], store['root'])
        for one in stored(backup):
            known.keep_at(one)
        yield from (f'The bytes of "{content.name}" are not in the backup.' for content in known.contents())
        yield from (f'The package {one} has no file.' for one in known.without_file())
