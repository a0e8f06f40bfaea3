"""Read the daily files again, without what is required to make them."""
from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator

from slicer_package_manager.logs import manifest
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.place import Place


def checksums(place: Place) -> dict[str, str]:
    """Return the days in ``place``, the first one first, each with the SHA-256 of its file of CSV.

    :raises LogsError: there are no daily files.
    """
    days = manifest.read(place)['days']
    if not days:
        raise LogsError(f'There are no daily files in {place.published}. Run "slicer-package-manager logs ingest" '
                        'first.')
    return {day: entry['files'][_name(day)]['sha256'] for day, entry in sorted(days.items())}


def _name(day: str) -> str:
    return f'{day.replace("-", "/")}.csv.gz'


def rows(place: Place, day: str, sha256: str) -> Iterator[dict[str, str]]:
    """Yield the rows of ``day``, by the names of their columns.

    :raises LogsError: the file has another checksum, or is of an earlier version.
    """
    path = place.published / _name(day)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise LogsError(f'{path} is not what the manifest states: it was changed, or is being written. Restore it, and '
                        'run the command again.')
    reader = csv.DictReader(io.StringIO(gzip.decompress(content).decode()))
    if 'content' not in (reader.fieldnames or ()):
        raise LogsError(f'{path} is of an earlier version, without the column "content". Make it again from the logs.')
    yield from reader
