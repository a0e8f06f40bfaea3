"""The file for the community's dashboard, ``dashboard.json``, in the form of its version 1.0.

The dashboard (https://github.com/Slicer/slicer_download_stats) reads one row for each client that downloads a package.
The daily files have days and countries, so the time of each row is the beginning of its day, and its place the middle
of its country. As in the earlier files, requests from an unknown country are left out, and so are robots.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

import duckdb

from slicer_package_manager.logs.place import Place, replaced
from slicer_package_manager.logs.rules.vocabulary import ROBOT, countries

NAME = 'dashboard.json'
VERSION = '1.0'
_ROWS = f"""
SELECT item, strftime(day, '%Y-%m-%dT00:00'), country, clients FROM read_parquet($files)
WHERE kind = 'package' AND client <> '{ROBOT}' AND clients > 0 AND len(country) = 2
ORDER BY day, item, country, client, client_os"""
_PACKAGES = """
SELECT DISTINCT ON (item) item, os, arch, version, release,
    coalesce(TRY_CAST(build_date AS TIMESTAMPTZ) AT TIME ZONE 'UTC', created)
FROM read_parquet($facts) WHERE kind = 'package' AND coalesce(public, FALSE) ORDER BY item, created DESC"""
_PARTS = 3
_BATCH = 10_000


def write(place: Place, target: Path, last: date = date.max) -> None:
    """Write the file for the dashboard, ``target``, from all daily files in ``place`` up to the day ``last``."""
    known = countries()
    numbers = {code: number for number, code in enumerate(known)}
    with replaced(target) as new, new.open('w', encoding='utf-8') as file, duckdb.connect(
            ':memory:', config={'autoinstall_known_extensions': False, 'threads': 1}) as database:
        used = _write_access(file, _rows(database, place, last), numbers)
        database.execute(_PACKAGES, {'facts': str(place.facts)})
        rest = {'bitstream': {item: _package(*facts) for item, *facts in database.fetchall() if item in used},
                'location': [f'{one.latitude:.6f},{one.longitude:.6f}' for one in known.values()],
                'countryCode': {code: [one.name, one.subregion, one.region] for code, one in known.items()},
                '_formatVersion': VERSION}
        file.write(json.dumps(rest)[1:])


def _write_access(file: TextIO, rows: Iterable[tuple[Any, ...]], numbers: dict[str, int]) -> set[str]:
    """Write the rows of all clients, and return the items that are in them."""
    used, separator = set(), ''
    file.write('{"access": [')
    for item, day, country, clients in rows:
        if country in numbers:
            used.add(item)
            row = json.dumps([item, day, country, numbers[country]])
            file.write(separator + ', '.join([row] * clients))
            separator = ', '
    file.write('], ')
    return used


def _rows(database: duckdb.DuckDBPyConnection, place: Place, last: date) -> Iterator[tuple[Any, ...]]:
    """Yield the rows up to the day ``last``, in order: month by month, so that not those of years are in memory."""
    newest = place.published / f'{last:%Y/%m/%d}.parquet'
    files = sorted(path for path in place.published.glob('????/??/??.parquet') if path <= newest)
    for _, month in groupby(files, key=lambda path: path.parent):
        rows = database.execute(_ROWS, {'files': [str(path) for path in month]})
        while batch := rows.fetchmany(_BATCH):
            yield from batch


def _package(os: str, arch: str, version: str | None, release: str | None, checkout: Any) -> dict[str, Any]:
    return {'os': os, 'arch': arch, 'bits': 32 if arch == 'i386' else 64,
            'version': '.'.join((version or '').partition('-')[0].split('.')[:_PARTS]), 'stable': int(bool(release)),
            'checkout': f'{checkout:%Y-%m-%dT%H:%M:%S.%f}+00:00'}
