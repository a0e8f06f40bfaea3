"""The options of a migration."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from slicer_package_manager.migration.rules.items import Choices


class Options(NamedTuple):
    """How to migrate.

    :param in_place: the database of the source is that of this server.
    :param dry_run: write nothing.
    :param apps: ids of the applications to migrate; all if empty.
    :param packages_only: leave out what is in no application.
    :param roots: directories of assetstores of the source by id, where they are mounted elsewhere.
    :param same_users: an account here with the login of one of the source is that of the same person.
    :param keep_settings: take the registration policy and the CORS headers of the source.
    :param link_hosts: hosts to add to those that links may point to.
    :param since_last: take what has changed since a run that has ended; there must be one.
    :param delete: delete here what was deleted at the source since then.
    :param verify: compare both databases, and the bytes of all files, at the end.
    :param sample: how many files to read for that; all if ``None``.
    :param source_api: URL of the API of the older server, whose answers are compared with those of ``api`` then.
    :param api: URL of the API of this server.
    :param take_deleted: take what was deleted here, too.
    :param files: ``copy`` them; ``link`` to the older server, whose API is at ``source_api`` or is the source; or
        ``keep`` those in object storage where they are, and take the assetstore over.
    :param rate: how many bytes are read per second at most.
    :param connections: how many files are copied at the same time.
    """

    in_place: bool = False
    dry_run: bool = False
    apps: tuple[str, ...] = ()
    packages_only: bool = False
    roots: Mapping[str, Path] = {}
    choices: Choices = Choices()
    same_users: bool = False
    keep_settings: bool = False
    link_hosts: tuple[str, ...] = ()
    since_last: bool = False
    delete: bool = False
    verify: bool = False
    sample: int | None = None
    source_api: str | None = None
    api: str | None = None
    take_deleted: bool = False
    files: Literal['copy', 'link', 'keep'] = 'copy'
    rate: int | None = None
    connections: int = 2
