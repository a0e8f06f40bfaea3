"""How much data and how many turns a run has."""
from __future__ import annotations

from typing import NamedTuple


class Options(NamedTuple):
    """What a run loads, and how often and how long it measures.

    :param listed: extensions of the release for each system, which is what a list of them has.
    :param systems: for how many systems there are packages and extensions.
    :param drafts: of both servers.
    :param extensions: of each draft, for each system.
    :param counted: of those, how many were downloaded.
    :param few: drafts of the server of ours that has few.
    :param some: as many drafts as that server gets for the searches.
    :param many: drafts of the server of ours that has many.
    :param most: as many drafts as that server gets for the searches.
    :param counts: the number of other packages with download counts.
    :param uploads: of a night, for each system.
    :param turns: how often each case runs on each server.
    :param seconds: length of a turn of those cases that count requests.
    :param clients: connections of those cases.
    :param workers: processes of our server, where a case does not say; the peer has one.
    """

    listed: int = 240
    systems: int = 3
    drafts: int = 64
    extensions: int = 200
    counted: int = 60
    few: int = 4
    some: int = 20
    many: int = 180
    most: int = 250
    counts: int = 500_000
    uploads: int = 256
    turns: int = 5
    seconds: int = 3
    clients: int = 16
    workers: int = 1


#: What a turn that is not counted has less of.
SHORT = {'seconds': 1, 'uploads': 2}
FULL = Options()
QUICK = Options(systems=1, extensions=60, counts=20_000, uploads=20, turns=2, seconds=1)
