"""Inspect an uploaded archive in a process of its own, which hostile content cannot make use much memory or time.

1. :func:`inspect` starts this module as a program, with the archive as its standard input.
2. The program limits its memory and processor time, reads the archive by the rules of :mod:`inspection`, which are also
   those of the client, and prints the problems as JSON.
3. If it does not end in time, or is ended by the limits, that is a problem of the archive.
"""
from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import BinaryIO

from slicer_package_manager.inspection import archives, contents
from slicer_package_manager.inspection.contents import ERROR, Facts, Problem

#: What the program may use: processor time and time in seconds, and memory in bytes.
SECONDS, PATIENCE, MEMORY = 60, 90, 512 << 20
#: Bytes of memory to report that there was too little of it.
_SPARE = 32 << 20
PROGRAM = 'slicer_package_manager.inspector'
#: How many programs a server process runs at a time; other uploads wait.
_TURNS = threading.BoundedSemaphore(2)


def inspect(stream: BinaryIO, facts: Facts) -> list[Problem]:
    """Return the problems of the archive in ``stream``, an open file, of which ``facts`` are stated.

    :raises OSError: the program cannot be started.
    """
    stream.seek(0)
    if not _TURNS.acquire(timeout=PATIENCE):
        raise OSError('other archives are inspected, which takes long')
    try:
        return _outcome(_run(stream, facts))
    except subprocess.TimeoutExpired:
        return [_too_much_time()]
    finally:
        _TURNS.release()


def _run(stream: BinaryIO, facts: Facts) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, '-I', '-m', PROGRAM, json.dumps(asdict(facts)), str(SECONDS), str(MEMORY)]
    environment = {name: os.environ[name] for name in ('PATH', 'LANG') if name in os.environ}
    return subprocess.run(command, stdin=stream, capture_output=True, timeout=PATIENCE, check=False,  # noqa: S603
                          env=environment)


def _outcome(done: subprocess.CompletedProcess[bytes]) -> list[Problem]:
    if done.returncode == -signal.SIGXCPU:
        return [_too_much_time()]
    if done.returncode == -signal.SIGKILL:  # by the system, which had too little memory
        return [_too_much_memory(MEMORY)]
    if done.returncode:
        raise OSError(f'the inspection of an archive ended with status {done.returncode}: '
                      f'{done.stderr.decode(errors="replace")[-2000:]}')
    return [Problem(**one) for one in json.loads(done.stdout)]


def _too_much_time() -> Problem:
    return Problem(ERROR, f'Its contents cannot be read within {SECONDS} seconds.')


def _too_much_memory(most: int) -> Problem:
    return Problem(ERROR, f'Its contents cannot be read with {most >> 20} MiB of memory.')


def main() -> None:
    """Print the problems of the archive in the standard input."""
    facts, seconds, memory = Facts(**json.loads(sys.argv[1])), *map(int, sys.argv[2:])
    for limit, soft, hard in ((resource.RLIMIT_CPU, seconds, seconds + 5),
                              (resource.RLIMIT_AS, memory, memory + _SPARE),
                              (resource.RLIMIT_FSIZE, 0, 0), (resource.RLIMIT_CORE, 0, 0)):
        resource.setrlimit(limit, (soft, hard))
    with open(0, 'rb') as stream:  # the standard input
        found: list[Problem] | None = None
        with suppress(MemoryError, SystemError):  # Python raises the second where it forgets to raise the first
            found = _problems(stream, facts)
    if found is None:
        resource.setrlimit(resource.RLIMIT_AS, (memory + _SPARE, memory + _SPARE))
        found = [_too_much_memory(memory)]
    json.dump([asdict(one) for one in found], sys.stdout)


def _problems(stream: BinaryIO, facts: Facts) -> list[Problem]:
    if archives.is_archive(stream) or (not facts.is_extension and archives.is_installer(stream)):
        return list(contents.check(stream, facts))
    return [Problem(ERROR, f'It is no archive{"" if facts.is_extension else " and no installer"}.')]


if __name__ == '__main__':
    main()
