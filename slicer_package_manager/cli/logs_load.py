"""The command ``logs load``: give the daily files to the server."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from slicer_package_manager.cli import connection, progress
from slicer_package_manager.cli.logs_options import failures, place_option

if TYPE_CHECKING:
    from slicer_package_manager.logs.place import Place


class Loaded(NamedTuple):
    """How many days and rows were loaded, and how many days the server has had already."""

    days: int
    rows: int
    known: int


@click.command()
@place_option
@connection.options
def load(statistics_dir: Path | None, database: str | None, data_dir: Path) -> None:
    """Load the daily files into the database of the server, so that it shows downloads by country and client.

    "logs ingest" does so itself if it gets the facts from the database. Days that the server has already are skipped.
    Days that it has and that are not in the directory stay.
    """
    with failures():
        from slicer_package_manager.logs import published  # noqa: PLC0415 - most commands need not load it
        from slicer_package_manager.logs.place import Place  # noqa: PLC0415
        place = Place(statistics_dir or data_dir / 'statistics')
        published.checksums(place)  # there is something to lock
        with place.locked(), connection.connected(database, data_dir):
            loaded = into_connected(place)
    report(loaded)


def into_connected(place: Place) -> Loaded:
    """Load the daily files in ``place``, which is locked, into the database that is connected.

    :raises LogsError: there are none, or one is damaged.
    """
    # Girder connects when it is imported.
    from slicer_package_manager.logs import published  # noqa: PLC0415
    from slicer_package_manager.registry.downloads import logged, logged_sums  # noqa: PLC0415
    wanted, known = published.checksums(place), logged.checksums()
    changed = [day for day, sha256 in wanted.items() if known.get(day) != sha256]
    logged.prepare()
    logged_sums.prepare()
    rows = 0
    with progress.step('Loading days', len(changed), False) as advance:
        for day in changed:
            rows += logged.replace(day, wanted[day], published.rows(place, day, wanted[day]))
            advance(1)
    add_up()
    return Loaded(len(changed), rows, len(wanted) - len(changed))


def add_up() -> None:
    """Add up the months whose days were loaded or removed, in the database that is connected."""
    from slicer_package_manager.registry.downloads import logged_sums  # noqa: PLC0415 - Girder connects
    outdated = logged_sums.outdated()
    with progress.step('Adding up months', len(outdated), False) as advance:
        for month in outdated:
            logged_sums.update(month)
            advance(1)


def report(loaded: Loaded) -> None:
    """Print what was loaded."""
    click.echo(f'{loaded.days} days with {loaded.rows} rows were loaded into the server; it had {loaded.known} others.')
