"""Run cases on both servers in turns, so that whatever else the machine does hits both alike."""
from __future__ import annotations

import contextlib
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks import servers
from benchmarks.cases import Case
from benchmarks.options import SHORT


@dataclass(frozen=True)
class Result:
    """The numbers of one case, turn by turn, by the side that they are of."""

    case: Case
    numbers: dict[str, list[float]]

    @property
    def ours(self):
        return self.numbers[self.case.sides[0]]

    @property
    def other(self):
        """What ours is compared with."""
        return [self.case.limit] * len(self.ours) if self.case.limit is not None else self.numbers[self.case.sides[1]]

    @property
    def ratios(self):
        """How many times as good as the other ours was, in each turn."""
        pairs = zip(self.ours, self.other, strict=True)
        return [ours / other if self.case.better == 'more' else other / ours for ours, other in pairs]

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    @property
    def good(self):
        return self.case.target is None or self.ratio >= self.case.target


def run(cases, running, options, progress):
    """Yield the result of each case as soon as it is known.

    :param running: the servers, by their side.
    :param progress: of :mod:`rich`.
    """
    turns = {case: 1 + (case.turns or options.turns) for case in cases}
    task = progress.add_task('', total=sum(turns.values()))
    for case in cases:
        progress.update(task, description=f'{case.name}: loading data')
        chosen = {side: running[side] for side in case.sides}
        with ThreadPoolExecutor(len(chosen)) as pool:
            setups = {side: pool.submit(case.setup, server, options) for side, server in chosen.items()}
        made = {side: setup.result() for side, setup in setups.items()}
        progress.update(task, description=case.name)
        with contextlib.ExitStack() as stack:
            chosen = {side: stack.enter_context(servers.running_as(server, case.run))
                      for side, server in chosen.items()}
            yield _measure(case, chosen, made, options, turns[case], lambda: progress.advance(task))


def _measure(case, chosen, made, options, turns, advance):
    numbers = {side: [] for side in case.sides}
    order = list(case.sides)
    # The first turn is short, warms both up, and is not counted.
    for turn in range(turns):
        for side in order:
            number = case.load(chosen[side], made[side], options if turn else options._replace(**SHORT))
            if turn:
                numbers[side].append(number)
        order.reverse()
        advance()
    return Result(case, numbers)
