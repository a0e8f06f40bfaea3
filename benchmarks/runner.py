"""Runs cases on both servers in turns, so that whatever else the machine does hits both alike."""
from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import click

from benchmarks.cases import Case
from benchmarks.servers import OURS, PEER


@dataclass(frozen=True)
class Result:
    """The numbers of one case, turn by turn."""

    case: Case
    ours: list[float]
    peer: list[float]

    @property
    def ratios(self):
        """How many times as good as the peer ours was, in each turn."""
        pairs = zip(self.ours, self.peer, strict=True)
        return [ours / peer if self.case.better == 'more' else peer / ours for ours, peer in pairs]

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    @property
    def good(self):
        return self.ratio >= self.case.target


def run(cases, servers, options):
    """Yield the result of each case as soon as it is known.

    :param servers: by their side.
    """
    for case in cases:
        click.echo(f'{case.name}: loading data', err=True)
        with ThreadPoolExecutor(len(servers)) as pool:
            setups = {side: pool.submit(case.setup, server, options) for side, server in servers.items()}
        made = {side: setup.result() for side, setup in setups.items()}
        yield _measure(case, servers, made, options)


def _measure(case, servers, made, options):
    numbers = {OURS: [], PEER: []}
    order = [OURS, PEER]
    # The first turn warms both up and counts for nothing.
    for turn in range(1 + (case.turns or options.turns)):
        for side in order:
            number = case.load(servers[side], made[side], options)
            if turn:
                numbers[side].append(number)
            click.echo(f'  {side} {number:.1f} {case.unit}', err=True)
        order.reverse()
    return Result(case, numbers[OURS], numbers[PEER])
